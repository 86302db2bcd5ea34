"""What a meter can be told: password, button, restart, word order, prefix. Time is passed in."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_simulator.answer import answer
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.line import Line
from mmetering_simulator.models import MODELS, Model

NOW = 1.8e9
SDM630 = MODELS["sdm630"]
AT_ONCE = replace(SDM630, needs_restart=False)
LOCK, PARITY, ADDRESS, PASSWORD, BAUD, PREFIX, ORDER = 0x0E, 0x12, 0x14, 0x18, 0x1C, 0x1E, 0x28
WRITTEN = b"\x10"
REFUSED = b"\x90\x03"


def write(meter: FixedMeter, address: int, value: float, now: float = NOW) -> bytes:
    """Write one parameter; return the function of the reply, or the exception."""
    reply = answer(struct.pack(">BHHBf", 16, address, 2, 4, value), meter, now)
    return reply if reply[0] & 0x80 else reply[:1]


def read(meter: FixedMeter, address: int, now: float = NOW, function: int = 3) -> float:
    """Read one value, most significant register first."""
    return float(struct.unpack(">f", answer(struct.pack(">BHH", function, address, 2), meter, now)[2:])[0])


@pytest.mark.parametrize(
    ("name", "key", "password"),
    [("sdm630", PASSWORD, 0), ("sdm630-v1", PASSWORD, 1000), ("sdm72d-m", PASSWORD, 1000), ("sdm72d-m-v2", LOCK, 1000)],
)
@pytest.mark.parametrize(("address", "value"), [(ADDRESS, 7), (BAUD, 1), (PARITY, 2)])
def test_the_password_unlocks_for_a_minute(name: str, key: int, password: int, address: int, value: int) -> None:
    """Locked, the network's parameters must be refused; after the password they are taken, for one minute."""
    meter = FixedMeter(model=name)
    assert write(meter, address, value) == REFUSED
    assert write(meter, key, password) == WRITTEN
    assert write(meter, address, value, NOW + 59) == WRITTEN
    assert read(meter, address) == value
    assert write(meter, address, value, NOW + 60) == REFUSED


@pytest.mark.parametrize(("name", "key"), [("sdm630", PASSWORD), ("sdm72d-m-v2", LOCK)])
def test_a_wrong_password_is_refused_and_locks(name: str, key: int) -> None:
    """A wrong password must be refused, and end what a right one had begun."""
    meter = FixedMeter(model=replace(MODELS[name], password=4711))
    assert write(meter, key, 1000) == REFUSED
    assert write(meter, key, 4711) == WRITTEN
    assert write(meter, key, 4712) == REFUSED
    assert write(meter, ADDRESS, 7) == REFUSED


@pytest.mark.parametrize(("name", "key", "password"), [("sdm630", PASSWORD, 0), ("sdm72d-m-v2", LOCK, 1000)])
def test_reading_the_lock_tells_and_gives_another_minute(name: str, key: int, password: int) -> None:
    """The lock must read 1 while it is open, and each read begin the minute anew; closed, reading opens nothing."""
    meter = FixedMeter(model=name)
    assert read(meter, LOCK) == 0
    write(meter, key, password)
    assert [read(meter, LOCK, NOW + later) for later in (50, 100, 150)] == [1, 1, 1]
    assert write(meter, ADDRESS, 7, NOW + 200) == WRITTEN
    assert read(meter, LOCK, NOW + 210) == 0
    assert write(meter, ADDRESS, 8, NOW + 210) == REFUSED


def test_the_password_reads_zero_and_gives_another_minute() -> None:
    """Behind a password register that must not be told, reading it must count as reading the lock."""
    meter = FixedMeter(model="sdm630-v1")
    write(meter, PASSWORD, 1000)
    assert read(meter, PASSWORD, NOW + 50) == 0
    assert write(meter, ADDRESS, 7, NOW + 100) == WRITTEN


def test_writing_the_lock_locks() -> None:
    """Any value that is written into an SDM630's lock must close it."""
    meter = FixedMeter()
    write(meter, PASSWORD, 0)
    assert write(meter, LOCK, 1) == WRITTEN
    assert write(meter, ADDRESS, 7) == REFUSED


def test_a_kppa_meter_takes_a_new_password() -> None:
    """With authorisation a new password must be taken, be read, and be the one that counts."""
    meter = FixedMeter(model="sdm72d-m-v2")
    assert write(meter, PASSWORD, 4711) == REFUSED
    write(meter, LOCK, 1000)
    assert write(meter, PASSWORD, 4711) == WRITTEN
    assert read(meter, PASSWORD) == 4711
    assert write(meter, LOCK, 1000) == REFUSED
    assert write(meter, LOCK, 4711) == WRITTEN


@pytest.mark.parametrize(("address", "value"), [(ADDRESS, 0), (ADDRESS, 248), (ADDRESS, 1.5), (BAUD, 5), (PARITY, 4)])
def test_a_value_that_is_none_is_refused(address: int, value: float) -> None:
    """A value beyond the manual's range must be refused even where the meter is open, and change nothing."""
    meter = FixedMeter(model=AT_ONCE)
    write(meter, PASSWORD, 0)
    before = read(meter, address)
    assert write(meter, address, value) == REFUSED
    assert write(meter, address, float("nan")) == REFUSED
    assert read(meter, address) == before
    assert (meter.settings.unit, meter.settings.line) == (1, Line())


