"""Which meters stand under which heading of the dashboard, and in which order. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from mmetering_contract.label import Label

HEADINGS = {"flat": "Flats", "common": "Common supply", "producer": "Producers", "grid": "Grid", "storage": "Storage"}
UNASSIGNED = "Unassigned meters"


@dataclass(frozen=True, slots=True)
class Group:
    """Meters under one heading, each a slug with the name that people call it by."""

    title: str
    meters: tuple[tuple[str, str], ...]

    @property
    def unassigned(self) -> bool:
        """Whether these meters hang on no point yet."""
        return self.title == UNASSIGNED


def groups(labels: Mapping[str, Label], meters: Mapping[str, str]) -> tuple[Group, ...]:
    """Return all meters, labelled or only heard of, under their headings and in the order of their names.

    Args:
        labels: the point of each meter that hangs on one, by slug.
        meters: what the plant calls each meter that was heard of, by slug; empty where it has no name there.
    """
    names: dict[str, list[tuple[str, str]]] = {title: [] for title in (*HEADINGS.values(), UNASSIGNED)}
    for slug in {*labels, *meters}:
        label = labels.get(slug)
        name = label.point if label else meters[slug] or slug
        names[HEADINGS[label.kind] if label else UNASSIGNED].append((slug, name))
    return tuple(Group(title, tuple(sorted(found, key=_by_name))) for title, found in names.items() if found)


def layout_of(grouped: tuple[Group, ...]) -> str:
    """Return a mark that changes when tiles come, go, move or are renamed."""
    return hashlib.blake2s(repr(grouped).encode(), digest_size=6).hexdigest()


def _by_name(entry: tuple[str, str]) -> tuple[str, str]:
    # Numbers in names count as numbers: "Flat 2" before "Flat 10".
    padded = "".join(part.zfill(9) if part.isdigit() else part for part in _split_digits(entry[1].lower()))
    return padded, entry[0]


def _split_digits(text: str) -> list[str]:
    parts: list[str] = []
    for character in text:
        if parts and parts[-1][-1].isdigit() == character.isdigit():
            parts[-1] += character
        else:
            parts.append(character)
    return parts
