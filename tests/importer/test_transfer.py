"""The whole way: a dump, a real broker, a real ingest, and the rows in the database."""

import signal
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import msgspec
import psycopg
import pytest
from fix_broker import Broker
from fix_postgres import as_login
from importer.old_house import BERLIN, House
from service import Service, mqtt_environment
from wait import wait_for

OCTOBER = House(3, datetime(2024, 10, 24, tzinfo=BERLIN), datetime(2024, 10, 30, tzinfo=BERLIN))
MONTH = House(10, datetime(2024, 6, 1, tzinfo=BERLIN), datetime(2024, 7, 1, tzinfo=BERLIN))


def ingest(broker: Broker, database: str, directory: Path) -> Service:
    """Prepare an ingest."""
    environment = {**mqtt_environment(broker, "ingest"), "MMETERING_DATABASE": as_login(database, "ingest")}
    return Service("mmetering-ingest run", environment, directory)


def importer(broker: Broker, directory: Path, *options: str, login: str = "import") -> Service:
    """Prepare an import of old.sql in the directory."""
    command = ["mmetering-import", f"{directory}/old.sql", f"--position={directory}/position.json", *options]
    return Service(" ".join(command), mqtt_environment(broker, login), directory)


def stored(database: str) -> list[tuple[object, ...]]:
    """Return (seq, serial, instant, Wh) of all readings, in order."""
    query = (
        "SELECT seq, serial, ts, coalesce(energy_import, energy_export)"
        " FROM reading JOIN meter ON meter.id = meter_id ORDER BY seq"
    )
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def expected(house: House) -> list[tuple[object, ...]]:
    """Return what must be stored of a house."""
    return [(number, f"4711{meter:02}", at, wh) for number, meter, at, wh in house.truth()]


def count(database: str, query: str) -> int:
    """Return the one number that a query finds."""
    with psycopg.connect(database) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return int(row[0])


@pytest.mark.parametrize("new", [True, False], ids=["new", "old"])
def test_an_import_stores_every_reading_once(broker: Broker, database: str, tmp_path: Path, *, new: bool) -> None:
    """All is stored as measured, over October's hour, too; a second run changes nothing, even one that sends all."""
    OCTOBER.dump(tmp_path / "old.sql", new=new)
    with ingest(broker, database, tmp_path):
        for options, words in (
            ((), "stored 1,740 readings; 0 had a receipt before"),
            ((), "nothing new: 1,740 readings had a receipt before"),
            (("--again",), "stored 1,740 readings; 0 had a receipt before"),
        ):
            with importer(broker, tmp_path, *options) as run:
                assert run.wait() == 0
                assert words in run.log
            assert stored(database) == expected(OCTOBER)
    sums: dict[str, int] = defaultdict(int)
    for _, serial, _, wh in expected(OCTOBER):
        sums[str(serial)] += int(str(wh))
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT serial, sum(coalesce(energy_import, energy_export))::bigint, count(energy_export) > 0"
            " FROM reading JOIN meter ON meter.id = meter_id GROUP BY serial ORDER BY serial"
        ).fetchall()
        suspect = connection.execute("SELECT count(*) FROM reading WHERE suspect IS NOT NULL").fetchone()
    assert found == [(serial, wh, serial == "471103") for serial, wh in sorted(sums.items())]
    assert suspect == (0,)


def test_a_killed_import_goes_on_where_it_was(broker: Broker, database: str, tmp_path: Path) -> None:
    """Killed in the middle and started again, an import leaves nothing out and doubles nothing."""
    MONTH.dump(tmp_path / "old.sql")
    position, first = tmp_path / "position.json", next(MONTH.rows())[0]
    with ingest(broker, database, tmp_path) as service:
        with importer(broker, tmp_path) as run:
            wait_for(lambda: count(database, "SELECT count(*) FROM reading"))
            service.stop()  # which sends its receipts; from now on nobody receives
            wait_for(lambda: position.exists() and msgspec.json.decode(position.read_bytes())["through"] > first)
            run.kill()
        assert count(database, "SELECT count(*) FROM reading") < len(expected(MONTH))
        service.start()
        with importer(broker, tmp_path) as run:
            assert run.wait() == 0
            assert "stored" in run.log
            assert " 0 had a receipt before" not in run.log
    assert stored(database) == expected(MONTH)