@pytest.mark.parametrize(("model", "before"), [(SDM630, (1, Line())), (AT_ONCE, (7, Line(38400, "N", 2)))])
def test_some_act_at_once_and_some_after_a_restart(model: Model, before: tuple[int, Line]) -> None:
    """Address, speed and parity must act at once or only after a restart, as the model has it, and read as written."""
    meter = FixedMeter(model=model)
    write(meter, PASSWORD, 0)
    for address, value in ((ADDRESS, 7), (BAUD, 4), (PARITY, 3)):
        assert write(meter, address, value) == WRITTEN
        assert read(meter, address) == value
    assert (meter.settings.unit, meter.settings.line) == before
    meter.settings.restart(NOW)
    assert (meter.settings.unit, meter.settings.line) == (7, Line(38400, "N", 2))


def test_a_restart_locks_and_takes_its_time() -> None:
    """After a restart the password must be asked again, and the meter say nothing until it has started."""
    meter = FixedMeter()
    write(meter, PASSWORD, 0)
    meter.settings.restart(NOW, silent_s=3)
    assert not meter.settings.awake(NOW + 2.9)
    assert meter.settings.awake(NOW + 3)
    assert write(meter, ADDRESS, 7, NOW + 3) == REFUSED


def test_some_want_their_button_pressed() -> None:
    """A meter without a password must take an address within the minute after its button, and not else."""
    meter = FixedMeter(model="sdm120")
    assert write(meter, ADDRESS, 7) == REFUSED
    meter.settings.press_button(NOW)
    assert write(meter, ADDRESS, 7, NOW + 59) == WRITTEN
    assert write(meter, ADDRESS, 8, NOW + 60) == REFUSED
    assert write(meter, BAUD, 5) == WRITTEN


@given(value=st.floats(width=32, allow_nan=False))
def test_the_word_order_follows_the_mark(value: float) -> None:
    """After 2141.0 in the reversed order every float must be reversed, in all registers, both ways, and back again."""
    meter = FixedMeter({0x34: value}, model="sdm630-v1")
    mark = struct.pack(">f", 2141.0)
    head = struct.pack(">BHHB", 16, ORDER, 2, 4)
    straight = struct.pack(">f", value)
    assert answer(head + mark[2:] + mark[:2], meter, NOW)[0] == 16
    assert answer(b"\x04\x00\x34\x00\x02", meter, NOW) == b"\x04\x04" + straight[2:] + straight[:2]
    assert answer(b"\x03\x00\x28\x00\x02", meter, NOW) == b"\x03\x04" + mark[2:] + mark[:2]
    thirty = struct.pack(">f", 30.0)
    assert answer(b"\x10\x00\x02\x00\x02\x04" + thirty[2:] + thirty[:2], meter, NOW)[0] == 16
    assert meter.settings.value(0x02) == 30
    assert answer(head + mark, meter, NOW)[0] == 16
    assert answer(b"\x04\x00\x34\x00\x02", meter, NOW) == b"\x04\x04" + straight
    assert write(meter, ORDER, 2142.0) == REFUSED


def test_the_prefix_scales_the_six_counters_alone() -> None:
    """With M the counters 48 to 52 must read a thousandth, and nothing else must change."""
    meter = FixedMeter(dict.fromkeys((70, 72, 80, 82, 84, 342), 5000.0), model="sdm630-v1")
    assert write(meter, PREFIX, 1) == WRITTEN
    assert [read(meter, address, function=4) for address in (0x48, 0x50, 0x52)] == [5, 5, 5]
    assert [read(meter, address, function=4) for address in (0x46, 0x54, 0x156)] == [5000, 5000, 5000]
    assert write(FixedMeter(), PREFIX, 1) == b"\x90\x02"


def test_an_older_meter_tells_its_serial_number_in_two_halves() -> None:
    """Without a register FC00 the serial number must be read at 2A and 2C, high and low 16 bits as floats."""
    meter = FixedMeter(model="sdm630-v1", serial=23040101)
    assert 65536 * read(meter, 0x2A) + read(meter, 0x2C) == 23040101
    assert answer(b"\x03\xfc\x00\x00\x02", meter, NOW) == b"\x83\x02"


def test_the_demand_time_runs() -> None:
    """An older meter must tell how many minutes of its demand period have passed."""
    meter = FixedMeter(model="sdm630-v1")
    assert read(meter, 0x00, now=3600 * 100 + 60 * 12) == 12
    write(meter, 0x02, 5)
    assert read(meter, 0x00, now=3600 * 100 + 60 * 12) == 2
    write(meter, 0x02, 0)
    assert read(meter, 0x00, now=3600 * 100 + 60 * 12) == 0


def test_a_speed_that_a_model_lacks_cannot_be_set_by_hand() -> None:
    """A test that puts a meter onto a line which its model does not know must be told so."""
    with pytest.raises(ValueError, match="sdm72d-m knows no 38400 baud"):
        FixedMeter(model="sdm72d-m", line=Line(38400))
