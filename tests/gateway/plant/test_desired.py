"""Which plant is in force: the file's, or the one that the broker told, through all that can be wrong with it."""

from pathlib import Path

import pytest
from mmetering_contract.payload import encode
from mmetering_contract.plant import DesiredPlant, PlantMeter
from mmetering_gateway.plant.desired import Desired
from mmetering_gateway.plant.plant import Meter, Plant, TcpBus

SEED = Plant(bus=(TcpBus("cellar", "127.0.0.1"),), meter=(Meter("flat-1", "cellar", 1),), source="web")


def told(revision: int, *meters: PlantMeter) -> bytes:
    """Return a plant as it comes over the broker."""
    return encode(DesiredPlant(revision, meters))


FLAT_2 = PlantMeter("flat-2", "cellar", 2, label="Flat 2", rated_current=250.0)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Give the file that a plant is kept in."""
    return tmp_path / "plant.json"


def test_the_files_meters_are_read_until_the_broker_has_told_some(kept: Path) -> None:
    """The broker's plant takes the place of the file's, and is in force after a start without a broker too."""
    desired = Desired(SEED, kept)
    assert desired.plant == SEED
    assert desired.take(told(3, FLAT_2))
    again = Desired(SEED, kept)
    assert again.plant == desired.plant
    assert again.plant.meter == (Meter("flat-2", "cellar", 2, label="Flat 2", rated_current=250.0),)
    assert (again.revision, again.error) == (3, "")


def test_the_same_plant_again_changes_nothing(kept: Path) -> None:
    """The web sends it on every connect; only its revision is taken over."""
    desired = Desired(SEED, kept)
    desired.take(told(3, FLAT_2))
    assert not desired.take(told(3, FLAT_2))
    assert not desired.take(told(4, FLAT_2))
    assert Desired(SEED, kept).revision == 4


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "the plant is empty"),
        (b"{", "Input data was truncated"),
        (encode({"revision": 9, "meters": []}), "Expected `array` of length >= 1 - at `$.meters`"),
        (told(2, FLAT_2), "revision 2 is older than 3, which is in force"),
        (told(9, PlantMeter("flat-3", "attic", 3)), "there is no bus attic"),
        (told(9, PlantMeter("flat-3", "cellar", 3, "abacus")), "model 'abacus'"),
        (
            encode({"revision": 9, "meters": [{"slug": f"flat-{n}", "bus": "cellar", "address": 3} for n in (1, 2)]}),
            "address 3 on cellar stands there twice",
        ),
    ],
)
def test_a_plant_that_cannot_be_changes_nothing_and_is_told(kept: Path, payload: bytes, reason: str) -> None:
    """The last good one stays in force and on disk; the next good one clears the error."""
    desired = Desired(SEED, kept)
    desired.take(told(3, FLAT_2))
    before = desired.plant
    assert not desired.take(payload)
    assert reason in desired.error
    assert desired.plant == Desired(SEED, kept).plant == before
    desired.take(told(9, FLAT_2))
    assert desired.error == ""


def test_a_gateway_that_reads_its_file_takes_no_other_plant(kept: Path) -> None:
    """The meters come from one place, never merged."""
    plant = Plant(bus=SEED.bus, meter=SEED.meter)
    desired = Desired(plant, kept)
    assert not desired.take(told(3, FLAT_2))
    assert desired.plant == plant
    assert "come from the plant's file" in desired.error
    assert not kept.exists()


def test_a_kept_plant_whose_bus_is_gone_gives_way_to_the_files(kept: Path) -> None:
    """People may take a bus out of the file; the gateway starts, and says what is wrong."""
    Desired(SEED, kept).take(told(3, FLAT_2))
    other = Plant(bus=(TcpBus("attic", "127.0.0.1"),), meter=(Meter("roof", "attic", 1),), source="web")
    desired = Desired(other, kept)
    assert desired.plant == other
    assert desired.error == "there is no bus cellar"
