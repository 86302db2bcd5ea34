"""The words of the mails."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from alerter.building import GATEWAY, SITE, at, building, hear, info, ingest_health, label, meter_is, reading
from mmetering_alerter import words
from mmetering_alerter.letter import LINES, Writer
from mmetering_alerter.world import World
from mmetering_contract.incident import Incident

BERLIN = ZoneInfo("Europe/Berlin")
WRITER = Writer(BERLIN, "https://meters.example.org/")
NOW = at(3 * 3600).utc


@pytest.fixture
def world() -> World:
    """Flat 3 has been offline for an hour; flat 1 on the same bus works."""
    world = World(SITE)
    hear(world, *building({"flat-1": "main", "flat-3": "main", "heat": "roof"}), now=0, retained=True)
    hear(world, label("flat-1", "Flat 1, left"), label("flat-3", "Flat 3, right"), now=0, retained=True)
    hear(world, reading("flat-3", at(7200).utc), now=7200)
    hear(world, meter_is("flat-3", "offline"), now=7215)
    hear(world, info("flat-3", "main", address=3, since=7215, reason="no reply within 1 s"), now=7215)
    return world


def meter(slug: str, since: float = 7200, until: float | None = None) -> Incident:
    """Return an incident of one meter."""
    resolved = None if until is None else at(until).utc
    return Incident(f"i-{slug}", 1, "meter", at(since).utc, GATEWAY, slug, (slug,), resolved)


def test_a_silent_meter_is_told_of_by_its_name_and_place(world: World) -> None:
    """The mail says who, since when, what was last seen, what the gateway says, and where to look."""
    letter = WRITER.write([meter("flat-3")], world, NOW)
    assert letter.subject == "[home] Flat 3, right silent since 03:00"
    assert letter.text == (
        "Flat 3, right has been silent since Mon 23 Nov 2026, 03:00:00 +01:00.\n"
        "\n"
        "Meter: Flat 3, right (flat-3), bus main, address 3\n"
        "Gateway: attic\n"
        "Last reading: Mon 23 Nov 2026, 03:00:00 +01:00\n"
        "The gateway says: no reply within 1 s\n"
        "\n"
        "Other meters on the same bus still answer. Look at the meter: its display, its two bus wires, its address. "
        "If several are silent, look at the line between them and those that answer.\n"
        "\n"
        "Another mail follows when this is over.\n"
        "\n"
        "https://meters.example.org/\n"
    )


def test_the_end_says_how_long_it_lasted(world: World) -> None:
    """The second mail tells from when until when."""
    letter = WRITER.write([meter("flat-3", until=7200 + 4330)], world, NOW)
    assert letter.subject == "[home] Flat 3, right back after 1 h 12 min"
    assert letter.text == (
        "Flat 3, right is back. It was silent for 1 h 12 min,\n"
        "from Mon 23 Nov 2026, 03:00:00 +01:00\n"
        "until Mon 23 Nov 2026, 04:12:10 +01:00.\n"
        "\n"
        "https://meters.example.org/\n"
    )


def test_a_meter_that_was_removed_is_not_called_back(world: World) -> None:
    """Nobody should believe that a meter works which is no longer there."""
    letter = WRITER.write([meter("flat-9", until=9000)], world, NOW)
    assert letter.subject == "[home] flat-9 no longer watched after 30 min"
    assert "its gateway does not list it any more" in letter.text


def test_a_bus_is_one_mail_with_all_its_meters(world: World) -> None:
    """The mail of a bus lists its meters with what was last read of each."""
    incident = Incident("i", 1, "bus", at(7200).utc, GATEWAY, "main", ("flat-1", "flat-3"))
    letter = WRITER.write([incident], world, NOW)
    assert letter.subject == "[home] Bus main silent since 03:00, 2 meters"
    assert "gateway attic" in letter.text
    assert "- Flat 1, left (flat-1), last reading unknown\n" in letter.text
    assert "- Flat 3, right (flat-3), last reading Mon 23 Nov 2026, 03:00:00 +01:00\n" in letter.text
    assert "\n\nThe gateway says: no reply within 1 s\n\nLook at what these meters share" in letter.text


def test_a_gateway_and_the_broker_are_told_of_with_where_to_look(world: World) -> None:
    """Each cause has its own advice."""
    gateway = Incident("i", 1, "gateway", at(7200).utc, GATEWAY, meters=("flat-1",))
    letter = WRITER.write([gateway], world, NOW)
    assert letter.subject == "[home] Gateway attic offline since 03:00"
    assert "- Flat 1, left (flat-1)" in letter.text
    broker = WRITER.write([Incident("i", 1, "broker", at(7200).utc)], world, NOW)
    assert broker.subject == "[home] The broker out of reach since 03:00"
    assert "Mosquitto" in broker.text


def test_an_ingest_at_a_standstill_is_told_of_with_what_the_database_says(world: World) -> None:
    """The mail says that nothing is lost, and why nothing is stored; each reason once, in one line."""
    for copy in ("1", "2"):
        told = ingest_health(NOW, away=at(7200).utc, reason="connection\nrefused", copy=copy)
        hear(world, told, now=7200)
    letter = WRITER.write([Incident("i", 1, "ingest", at(7200).utc)], world, NOW)
    assert letter.subject == "[home] Ingest at a standstill since 03:00"
    assert letter.text == (
        "Ingest has been at a standstill since Mon 23 Nov 2026, 03:00:00 +01:00.\n"
        "No reading is stored.\n"
        "The database says: connection refused\n"
        "\n"
        "Look at the database, its disk and its log, then at ingest and its log. Live values go on. Gateways keep what "
        "they read, and deliver it later.\n"
        "\n"
        "Another mail follows when this is over.\n"
        "\n"
        "https://meters.example.org/\n"
    )
    ended = WRITER.write([Incident("i", 2, "ingest", at(7200).utc, resolved=at(9000).utc)], world, NOW)
    assert ended.subject == "[home] Ingest back after 30 min"
    assert "It was at a standstill for 30 min" in ended.text


def test_an_ingest_that_is_not_there_is_called_so(world: World) -> None:
    """Who must look learns whether ingest or the database is missing."""
    letter = WRITER.write([Incident("i", 1, "ingest", at(7200).utc)], world, NOW)
    assert "No reading is stored.\nNo copy of ingest is online.\n" in letter.text


@pytest.mark.parametrize(("offset", "text"), [(3725.4, "1 h 2 min ahead"), (-42.9, "42 s behind")])
def test_a_wrong_clock_is_told_of_with_how_wrong_it_is(world: World, offset: float, text: str) -> None:
    """The mail names the gateway, and by how much its clock is off."""
    letter = WRITER.write([Incident("i", 1, "clock", at(7200).utc, GATEWAY, clock_offset_s=offset)], world, NOW)
    assert letter.subject == "[home] The clock of gateway attic wrong since 03:00"
    assert f"03:00:00 +01:00.\nIt is {text}.\n\nCompare it" in letter.text
    ended = WRITER.write([Incident("i", 2, "clock", at(7200).utc, GATEWAY, resolved=at(9000).utc)], world, NOW)
    assert ended.subject == "[home] The clock of gateway attic right again after 30 min"
    assert ended.text.startswith("The clock of gateway attic is right again. It was wrong for 30 min,\n")


def test_different_failures_of_one_gateway_share_a_mail(world: World) -> None:
    """The subject does not call silent what is wrong."""
    clock = Incident("i", 1, "clock", at(7200).utc, GATEWAY)
    letter = WRITER.write([clock, meter("flat-3")], world, NOW)
    assert letter.subject == "[home] The clock of gateway attic; Flat 3, right failing since 03:00"


def test_several_meters_share_a_mail(world: World) -> None:
    """One mail tells of all that failed together, and gives the same advice once."""
    letter = WRITER.write([meter("flat-1"), meter("flat-3"), meter("heat")], world, NOW)
    assert letter.subject == "[home] Flat 1, left; Flat 3, right and 1 more silent since 03:00"
    assert "3 meters are silent:\n\n- Flat 1, left (flat-1), bus main, address 1, silent" in letter.text
    assert letter.text.count("Other meters on the same bus still answer.") == 1
    assert letter.text.count("alone on its bus") == 1
    assert letter.threads == ("i-flat-1", "i-flat-3", "i-heat")


def test_a_long_list_is_cut(world: World) -> None:
    """A mail stays readable, whatever fails."""
    slugs = tuple(f"m-{number}" for number in range(LINES + 7))
    letter = WRITER.write([Incident("i", 1, "bus", at(0).utc, GATEWAY, "main", slugs)], world, NOW)
    assert letter.text.count("- m-") == LINES
    assert "… and 7 more\n" in letter.text


def test_the_same_news_have_the_same_key(world: World) -> None:
    """A mail that is sent once more can be recognised, and its end is another one."""
    first, again = (WRITER.write([meter("flat-3")], world, now) for now in (NOW, NOW + timedelta(hours=1)))
    assert first.key == again.key


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (90_061, "1 d 1 h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    """People want to know roughly how long."""
    assert words.duration(timedelta(seconds=seconds)) == text


def test_times_are_local_with_their_offset() -> None:
    """In summer the offset is another one, and a day that is not today is named."""
    summer = NOW.replace(month=7)
    assert words.full_time(summer, BERLIN) == "Thu 23 Jul 2026, 05:00:00 +02:00"
    assert words.short_time(summer, NOW, BERLIN) == "23 Jul, 05:00"
    assert words.short_time(at(-3599).utc, NOW, BERLIN) == "00:00"
