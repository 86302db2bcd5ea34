"""The list of quantities."""

import math
import re
from pathlib import Path

import msgspec
from mmetering_contract.payload import Name
from mmetering_contract.quantity import BY_NAME, QUANTITIES, Group, Kind

DOCUMENT = (Path(__file__).parents[2] / "docs/quantities.md").read_text(encoding="utf-8")


def test_names_are_unique() -> None:
    """Two quantities under one name would share a column."""
    assert len(BY_NAME) == len(QUANTITIES)


def test_names_fit_a_payload_and_a_column() -> None:
    """A name must be one that payloads allow and PostgreSQL takes unquoted and uncut (63 bytes)."""
    for quantity in QUANTITIES:
        msgspec.convert(quantity.name, Name)
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", quantity.name)


def test_what_is_counted_is_counted_in_hours_and_gauges_are_not() -> None:
    """Energy and charge are counted in whole Wh, varh, VAh or mAh; a value of the moment has none of these units."""
    hours = {"Wh", "varh", "VAh", "mAh"}
    assert {quantity.unit for quantity in QUANTITIES if quantity.whole} == hours
    assert not hours & {quantity.unit for quantity in QUANTITIES if quantity.kind is Kind.GAUGE}
    assert {quantity.whole for quantity in QUANTITIES if quantity.kind in {Kind.COUNTER, Kind.BALANCE}} == {True}


def test_only_a_factor_is_without_a_unit() -> None:
    """Every other quantity must say what it is measured in."""
    for quantity in QUANTITIES:
        assert bool(quantity.unit) is not quantity.name.startswith("power_factor")


def test_every_quantity_is_described() -> None:
    """A quantity must say what it means and belong to a scan group."""
    assert all(quantity.description for quantity in QUANTITIES)
    assert {quantity.group for quantity in QUANTITIES} == set(Group)


def test_what_is_counted_is_stored_as_it_is_and_a_gauge_in_decimal_steps() -> None:
    """A step must be a power of ten of the unit, so that plain units show no more digits than were stored."""
    for quantity in QUANTITIES:
        steps_per_unit = 1 if quantity.whole else 10 ** round(-math.log10(quantity.resolution))
        assert quantity.resolution == 1 / steps_per_unit


def test_a_maximum_stands_beside_what_it_is_of() -> None:
    """The highest demand must be of a demand that is a quantity of the same unit itself."""
    maxima = [quantity for quantity in QUANTITIES if "_maximum" in quantity.name]
    assert maxima
    for quantity in maxima:
        assert BY_NAME[quantity.name.replace("_maximum", "")].unit == quantity.unit


def test_the_document_lists_every_quantity() -> None:
    """`docs/quantities.md` must hold the table that this contract makes; the difference says what to write there."""
    lines = [
        f"| `{quantity.name}` | {quantity.unit} | {quantity.resolution:g} "
        f"| {quantity.kind} | {quantity.group} | {quantity.description} |"
        for quantity in QUANTITIES
    ]
    assert [line for line in DOCUMENT.splitlines() if line.startswith("| `")] == lines
