"""A live MySQL or MariaDB, by PyMySQL: only asked, never changed. Values stay the text that the server sends.

The readings are asked for page by page: a server ends a long answer that nobody takes while ingest is away.
"""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pymysql
from pymysql.converters import escape_int
from pymysql.cursors import DictCursor

from mmetering_importer.source import READINGS, SourceError
from mmetering_importer.statement import Row

PAGE = 10_000  # rows
TIMEOUT_S = 60
PORT = 3306


class Live:
    """The old tables in a server."""

    def __init__(self, url: str, password: str) -> None:
        """Connect.

        Args:
            url: mysql://USER@HOST[:PORT]/DATABASE.
            password: of that user.

        Raises:
            SourceError: the address is none, or the server cannot be reached.
        """
        place = urlsplit(url)
        if not (place.hostname and place.username and place.path.strip("/")):
            raise SourceError(f"{url} is not of the form mysql://USER@HOST/DATABASE")
        self._connection = _connect(
            host=place.hostname,
            port=place.port or PORT,
            user=unquote(place.username),
            password=password,
            database=unquote(place.path.strip("/")),
        )
        present = "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()"
        self._tables = {row["name"] for row in self._ask(present)}
        self.share = 0.0

    def table(self, name: str) -> list[Row]:
        """Return the rows of a small table; none where it does not exist."""
        return self._ask(f"SELECT * FROM `{name}`") if name in self._tables else []  # noqa: S608 a name of the server's

    def readings(self) -> Iterator[Row]:
        """Yield the readings in the order of their ids."""
        if READINGS not in self._tables:
            return
        [newest] = self._ask("SELECT max(id) AS id FROM mmetering_meterdata")
        page = "SELECT * FROM mmetering_meterdata WHERE id > %s ORDER BY id LIMIT %s"
        last = 0
        while rows := self._ask(page, last, PAGE):
            yield from rows
            last = int(rows[-1]["id"] or 0)
            self.share = min(1.0, last / max(1, int(newest["id"] or 0)))

    def _ask(self, query: str, *parameters: int) -> list[Row]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, parameters)
                return [{name: _text(value) for name, value in row.items()} for row in cursor.fetchall()]
        except pymysql.MySQLError as error:
            raise SourceError(f"the old database: {error}") from None


def _connect(*, host: str, port: int, user: str, password: str, database: str) -> "pymysql.Connection[DictCursor]":
    try:
        return pymysql.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            database=database,
            charset="utf8mb4",
            cursorclass=DictCursor,
            conv={int: escape_int},  # and no decoders
            init_command="SET SESSION TRANSACTION READ ONLY",
            autocommit=True,
            connect_timeout=TIMEOUT_S,
            read_timeout=TIMEOUT_S,
            write_timeout=TIMEOUT_S,
        )
    except pymysql.MySQLError as error:
        raise SourceError(f"the old database: {error}") from None


def _text(value: str | bytes | None) -> str | None:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else value
