"""What a command found, for people as a table and for scripts as JSON. Pure."""

from collections.abc import Sequence

import msgspec


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return lines of equally wide columns; numbers stand to the right, None as nothing.

    Args:
        header: the columns' names; one that nothing stands in is left out.
        rows: a cell for each column.
    """
    used = [at for at in range(len(header)) if any(row[at] not in (None, "") for row in rows)]
    lines = [["" if row[at] is None else str(row[at]) for at in used] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [all(_is_number(row[at]) for row in rows) for at in used]
    return "".join(f"{_line(line, widths, right)}\n" for line in lines)


def document(value: object) -> str:
    """Return a value as one JSON document, to be read by people too."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital, and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _is_number(cell: object) -> bool:
    return cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))
