"""Every table of registers is what its manual says, as far as two people read it alike."""

import pytest
from mmetering_contract.quantity import BY_NAME, Group
from mmetering_gateway.models import MODELS
from mmetering_gateway.models.registers import WIDTH, Model
from mmetering_gateway.planning.requests import line, plan
from mmetering_simulator.models import MODELS as SIMULATED

# The same quantity stands at the same address in every model of the family; these are the manual's, by hand.
BY_HAND = {
    "voltage_l1": 0x0000,
    "current_l3": 0x000A,
    "power_l2": 0x000E,
    "voltage_average": 0x002A,
    "frequency": 0x0046,
    "energy_import": 0x0048,
    "energy_export": 0x004A,
    "reactive_energy_import": 0x004C,
    "reactive_energy_export": 0x004E,
    "apparent_energy": 0x0050,
    "charge": 0x0052,
    "power_demand": 0x0054,
    "power_import_demand": 0x0058,
    "power_export_demand": 0x005C,
    "apparent_power_demand": 0x0064,
    "current_neutral_demand": 0x0068,
    "voltage_l1_l2": 0x00C8,
    "voltage_line_average": 0x00CE,
    "current_neutral": 0x00E0,
    "voltage_thd_l1": 0x00EA,
    "current_thd_l1": 0x00F0,
    "voltage_thd_average": 0x00F8,
    "current_thd_average": 0x00FA,
    "power_factor_inverse": 0x00FE,
    "current_demand_l1": 0x0102,
    "current_demand_maximum_l1": 0x0108,
    "voltage_thd_l1_l2": 0x014E,
    "voltage_thd_line_average": 0x0154,
    "energy_total": 0x0156,
    "reactive_energy_total": 0x0158,
    "energy_import_l1": 0x015A,
    "energy_export_l1": 0x0160,
    "energy_total_l1": 0x0166,
    "reactive_energy_import_l1": 0x016C,
    "reactive_energy_export_l1": 0x0172,
    "reactive_energy_total_l3": 0x017C,
    "energy_resettable": 0x0180,
    "reactive_energy_resettable": 0x0182,
    "energy_import_resettable": 0x0184,
    "energy_export_resettable": 0x0186,
    "energy_net": 0x018C,
    "power_import": 0x0500,
    "power_export": 0x0502,
}

each_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@each_model
def test_a_table_is_well_formed(model: Model) -> None:
    """Addresses are even, rising and unique, quantities known and unique, and what it comes with can be set."""
    addresses = [register.address for register in model.registers]
    quantities = [register.quantity for register in model.registers]
    assert addresses == sorted(set(addresses))
    assert all(address % WIDTH == 0 for address in addresses)
    assert len(set(quantities)) == len(quantities)
    assert set(quantities) <= BY_NAME.keys()
    assert model.baud in model.bauds.values()
    assert model.limit % WIDTH == 0


@each_model
def test_a_quantity_stands_where_the_manuals_have_it(model: Model) -> None:
    """What one model has at an address no other model of the family has elsewhere."""
    ours = {register.quantity: register.address for register in model.registers}
    assert {name: at for name, at in ours.items() if name in BY_HAND} == {
        name: at for name, at in BY_HAND.items() if name in ours
    }


def test_together_they_have_every_quantity() -> None:
    """There is no quantity in the contract that no meter can tell."""
    assert {register.quantity for model in MODELS.values() for register in model.registers} == BY_NAME.keys()


def test_the_sdm630_has_all_that_its_manual_lists() -> None:
    """86 parameters, of which the live ones and the counters are where people look first."""
    sdm630 = MODELS["sdm630"]
    assert len(sdm630.registers) == 86
    assert {group: len(sdm630.of_group(group)) for group in Group} == {
        Group.LIVE: 11,
        Group.ENERGY: 26,
        Group.QUALITY: 37,
        Group.DEMAND: 12,
    }


@pytest.mark.parametrize("name", SIMULATED)
def test_a_table_is_what_the_simulator_made_of_the_same_manual(name: str) -> None:
    """Two people who read it apart found the same registers, lengths and passwords."""
    model, simulated = MODELS[name], SIMULATED[name]
    assert {register.address for register in model.registers} == simulated.inputs
    assert model.limit == simulated.limit
    assert model.writing.password == simulated.key
    assert model.writing.default == simulated.password
    assert simulated.code is None or simulated.code in model.codes


@each_model
def test_no_model_is_asked_for_what_it_may_not_give(model: Model) -> None:
    """Where the gaps of a table are not to be read, no request holds a register that is not in the table."""
    own = {register.address for register in model.registers}
    for group in Group:
        for request in plan(model.of_group(group), model.limit, line(9600, 10, 0.1), gaps=model.gaps):
            asked = set(range(request.address, request.address + request.count, WIDTH))
            assert request.count <= model.limit
            assert model.gaps or asked <= own


def test_a_single_phase_meter_counts_one_phase() -> None:
    """And what it measures on that phase is the meter's total."""
    for name in ("sdm120", "sdm220", "sdm230", "sdm230-2t"):
        quantities = {register.quantity for register in MODELS[name].registers}
        assert MODELS[name].phases == 1
        assert "power_total" in quantities
        assert not any(quantity.endswith(("_l2", "_l3")) for quantity in quantities)
