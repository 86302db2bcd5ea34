"""How far an import has come, in a file: one that was killed goes on from there, one that was done sends nothing."""

import os
from pathlib import Path

import msgspec


class PositionError(Exception):
    """Say why the file is of no use."""


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to which old row everything has a receipt.

    Attributes:
        site: whose database it went to.
        epoch: of the source.
        through: id of the last old row of those.
        rejected: how many of them ingest has refused.
    """

    site: str
    epoch: str
    through: int = 0
    rejected: int = 0


def load(path: Path, site: str, epoch: str) -> Position:
    """Return what the file says, or the beginning where it does not exist.

    Raises:
        PositionError: it cannot be read, or is of another import.
    """
    try:
        position = msgspec.json.decode(path.read_bytes(), type=Position)
    except FileNotFoundError:
        return Position(site, epoch)
    except (OSError, msgspec.DecodeError) as error:
        raise PositionError(f"{path}: {error}") from None
    if (position.site, position.epoch) != (site, epoch):
        raise PositionError(f"{path} is of another import: site {position.site}, epoch {position.epoch}")
    return position


def save(path: Path, position: Position) -> None:
    """Write the file so that a crash leaves the old one or the new one.

    Raises:
        PositionError: it cannot be written.
    """
    new = path.with_name(f"{path.name}.new")
    try:
        with new.open("wb") as file:
            file.write(msgspec.json.encode(position))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise PositionError(f"{path}: {error}") from None
