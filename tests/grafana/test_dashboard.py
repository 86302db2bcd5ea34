"""Grafana's dashboard: every query that it would send, as Grafana would send it, to a database with a past."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fix_postgres import as_login
from web.history import add_meters, add_quarter_hours

FOLDER = Path(__file__).parents[2] / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboards/mmetering.json").read_text(encoding="utf-8"))
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
TARGETS = [(panel, target) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FROM, TO = "'2026-11-16T12:00:00Z'", "'2026-11-23T12:00:00Z'"


@pytest.fixture
def reader(database: str) -> Iterator[psycopg.Connection]:
    """Give the login of Grafana to a week of three meters, with a gap; the name of one point is a trap for quotes."""
    with psycopg.connect(database, autocommit=True) as connection:
        slugs = ["a", "b", "pv"]
        add_meters(connection, slugs)
        connection.execute("UPDATE point SET name = 'O''Brien', kind = 'flat' WHERE name = 'B'")
        connection.execute("UPDATE point SET kind = 'producer' WHERE name = 'PV'")
        add_quarter_hours(connection, slugs, NOW - timedelta(days=7), NOW)
        gap = NOW - timedelta(days=2)
        connection.execute("DELETE FROM quarter_hour WHERE meter_id = 2 AND bucket = %s", [gap])
        connection.execute("INSERT INTO gateway_record (gateway, epoch, seqs) VALUES ('main', 'abcdef01', '{[1,9)}')")
    with psycopg.connect(as_login(database, "reader")) as connection:
        yield connection


def _sent(query: str, chosen: Mapping[str, list[str]]) -> str:
    """Return a query with what Grafana fills in.

    Source: Grafana's manual, "Variable syntax" (sqlstring), and "PostgreSQL query editor" (macros).
    """
    for name, values in chosen.items():
        quoted = ",".join(f"'{value.replace(chr(39), chr(39) * 2)}'" for value in values)
        query = query.replace(f"${{{name}:sqlstring}}", quoted)
    query = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {FROM} AND {TO}", query)
    query = query.replace("$__timeFrom()", FROM).replace("$__timeTo()", TO)
    assert "$" not in query
    return query


def _values(reader: psycopg.Connection, variable: Mapping[str, Any]) -> list[str]:
    """Return what a variable offers: the column `__value`, or the only one."""
    cursor = reader.execute(_sent(variable["query"], {}).encode())
    names = [column.name for column in cursor.description or ()]
    value = names.index("__value") if "__value" in names else 0
    return [row[value] for row in cursor.fetchall()]


@pytest.mark.parametrize(("panel", "target"), TARGETS, ids=[panel["title"] for panel, _ in TARGETS])
def test_each_panel_has_something_to_show(
    reader: psycopg.Connection, panel: Mapping[str, Any], target: Mapping[str, Any]
) -> None:
    """Its query runs with the rights of the login for reading; a series comes in the order of time, with numbers."""
    offered = {name: _values(reader, variable) for name, variable in VARIABLES.items()}
    chosen = {name: values if VARIABLES[name]["multi"] else values[:1] for name, values in offered.items()}
    cursor = reader.execute(_sent(target["rawSql"], chosen).encode())
    rows = cursor.fetchall()
    assert rows
    if target["format"] == "time_series":
        names = [column.name for column in cursor.description or ()]
        times = [row[names.index("time")] for row in rows]
        assert times == sorted(times)
        assert times[0].tzinfo
        for number, name in enumerate(names):
            if name not in ("time", "metric"):
                assert any(isinstance(row[number], int | float | Decimal) for row in rows), (panel["title"], name)


def test_the_variables_offer_points_and_meters(reader: psycopg.Connection) -> None:
    """Meters go by their slugs, which never change; people see the names of their points."""
    assert _values(reader, VARIABLES["point"]) == ["A", "O'Brien", "PV"]
    assert _values(reader, VARIABLES["meter"]) == ["a", "b", "pv"]


def test_panels_do_not_lie_upon_each_other() -> None:
    """Every panel has a place of its own on a grid of 24 columns, and an id of its own."""
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        own = {(x, y) for x in range(place["x"], place["x"] + place["w"])
               for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & own
        assert max(x for x, _ in own) < 24
        cells |= own
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_data_source_is_the_provisioned_one_and_reads_its_password_from_the_secret() -> None:
    """All queries go to the login for reading, whose secret the deployment mounts; no password lies here."""
    source = (FOLDER / "provisioning/datasources/mmetering.yaml").read_text(encoding="utf-8")
    compose = (FOLDER.parent / "docker-compose.yml").read_text(encoding="utf-8")
    service = compose.split("\n  grafana:\n")[1].split("\n\n")[0]
    used = [target["datasource"] for _, target in TARGETS] + [variable["datasource"] for variable in VARIABLES.values()]
    assert {(source["type"], source["uid"]) for source in used} == {("grafana-postgresql-datasource", "mmetering")}
    assert "    uid: mmetering\n    type: grafana-postgresql-datasource\n" in source
    assert "    user: reader\n" in source
    assert re.findall("password: (.*)", source) == ["$__file{/run/secrets/database-reader}"]
    assert "secrets: [grafana-admin, database-reader]" in service
    assert "profiles: [grafana]" in service
    path = re.search("path: (.*)", (FOLDER / "provisioning/dashboards/mmetering.yaml").read_text(encoding="utf-8"))
    assert path
    assert f"- ./grafana/dashboards:{path[1]}:ro" in service
