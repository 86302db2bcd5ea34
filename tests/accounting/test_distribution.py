"""Sharing over time: terms with their days, several producers, missing values (the rules of sharing)."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_accounting.distribution import Distribution, distribute
from mmetering_accounting.flag import Flag
from mmetering_accounting.local_time import day, days
from mmetering_accounting.profile import Profile
from mmetering_accounting.sharing import Key
from mmetering_accounting.simulation import compare
from mmetering_accounting.terms import Terms

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 10, 24)
TWO_DAYS = days(FIRST, date(2026, 10, 25), BERLIN)
CLOCKS_BACK = date(2026, 10, 25)


def profile(wh: Sequence[int | None], quarters: range = TWO_DAYS) -> Profile:
    """Return a measured profile that repeats these energies."""
    energies = [wh[index % len(wh)] for index in range(len(quarters))]
    return Profile(quarters, energies, [Flag.MISSING if one is None else Flag.MEASURED for one in energies])


FLATS = {"a": profile([100, 0]), "b": profile([300, 50]), "c": profile([10, 10])}


def wh(distribution: Distribution, point: str, producer: str, index: int = 0) -> int:
    """Return what a point got of a producer in one quarter hour."""
    return distribution.own[point][producer][index]


def test_who_takes_no_part_gets_nothing_and_does_not_count() -> None:
    """A point without terms must get nothing, and its use must not diminish what the others get."""
    found = distribute(FLATS, {"pv": profile([200])}, [Terms("pv", {"a": 1, "b": 1})], BERLIN)
    assert (wh(found, "a", "pv"), wh(found, "b", "pv")) == (50, 150)
    assert "c" not in found.own
    assert found.own_of("c") == [0] * len(TWO_DAYS)
    assert found.feed_in["pv"][:2] == [0, 150]


def test_a_producer_without_terms_is_fed_in() -> None:
    """What nobody has agreed about must go to the grid whole."""
    found = distribute(FLATS, {"pv": profile([200]), "chp": profile([7])}, [Terms("pv", {"a": 1})], BERLIN)
    assert found.feed_in["chp"] == [7] * len(TWO_DAYS)


def test_an_agreed_part_that_nobody_has_is_fed_in() -> None:
    """Of 200 Wh, with 30 % and 20 % agreed, 100 must be fed in, however much is used; other keys share all."""
    terms = Terms("pv", {"b": 30, "c": 20}, Key.STATIC, unshared=50)
    found = distribute({**FLATS, "c": profile([900])}, {"pv": profile([200])}, [terms], BERLIN)
    assert (wh(found, "b", "pv"), wh(found, "c", "pv"), found.feed_in["pv"][0]) == (60, 40, 100)
    found = distribute(FLATS, {"pv": profile([200])}, [Terms("pv", {"b": 1}, unshared=50)], BERLIN)
    assert found.feed_in["pv"][0] == 0


def test_terms_change_at_local_midnight() -> None:
    """The old key must hold through the last quarter hour of its day, the new one from the first, 100 of them here."""
    terms = [
        Terms("pv", {"a": 1, "b": 1}, Key.DYNAMIC, last=FIRST),
        Terms("pv", {"b": 1}, Key.DYNAMIC, first=CLOCKS_BACK, version=2),
    ]
    found = distribute(FLATS, {"pv": profile([200])}, terms, BERLIN)
    assert [wh(found, "a", "pv", index) for index in (94, 95, 96)] == [50, 0, 0]
    assert [wh(found, "b", "pv", index) for index in (94, 95, 96)] == [150, 50, 200]
    assert len(found.own["a"]["pv"]) == 96 + 100


def test_terms_must_not_contradict() -> None:
    """Two keys for one producer on one day, or one of somebody unknown, must be refused."""
    double = [Terms("pv", {"a": 1}, last=CLOCKS_BACK), Terms("pv", {"b": 1}, first=CLOCKS_BACK, version=2)]
    with pytest.raises(ValueError, match="version 2 for pv begins before version 1 ends"):
        distribute(FLATS, {"pv": profile([200])}, double, BERLIN)
    with pytest.raises(ValueError, match="no profile of d"):
        distribute(FLATS, {"pv": profile([200])}, [Terms("pv", {"d": 1})], BERLIN)
    with pytest.raises(ValueError, match="no profile of chp"):
        distribute(FLATS, {"pv": profile([200])}, [Terms("chp", {"a": 1})], BERLIN)
    with pytest.raises(ValueError, match="2 different times"):
        distribute({"a": profile([1], day(FIRST, BERLIN))}, {"pv": profile([200])}, [], BERLIN)
    with pytest.raises(ValueError, match="negative"):
        Terms("pv", {"a": -1})


def test_producers_may_have_terms_of_their_own() -> None:
    """The pool of the lower rank must be shared first, the other one among what then is still used."""
    terms = [Terms("chp", {"b": 1, "c": 1}, Key.EQUAL, rank=1), Terms("pv", {"a": 1, "b": 1}, rank=0)]
    found = distribute(FLATS, {"pv": profile([200]), "chp": profile([400])}, terms, BERLIN)
    assert (wh(found, "a", "pv"), wh(found, "b", "pv"), wh(found, "b", "chp"), wh(found, "c", "chp")) == (
        *(50, 150),
        *(150, 10),
    )
    assert found.feed_in["chp"][0] == 400 - 160


def test_a_missing_value_makes_a_quarter_hour_provisional() -> None:
    """A missing use or production of the pool must not be silent; one of somebody who takes no part does not matter."""
    flats = {**FLATS, "a": profile([None, 0]), "c": profile([10, None])}
    found = distribute(flats, {"pv": profile([200])}, [Terms("pv", {"a": 1, "b": 1})], BERLIN)
    assert found.provisional == list(TWO_DAYS)[::2]
    assert wh(found, "a", "pv") == 0
    dark = distribute(FLATS, {"pv": profile([None])}, [Terms("pv", {"a": 1, "b": 1})], BERLIN)
    assert dark.provisional == list(TWO_DAYS)


def test_what_another_key_would_have_meant() -> None:
    """Each key must be tried with the same energies, participants and parts."""
    terms = [Terms("pv", {"a": 3, "b": 1})]
    found = compare(FLATS, {"pv": profile([200])}, terms, BERLIN)
    half = len(TWO_DAYS) // 2
    assert found == {
        Key.DYNAMIC: {"a": 50 * half, "b": (150 + 50) * half},
        Key.STATIC: {"a": 100 * half, "b": (50 + 50) * half},
        Key.EQUAL: {"a": 100 * half, "b": (100 + 50) * half},
        Key.FAIR: {"a": 100 * half, "b": (100 + 50) * half},
    }
    now = distribute(FLATS, {"pv": profile([200])}, terms, BERLIN)
    assert found[Key.DYNAMIC] == {point: sum(now.own_of(point)) for point in now.own}


KEYS = st.sampled_from(list(Key))
USE = st.integers(0, 3) | st.integers(0, 4000)
NAMES = "abcdef"


@settings(max_examples=60)
@given(st.data())
def test_sums_agree_in_any_order(data: st.DataObject) -> None:
    """Shares and feed-in must be the production, own and grid the use, whatever key; and no order may matter."""
    part = range(TWO_DAYS.start + 90, TWO_DAYS.start + 102)  # around midnight

    def draw_profile() -> Profile:
        return profile(data.draw(st.lists(USE, min_size=1, max_size=6)), part)

    used = {name: draw_profile() for name in NAMES[: data.draw(st.integers(1, 6))]}
    produced = {name: draw_profile() for name in ("chp", "pv", "wind")[: data.draw(st.integers(1, 3))]}
    taking_part = st.dictionaries(st.sampled_from(sorted(used)), st.integers(0, 50))
    terms = []
    for producer in produced:
        early = Terms(producer, data.draw(taking_part), data.draw(KEYS), last=FIRST, rank=data.draw(st.integers(0, 1)))
        late = Terms(producer, data.draw(taking_part), data.draw(KEYS), first=CLOCKS_BACK, version=2)
        terms += [early, late]
    found = distribute(used, produced, terms, BERLIN)
    for index in range(len(part)):
        for producer, made in produced.items():
            given_out = sum(rows[producer][index] for rows in found.own.values() if producer in rows)
            assert given_out + found.feed_in[producer][index] == made.wh[index]
            assert found.feed_in[producer][index] >= 0
        for point in used:
            assert 0 <= found.own_of(point)[index] <= (used[point].wh[index] or 0)
    again = distribute(
        dict(reversed(used.items())), dict(reversed(produced.items())), data.draw(st.permutations(terms)), BERLIN
    )
    assert again.own == found.own
    assert again.feed_in == found.feed_in
