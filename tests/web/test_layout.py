"""Headings and order of the meters."""

from mmetering_contract.label import Label
from mmetering_web.layout import groups, layout_of

FLAT = Label("Flat 1", "flat")
PV = Label("PV", "producer", "export")


def test_meters_are_grouped_and_sorted_as_people_count() -> None:
    """Flat 2 comes before Flat 10; meters without a point stand at the end, as the plant calls them or by slug."""
    labels = {"x": Label("Flat 10", "flat"), "y": Label("Flat 2", "flat"), "pv": PV}
    shown = groups(labels, {"x": "Old label", "new-meter": "", "other": "Attic"})
    assert [(group.title, [name for _, name in group.meters]) for group in shown] == [
        ("Flats", ["Flat 2", "Flat 10"]),
        ("Producers", ["PV"]),
        ("Unassigned meters", ["Attic", "new-meter"]),
    ]


def test_the_layout_changes_with_names_groups_and_meters_only() -> None:
    """An open page lays its tiles out anew when, and only when, they differ."""
    layout = layout_of(groups({"a": FLAT}, {"a": ""}))
    assert layout == layout_of(groups({"a": FLAT}, {}))
    for labels, meters in (
        ({"a": FLAT}, {"b": ""}),
        ({}, {"a": ""}),
        ({}, {"a": "Attic"}),
        ({"a": Label("Flat one", "flat")}, {}),
    ):
        assert layout != layout_of(groups(labels, meters))
