"""The computer's clocks, and whether they can be believed; asked of the kernel that runs this test."""

import time
from pathlib import Path

import pytest
from free_port import free_port
from mmetering_contract.state import ClockState
from mmetering_gateway.clock import CHECK_S, UNKNOWN_US, Clock, ntp_has_set_it, read_timex
from plant import write_plant
from service import Service
from wait import wait_for

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
# What every Linux says in this field: 500 ppm, as parts per million with 16 bits behind the point; adjtimex(2).
TOLERANCE = 500 << 16


def test_the_kernel_answers_in_these_fields() -> None:
    """What is the same on every Linux stands in its place, behind the fields that matter."""
    timex = read_timex()
    assert (timex.tolerance, timex.precision) == (TOLERANCE, 1)
    assert 0 <= timex.maxerror <= UNKNOWN_US
    assert ntp_has_set_it() == (timex.maxerror < UNKNOWN_US)


def test_the_gateway_asks_the_kernel_unless_told_not_to(tmp_path: Path) -> None:
    """It says at its start what the kernel says of the clock, and what to do if that is nothing good."""
    environment = {
        "MMETERING_MQTT_PORT": str(free_port()),
        "MMETERING_MQTT_PASSWORD": "secret",
        "MMETERING_PLANT": str(write_plant(tmp_path, free_port(), meters=1, energy_s=5)),
        "MMETERING_SPOOL": str(tmp_path / "spool.db"),
        "MMETERING_CLOCK": "ntp",
    }
    event = "event=clock_synchronised" if ntp_has_set_it() else "event=clock_unsynchronised undated=0 "
    with Service("mmetering-gateway", environment, tmp_path) as gateway:
        wait_for(lambda: event in gateway.log)
        gateway.stop()
    assert gateway.log.count("event=clock_") == 1
    assert ("MMETERING_CLOCK=trusted" in gateway.log) != ntp_has_set_it()


def test_a_moment_is_now_by_both_clocks() -> None:
    """Wall clock and uptime are those of this computer and this boot."""
    wall, uptime = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
    moment = Clock(None).now()
    assert 0 <= moment.wall_ms / 1000 - wall + 0.001 < 60
    assert 0 <= moment.uptime.ms / 1000 - uptime + 0.001 < 60
    assert moment.uptime.boot == BOOT
    assert moment.ts.timestamp() == moment.wall_ms / 1000


def test_a_trusted_clock_is_good() -> None:
    """Nobody is asked."""
    clock = Clock(None)
    assert clock.state() == "trusted"
    assert clock.now().good


@pytest.mark.parametrize(
    ("good_boot", "state", "good"),
    [(None, "unsynchronised", False), ("another", "unsynchronised", False), (BOOT, "holdover", True)],
)
def test_what_another_process_found_out_holds_for_the_boot(
    good_boot: str | None, state: ClockState, *, good: bool
) -> None:
    """A gateway that starts while NTP is silent goes on if the clock was set in this boot, and waits if not."""
    clock = Clock(lambda: False, good_boot=good_boot)
    assert clock.state() == state
    assert clock.now().good == good


def test_a_kernel_that_does_not_answer_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """A container may forbid the question: nothing is known then, and the log is not filled with it."""
    asked = 0

    def ask() -> bool:
        nonlocal asked
        asked += 1
        raise PermissionError(1, "Operation not permitted", "adjtimex")

    clock = Clock(ask)
    wait_for(lambda: clock.now().good or asked == 2)
    assert clock.state() == "unsynchronised"
    assert [record.message for record in caplog.records] == ["clock_unknown"]


def test_a_clock_that_was_set_stays_good() -> None:
    """From the moment when NTP has set it, also when NTP falls silent; the kernel is not asked all the time."""
    began = time.monotonic()
    asked = 0
    is_set = False

    def ask() -> bool:
        nonlocal asked
        asked += 1
        return is_set

    clock = Clock(ask)
    assert not clock.now().good
    is_set = True
    wait_for(lambda: clock.state() == "synchronised")
    assert clock.now().good
    is_set = False
    wait_for(lambda: clock.state() == "holdover")
    assert clock.now().good
    assert 3 <= asked <= (time.monotonic() - began) / CHECK_S + 1