def test_new_rows_of_the_old_system_follow(broker: Broker, database: str, tmp_path: Path) -> None:
    """A later dump brings what has come since, and no more."""
    rows = list(OCTOBER.rows())
    with ingest(broker, database, tmp_path):
        for until, words in ((1000, "stored 1,000 readings; 0"), (len(rows), "stored 740 readings; 1,000")):
            OCTOBER.dump(tmp_path / "old.sql", rows=rows[:until])
            with importer(broker, tmp_path) as run:
                assert run.wait() == 0
                assert words in run.log
    assert stored(database) == expected(OCTOBER)


def test_refused_readings_are_told(broker: Broker, database: str, tmp_path: Path) -> None:
    """Readings of a meter that another gateway reads are told, kept for a look, and stored once it is given."""
    OCTOBER.dump(tmp_path / "old.sql")
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO meter (slug, model, gateway) VALUES ('sdm630-471102', 'sdm630', 'main')")
    with ingest(broker, database, tmp_path):
        with importer(broker, tmp_path) as run:
            assert run.wait() == 1
            assert "refused 580 readings" in run.log
        assert count(database, "SELECT count(*) FROM reading") == 2 * 580
        assert count(database, "SELECT sum(upper(r) - lower(r)) FROM rejected, unnest(seqs) AS r") == 580
        with importer(broker, tmp_path) as run:
            assert run.wait() == 0
            assert "580 had been refused before" in run.log
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE meter SET gateway = 'import'")
        with importer(broker, tmp_path, "--again") as run:
            assert run.wait() == 0
    assert stored(database) == expected(OCTOBER)
    assert count(database, "SELECT count(*) FROM rejected") == 0


def test_another_login_is_refused(broker: Broker, tmp_path: Path) -> None:
    """A login that is no gateway's may not import; the broker's refusal ends it with a sentence."""
    OCTOBER.dump(tmp_path / "old.sql")
    with importer(broker, tmp_path, login="reader") as run:
        assert run.wait() == 1
        assert "the broker refuses" in run.log


def test_ctrl_c_ends_an_import(broker: Broker, tmp_path: Path) -> None:
    """Whoever has enough while nobody receives types Ctrl-C; the next run begins where this one was."""
    OCTOBER.dump(tmp_path / "old.sql")
    with importer(broker, tmp_path) as run:
        wait_for(lambda: "mqtt_connected" in run.log)
        run._process.send_signal(signal.SIGINT)  # type: ignore[union-attr]  # started
        assert run.wait() == 130
        assert "Traceback" not in run.log


def test_a_dry_run_and_a_plan_send_nothing(tmp_path: Path) -> None:
    """Without a broker, the report counts the readings, and the plan keeps the flats' ids, hashes and roles."""
    OCTOBER.dump(tmp_path / "old.sql")
    for option in ("--dry-run", "--dry-run --json", "--plan"):
        with Service(f"mmetering-import {tmp_path}/old.sql {option}", {}, tmp_path) as run:
            assert run.wait() == 0
            told = run.log
        if option == "--dry-run":
            assert "1740 readings of 3 meters." in told
        elif option == "--plan":
            plan = msgspec.json.decode(told)
            assert [flat["id"] for flat in plan["flats"]] == [41, 42, 43]
            assert [person["role"] for person in plan["people"]] == ["administrator", "provider", "viewer"]
            assert plan["people"][0]["password"].startswith("pbkdf2_sha256$150000$")
            assert plan["people"][1]["groups"] == ["Verwaltung"]
        else:
            assert {line["tally"]["rows"] for line in msgspec.json.decode(told)["meters"]} == {580}
