"""What was seen on a bus is judged as an electrician would."""

import pytest
from mmetering_gateway.commands.finding import BusFacts, Finding, MeterFacts, Trials, findings
from mmetering_gateway.commands.phases import phases_of

SOUND, SILENT, GARBLED = Trials(sound=5), Trials(silent=5), Trials(garbled=5)
WELL = MeterFacts(1, SOUND, SOUND)


def the_only(found: tuple[Finding, ...]) -> Finding:
    """Return the one finding that there is."""
    (finding,) = found
    return finding


def values(*phases: tuple[float, float, float]) -> dict[str, float]:
    """Return what a meter tells of V, A and W of its phases."""
    return {
        f"{what}_l{number}": value
        for number, phase in enumerate(phases, 1)
        for what, value in zip(("voltage", "current", "power"), phase, strict=True)
    }


LOAD = (230.0, 4.0, 900.0)


@pytest.mark.parametrize(
    ("facts", "severity", "words"),
    [
        (BusFacts((WELL,)), "ok", "as it should"),
        (BusFacts((MeterFacts(1, SILENT),), speed="9600 8N1", tried=17), "error", "A and B are swapped"),
        (BusFacts((MeterFacts(1, SILENT),), stray=True), "error", "probably swapped"),
        (BusFacts((MeterFacts(1, SILENT),)), "error", "speed set in the converter"),
        (BusFacts((MeterFacts(1, SILENT),), others=True), "error", "though others on this bus do"),
        (BusFacts((MeterFacts(1, SILENT, elsewhere=("2400 8E1",)),)), "error", "It speaks 2400 8E1"),
        (BusFacts((MeterFacts(1, GARBLED),)), "error", "Two meters seem to have address 1"),
        (BusFacts((MeterFacts(1, SOUND, SOUND, serials=frozenset((5, 6))),)), "error", "Two meters seem"),
        (BusFacts((MeterFacts(1, SOUND, Trials(sound=3, garbled=2)),)), "warning", "120 ohms are missing"),
        (BusFacts((MeterFacts(1, Trials(sound=4, garbled=1), SOUND),)), "warning", "the line is disturbed"),
        (BusFacts((MeterFacts(1, Trials(1, 4), SOUND, paused=SOUND),)), "warning", "set pause_ms = 60"),
        (BusFacts((MeterFacts(1, Trials(3, 1, 1), SOUND, paused=SOUND),)), "warning", "the line is disturbed"),
        (BusFacts((WELL,), stray=True), "warning", "bias resistors"),
        (
            BusFacts((MeterFacts(1, SOUND, SOUND, values=values(LOAD, (0.3, 0, 0), LOAD)),)),
            "error",
            "L2 has no voltage",
        ),
        (BusFacts((MeterFacts(1, SOUND, SOUND, values=values(*3 * [(0, 0, 0)])),)), "error", "no voltage on any phase"),
        (BusFacts((MeterFacts(1, SOUND, SOUND, values=values(LOAD, LOAD, (230, 4, -900))),)), "warning", "L3 measures"),
    ],
)
def test_each_fault_has_its_words(facts: BusFacts, severity: str, words: str) -> None:
    """One finding, as bad as it is, that says what to do."""
    finding = the_only(findings(facts))
    assert finding.severity == severity
    assert words in finding.text


@pytest.mark.parametrize(
    "phases",
    [
        [(230, 4, -900), (230, 4, -910), (230, 4, -890)],  # all feed in: a generator
        [LOAD, LOAD, (230, 0.05, -11)],  # too little to have a direction
        [LOAD, LOAD, (230, 10, -300)],  # capacitors
        [(230, 0, 0), (230, 0, 0), (230, 0, 0)],  # nobody at home
    ],
)
def test_what_may_well_be_so_is_no_fault(phases: list[tuple[float, float, float]]) -> None:
    """Generators, idle flats and reactive loads are as they should be."""
    facts = BusFacts((MeterFacts(1, SOUND, SOUND, values=values(*phases)),))
    assert the_only(findings(facts)).severity == "ok"


def test_a_single_phase_is_not_judged_by_three() -> None:
    """A meter that does not tell three phases has none that is dead."""
    assert phases_of({"voltage_l1": 230.0}) == []


def test_the_worst_comes_first_and_bears_its_address() -> None:
    """A dead meter before an echo; the echo is the bus's."""
    facts = BusFacts((WELL, MeterFacts(9, SILENT)), echo=True)
    assert [(finding.severity, finding.address) for finding in findings(facts)] == [("error", 9), ("note", None)]


def test_a_note_is_no_fault() -> None:
    """With an echo and nothing else all is well."""
    assert [finding.severity for finding in findings(BusFacts((WELL,), echo=True))] == ["note", "ok"]
