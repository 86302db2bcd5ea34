"""The list of quantities."""

import re

import msgspec
from mmetering_contract.payload import Name
from mmetering_contract.quantity import BY_NAME, QUANTITIES, Group, Kind


def test_names_are_unique() -> None:
    """Two quantities under one name would share a column."""
    assert len(BY_NAME) == len(QUANTITIES)


def test_names_fit_a_payload_and_a_column() -> None:
    """A name must be one that payloads allow and PostgreSQL takes unquoted and uncut (63 bytes)."""
    for quantity in QUANTITIES:
        msgspec.convert(quantity.name, Name)
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", quantity.name)


def test_counters_are_counted_in_hours_and_gauges_are_not() -> None:
    """Energy grows and is counted in whole Wh, varh or VAh; a value of the moment has none of these units."""
    hours = {"Wh", "varh", "VAh"}
    assert {quantity.unit for quantity in QUANTITIES if quantity.kind is Kind.COUNTER} == hours
    assert not hours & {quantity.unit for quantity in QUANTITIES if quantity.kind is Kind.GAUGE}


def test_every_quantity_is_described() -> None:
    """A quantity must say what it means and belong to a scan group."""
    assert all(quantity.description and quantity.unit for quantity in QUANTITIES)
    assert {quantity.group for quantity in QUANTITIES} <= set(Group)
