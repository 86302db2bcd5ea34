"""A model that a person writes into the plant is a model like ours, and a mistake in it is told with its line."""

from pathlib import Path

import pytest
from mmetering_contract.quantity import Group
from mmetering_gateway.models import MODELS
from mmetering_gateway.models.registers import Model, Register
from mmetering_gateway.plant.plant import PlantError, read_plant

PLANT = """\
[[bus]]
name = "cellar"
type = "tcp"
host = "192.0.2.7"

[model.dts-353]
title = "DTS353"
limit = 40
serial = 0x4000
rated_current = 63
bauds = [9600, 1200, 19200]

[model.dts-353.registers]
energy_import = 0x0048
voltage_l1 = 0x0000
power_total = 0x0034

[[meter]]
slug = "flat-01"
bus = "cellar"
address = 1
model = "dts-353"

[[meter]]
slug = "grid"
bus = "cellar"
address = 2
model = "sdm630mct"
rated_current = 250
"""


def test_it_becomes_a_model_of_the_same_kind() -> None:
    """By address, and with what it comes with where nothing is said; gaps are not read along unless it says so."""
    plant = read_plant(PLANT, "plant.toml")
    flat, _ = plant.meter
    assert plant.model_of(flat) == Model(
        name="dts-353",
        title="DTS353",
        limit=40,
        registers=(Register(0x00, "voltage_l1"), Register(0x34, "power_total"), Register(0x48, "energy_import")),
        gaps=False,
        serial=0x4000,
        rated_current_a=63,
        bauds={2: 9600, 3: 19200, 5: 1200},
    )
    assert plant.models.keys() == MODELS.keys() | {"dts-353"}
    assert plant.intervals_on("cellar").keys() == set(Group)


def test_a_person_knows_the_transformers_of_a_meter() -> None:
    """What the plant says of one meter holds for that one, whatever its registers tell."""
    plant = read_plant(PLANT, "plant.toml")
    _, grid = plant.meter
    model = plant.model_of(grid)
    assert (model.rated_current_a, model.transformer) == (250, None)
    assert MODELS["sdm630mct"].transformer is not None
    assert model.registers == MODELS["sdm630mct"].registers


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("voltage_l1 = 0x0000", "voltage_1 = 0x0000", "plant.toml:15: there is no quantity voltage_1"),
        ("power_total = 0x0034", "power_total = 0x0035", "plant.toml:16: power_total = 0x0035 is odd"),
        ("power_total = 0x0034", "power_total = 0", "plant.toml:15: voltage_l1 = 0x0000 stands there twice"),
        ("power_total = 0x0034", "power_total = 70000", "plant.toml:13: Expected `int` <= 65534"),
        ('title = "DTS353"\n', "", "plant.toml:6: Object missing required field `title`"),
        ("limit = 40", "limit = 41", "plant.toml:8: Expected `int` that's a multiple of 2"),
        ("limit = 40", "length = 40", "plant.toml:8: Object contains unknown field `length`"),
        ("bauds = [9600,", "bauds = [300,", "plant.toml:11: Invalid enum value 300"),
        ("rated_current = 63", "rated_current = 0", "plant.toml:10: Expected `float` > 0"),
        ("model.dts-353", "model.sdm120", "plant.toml:6: sdm120 is a model of ours"),
        ('model = "dts-353"', 'model = "dts-354"', "plant.toml:22: model 'dts-354' is not one of sdm630, "),
        ("rated_current = 250", "rated_current = -1", "plant.toml:29: Expected `float` > 0"),
        (
            "[model.dts-353.registers]\nenergy_import = 0x0048\nvoltage_l1 = 0x0000\npower_total = 0x0034\n",
            "registers = {}\n",
            "`registers` and `bauds` want at least one entry each",
        ),
    ],
)
def test_a_wrong_model_is_told_with_file_line_and_reason(before: str, after: str, error: str) -> None:
    """Each mistake names where it stands and what is wrong with it."""
    assert before in PLANT
    with pytest.raises(PlantError) as told:
        read_plant(PLANT.replace(before, after), "plant.toml")
    assert error in str(told.value)


def test_the_example_tells_how_a_model_is_added() -> None:
    """Its commented lines are a plant, once the comment signs are gone."""
    example = (Path(__file__).parents[3] / "docs/plant.example.toml").read_text()
    begin = example.index("#[model.")
    written = "\n".join(line.removeprefix("#") for line in example[begin:].splitlines() if line.startswith("#"))
    bus = '[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "192.0.2.7"\n'
    plant = read_plant(bus + written, "plant.example.toml")
    assert plant.models.keys() > MODELS.keys()
