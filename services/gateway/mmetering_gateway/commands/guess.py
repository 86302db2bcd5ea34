"""Which model a meter is, from the code of its build and from the registers that it has. Pure.

A register that a meter refuses rules out every model with it; of the models that are left, that with the most
registers is taken, once it has shown one that each other lacks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mmetering_gateway.models.registers import Model


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A register that some models have and others lack: an input register, or else a holding register."""

    address: int
    holding: bool = False


def marks(model: Model) -> frozenset[Mark]:
    """Return what a unit of a model has. Of the holding registers only that of the word order: it is never 0."""
    order = () if model.word_order is None else (Mark(model.word_order, holding=True),)
    return frozenset((*(Mark(register.address) for register in model.registers), *order))


def fitting(models: Iterable[Model], code: int | None, has: Mapping[Mark, bool]) -> tuple[Model, ...]:
    """Return the models that a meter may be, the likeliest first.

    Args:
        models: that there are.
        code: of its build; None where it tells none.
        has: what it was asked for, and whether it has that.
    """
    models = tuple(models)
    same = tuple(model for model in models if code in model.codes) or models
    fits = (model for model in same if all(has.get(mark, True) for mark in marks(model)))
    return tuple(sorted(fits, key=lambda model: -len(marks(model))))


def next_mark(fits: tuple[Model, ...], has: Mapping[Mark, bool]) -> Mark | None:
    """Return what to ask for next; None where nothing tells the likeliest model from the others any better."""
    if not fits:
        return None
    own, *others = (marks(model) for model in fits)
    for other in (*others, frozenset[Mark]()):
        distinct = own - other
        if distinct and not any(has.get(mark) for mark in distinct):
            return min(distinct)
    return None


def alike(fits: tuple[Model, ...]) -> tuple[str, ...]:
    """Return the names of the models that fit as well as the likeliest does."""
    return tuple(model.name for model in fits if marks(model) == marks(fits[0]))
