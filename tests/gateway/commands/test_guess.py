"""The model that fits best is found with few questions, and never one that lacks what the meter has."""

import pytest
from mmetering_gateway.commands.guess import Mark, alike, fitting, marks, next_mark
from mmetering_gateway.models import MODELS
from mmetering_gateway.models.registers import Model

ALL = tuple(MODELS.values())


def guessed(unit: Model, code: int | None = None) -> tuple[tuple[Model, ...], int]:
    """Ask a unit until its model is found; return what fits and the number of questions."""
    has: dict[Mark, bool] = {}
    while mark := next_mark(fitting(ALL, code, has), has):
        assert mark not in has
        has[mark] = mark in marks(unit)
    return fitting(ALL, code, has), len(has)


@pytest.mark.parametrize("unit", ALL, ids=MODELS)
def test_a_unit_is_found_by_what_it_has(unit: Model) -> None:
    """Without any code, in a dozen questions."""
    fits, questions = guessed(unit)
    assert unit.name in alike(fits)
    assert questions <= 12


@pytest.mark.parametrize("unit", [model for model in ALL if model.codes], ids=lambda model: model.name)
def test_a_known_code_needs_hardly_a_question(unit: Model) -> None:
    """What is asked then only makes sure."""
    fits, questions = guessed(unit, unit.codes[0])
    assert fits[0] == unit
    assert questions <= 2


def test_what_lacks_everything_fits_nothing() -> None:
    """A device that refuses all that any model has is no meter that is known."""
    has = {mark: False for model in ALL for mark in marks(model)}
    assert fitting(ALL, None, has) == ()
    assert next_mark((), has) is None
