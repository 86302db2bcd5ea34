"""Named queries from a package's .sql file."""

import sys
from pathlib import Path

import pytest
from mmetering_runtime.sql import load_queries

FILE = """-- What this file is for.

-- name: first
-- One line of purpose.
SELECT %(a)s;

-- name: second
-- Another.
SELECT 1
  FROM x;  -- name: not_a_name
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make an importable package with queries."""
    folder = tmp_path / "package_with_queries"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "queries.sql").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    return folder.name


def test_queries_come_by_their_names(package: str) -> None:
    """Each query must be found under its name, from its purpose to its end, and what stands before the first left."""
    assert load_queries(package) == {
        "first": "-- One line of purpose.\nSELECT %(a)s;",
        "second": "-- Another.\nSELECT 1\n  FROM x;  -- name: not_a_name",
    }


def test_a_missing_file_is_named(package: str) -> None:
    """A file that is not in the package must be named."""
    with pytest.raises(FileNotFoundError, match=r"other\.sql"):
        load_queries(package, "other.sql")
