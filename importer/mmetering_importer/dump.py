"""A dump as mysqldump or phpMyAdmin writes it, plain or gzip.

It is read twice: for what is small, and for the readings.
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from mmetering_importer.source import READINGS, SMALL, SourceError
from mmetering_importer.statement import Row, StatementError, rows_of, split, table_of, target_of, without_comments

CHUNK = 2**20  # characters; a longer statement is read in ever larger ones
GZIP = b"\x1f\x8b"  # RFC 1952, 2.3.1


class Dump:
    """The old tables in a file."""

    def __init__(self, path: Path) -> None:
        """Read what is small.

        Raises:
            SourceError: the file cannot be read or understood.
        """
        self._path = path
        self._columns: dict[str, tuple[str, ...]] = {}
        self._tables: dict[str, list[Row]] = {}
        self.share = 0.0
        for statement in self._statements():
            if created := table_of(statement):
                self._columns[created.name] = created.columns
            elif (target := target_of(statement)) in SMALL:
                self._tables.setdefault(target, []).extend(self._rows(statement, target))

    def table(self, name: str) -> list[Row]:
        """Return the rows of a small table; none where it does not exist."""
        return self._tables.get(name, [])

    def readings(self) -> Iterator[Row]:
        """Yield the readings in the order of their ids."""
        last = 0
        for statement in self._statements():
            if target_of(statement) != READINGS:
                continue
            for row in self._rows(statement, READINGS):
                number = int(row["id"] or 0)
                if number <= last:
                    raise SourceError(f"{READINGS}: row {number} is behind row {last}; dump with --order-by-primary")
                last = number
                yield row

    def _rows(self, statement: str, table: str) -> Iterator[Row]:
        try:
            yield from rows_of(statement, self._columns.get(table, ()))
        except StatementError as error:
            raise SourceError(f"{self._path}: {error}") from None

    def _statements(self) -> Iterator[str]:
        """Yield one statement after the other, and keep `share`."""
        self.share = 0.0
        try:
            with self._path.open("rb") as file:
                size = max(1, self._path.stat().st_size)
                text = io.TextIOWrapper(_unpacked(file), encoding="utf-8", errors="surrogateescape", newline="")
                rest, length = "", CHUNK
                while chunk := text.read(length):
                    found, rest = split(rest + chunk)
                    yield from found
                    length = CHUNK if found else 2 * length
                    self.share = min(1.0, file.tell() / size)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{self._path}: {error}") from None
        if left := without_comments(rest + "\n"):
            raise SourceError(f"{self._path} ends within a statement: {left[:80]!r}")


def _unpacked(file: BinaryIO) -> BinaryIO:
    head = file.read(len(GZIP))
    file.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if head == GZIP else file
