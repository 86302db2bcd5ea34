"""The file that a backup is: a compressed tar of a manifest, files that a person wants kept, and tables as text.

manifest.json stands first; files/... are as they were; database/SCHEMA.TABLE/NUMBER is what COPY gives, in blocks.
It is written and read from front to back, so that a pipe will do. An archive without its last byte is refused.
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import IO, Literal

import msgspec

MANIFEST = "manifest.json"
FILES = "files/"
DATABASE = "database/"
COMPRESSION = 4  # of 1 to 9; what more would save is little, what it would take is long
TOLD = {"reading": "readings", "quarter_hour": "quarter hours", "point": "points", "person": "people"}
BLOCK = 8 << 20  # bytes, of a table in memory


class BackupError(Exception):
    """Why there is no backup, or it was not restored, in one sentence; nothing has changed."""


class ArchiveError(BackupError):
    """The archive is damaged, or not one of ours, or of a release that this one does not know."""


class DatabaseError(BackupError):
    """The database holds what must not be written over, or nothing to back up, or others use it."""


class Table(msgspec.Struct, frozen=True):
    """A table as `schema.table`, its columns in the order of the archive, and how far its sequences have counted."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sequences: dict[str, int]


class Counters(msgspec.Struct, frozen=True):
    """The newest counters of a meter, Wh."""

    energy_import: int | None
    energy_export: int | None


class Contents(msgspec.Struct, frozen=True):
    """What must be the same after restoring. The tables stand so that none refers to a later one."""

    tables: tuple[Table, ...]
    counters: dict[str, Counters]


class Manifest(msgspec.Struct, frozen=True):
    """When and of what the backup was made; `schema` is the version of the last migration."""

    format: Literal[1]
    made_at: datetime
    release: str
    schema: str
    server: str
    timescaledb: str | None
    contents: Contents


def summary(manifest: Manifest) -> str:
    """Return what a backup holds, in one line."""
    rows = {table.name.partition(".")[2]: table.rows for table in manifest.contents.tables}
    told = ", ".join(f"{rows.get(name, 0)} {words}" for name, words in TOLD.items())
    return f"{told}; schema {manifest.schema}, {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"


class Writer:
    """An archive that is being written."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        """Begin with the manifest."""
        self._tar = tar
        self._made_at = manifest.made_at.timestamp()
        self._add(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))

    def add_files(self, source: IO[bytes]) -> None:
        """Take over the files of another tar.

        Raises:
            ArchiveError: it is no tar.
        """
        try:
            with tarfile.open(fileobj=source, mode="r|*") as files:
                for member in files:
                    content = files.extractfile(member) if member.isreg() else None
                    member.name = FILES + member.name.removeprefix("./")
                    self._tar.addfile(member, content)
        except (tarfile.TarError, EOFError) as error:
            raise ArchiveError(f"the files to be packed are no tar: {error}") from None

    def add_table(self, name: str, rows: Iterable[bytes | bytearray | memoryview]) -> None:
        """Add what COPY gives of a table."""
        block, number = bytearray(), 0
        for row in rows:
            block += row
            if len(block) >= BLOCK:
                self._add(f"{DATABASE}{name}/{number:06}", block)
                block, number = bytearray(), number + 1
        if block:
            self._add(f"{DATABASE}{name}/{number:06}", block)

    def _add(self, name: str, content: bytes | bytearray) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = len(content), 0o600, self._made_at
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def writing(target: IO[bytes], manifest: Manifest) -> Iterator[Writer]:
    """Write an archive; it is complete after leaving without an error."""
    with (
        gzip.GzipFile(fileobj=target, mode="wb", compresslevel=COMPRESSION) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        yield Writer(tar, manifest)


class Reader:
    """An archive that is being read, once and from front to back."""

    def __init__(self, source: IO[bytes]) -> None:
        """Read the manifest.

        Raises:
            ArchiveError: there is none.
        """
        self._packed = gzip.GzipFile(fileobj=source)
        with _telling():
            self._tar = tarfile.open(fileobj=self._packed, mode="r|")  # noqa: SIM115 closing it closes nothing
            first = self._tar.next()
            if first is None or first.name != MANIFEST:
                raise ArchiveError("this is no backup of mmetering")
            self.manifest = msgspec.json.decode(self._content(first), type=Manifest)

    def tables(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Give each table that has rows with its blocks, to be taken in turn; then see that the archive is whole.

        Raises:
            ArchiveError: it is not.
        """
        members = (member for member in iter(self._next, None) if member.name.startswith(DATABASE))
        for name, of_table in groupby(members, key=_table_of):
            yield name, map(self._content, of_table)
        with _telling():
            while self._packed.read(BLOCK):
                pass  # the checksum stands behind the last byte

    def _next(self) -> tarfile.TarInfo | None:
        with _telling():
            return self._tar.next()

    def _content(self, member: tarfile.TarInfo) -> bytes:
        with _telling():
            file = self._tar.extractfile(member)
            if file is None:
                raise ArchiveError(f"{member.name} is no file")
            return file.read()


def _table_of(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix(DATABASE).rpartition("/")[0]


@contextmanager
def _telling() -> Iterator[None]:
    """Turn what the libraries raise into one sentence."""
    try:
        yield
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, msgspec.MsgspecError) as error:
        raise ArchiveError(f"the archive is damaged or no backup of mmetering: {error}") from None
