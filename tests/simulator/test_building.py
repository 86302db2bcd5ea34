"""The building's file: what is accepted, and what a person is told who got it wrong."""

from pathlib import Path

import pytest
from mmetering_simulator.building import DEFAULT, BuildingError, Chp, Common, Flat, Pv, RtuOverTcp, Tcp, load_building


def test_the_shipped_building_has_all_kinds() -> None:
    """The default must be eight flats, a common supply, a roof and a cogeneration unit on a TCP and a serial bus."""
    building = load_building()
    assert [type(meter) for meter in building.meter.values()] == [Flat] * 8 + [Common, Pv, Chp]
    assert list(building.on_bus("cellar")) == ["common", "pv", "chp"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 630", "seed = 630\ncolour = 1", "unknown field `colour`"),
        ("kw_peak = 9.9", "kw_peak = 9.9\nyearly_kwh = 1", "unknown field `yearly_kwh` - at `$.meter"),
        ("kw = 5.5", "kw = -5.5", "`$.meter"),
        ("kw = 5.5", 'kw = "5.5"', "Expected `float`"),
        ('kind = "chp"', 'kind = "wind"', "wind"),
        ("unit = 13", "unit = 248", "<= 247"),
        ("unit = 12", "unit = 11", "meters common and pv have unit id 11"),
        ('bus = "cellar"', 'bus = "attic"', "'attic'"),
        ("kw = 5.5", 'kw = 5.5\nmodel = "sdm631"', "no model 'sdm631'; there are sdm630, "),
        ("kw = 5.5", 'kw = 5.5\nmodel = "sdm120"', "an sdm120 measures one phase"),
        ("baud = 9600", "baud = 1200", "meter common on bus cellar: an sdm630 knows no 1200 baud"),
        ("kw = 5.5", "kw = 5.5\ndead_phases = [4]", "`$.meter"),
        ("[meter.pv]", "[meter.PV]", "matching regex"),
        ("baud = 9600", "baud = 9601", "9601"),
        ("T00:00:00", "T00:01:00", "quarter hour"),
        ("T00:00:00+01:00", "T00:00:00", "timezone"),
        ("Europe/Berlin", "Europe/Springfield", "Europe/Springfield"),
        ("latitude = 48.1", "latitude = 148.1", "<= 90.0"),
        ("seed = 630", "seed = ", "line 4"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    """A mistake must end the start with the file, the key and the reason."""
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "house.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BuildingError) as raised:
        load_building(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert said in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there must be said so with its path."""
    with pytest.raises(BuildingError, match=r"nowhere\.toml"):
        load_building(tmp_path / "nowhere.toml")


def test_ports_can_be_moved() -> None:
    """A port from the command line must replace the file's, and make RTU over TCP of a pseudo-terminal."""
    assert load_building().with_ports({"flats": 15020, "cellar": 15021}).bus == {
        "flats": Tcp(port=15020),
        "cellar": RtuOverTcp(port=15021),
    }
    assert load_building().with_ports({}) == load_building()
    with pytest.raises(BuildingError, match="attic"):
        load_building().with_ports({"attic": 15020})
