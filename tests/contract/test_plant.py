"""The desired plant: what a gateway is told to read, and what it must refuse."""

import json

import pytest
from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import encode
from mmetering_contract.plant import DesiredPlant, PlantMeter, decode_plant

FLAT = {"slug": "flat-03", "bus": "cellar", "address": 3}
ROOF = {"slug": "roof", "bus": "attic", "address": 3, "model": "sdm120", "label": "Roof"}


def payload(*meters: object, revision: object = 7) -> bytes:
    """Return a plant of these meters."""
    return json.dumps({"revision": revision, "meters": meters}).encode()


def test_a_plant_survives_the_way() -> None:
    """What is encoded must be decoded to the same plant; what is left out has its default."""
    plant = decode_plant(payload(FLAT, ROOF))
    assert plant == DesiredPlant(
        7, (PlantMeter("flat-03", "cellar", 3, "sdm630", ""), PlantMeter("roof", "attic", 3, "sdm120", "Roof"))
    )
    assert decode_plant(encode(plant)) == plant
    assert json.loads(encode(plant)) == json.loads(payload(FLAT, ROOF))


@pytest.mark.parametrize(
    ("meters", "reason"),
    [
        ([], r"length >= 1.*\$\.meters"),
        ([FLAT, FLAT | {"address": 4}], "meter flat-03 stands there twice"),
        ([FLAT, ROOF | {"bus": "cellar"}], "address 3 on cellar stands there twice"),
        ([FLAT | {"slug": "Flat 3"}], r"\.slug"),
        ([FLAT | {"bus": "a/b"}], r"\.bus"),
        ([FLAT | {"address": 0}], r"\.address"),
        ([FLAT | {"address": 248}], r"\.address"),
        ([FLAT | {"model": "a\0"}], r"\.model"),
        ([FLAT | {"label": "Flat 3\n"}], r"\.label"),
        ([{"slug": "flat-03", "bus": "cellar"}], "`address`"),
    ],
)
def test_an_impossible_plant_is_refused(meters: list[object], reason: str) -> None:
    """No meter at all, two in one place or of one name, or anything malformed: refused as a whole, with the reason."""
    with pytest.raises(PayloadError, match=reason):
        decode_plant(payload(*meters))


@pytest.mark.parametrize("revision", [0, -1, 1.5, "7", None, 2**53])
def test_a_revision_counts(revision: object) -> None:
    """Without a number that can grow nobody could tell the newer of two plants."""
    with pytest.raises(PayloadError, match=r"\$\.revision"):
        decode_plant(payload(FLAT, revision=revision))
