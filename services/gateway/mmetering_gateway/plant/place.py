"""Where in a TOML text a validation error lies. Pure.

msgspec names a path such as `$.bus[1].port`; people look for a line.
"""

import re
from collections import Counter

_PATH = re.compile(r"`\$([^`]*)`")
_STEP = re.compile(r"\.([\w-]+)(?:\[(\d+)\])?")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_HEADER = re.compile(r"\s*\[{1,2}\s*([\w.-]+)\s*\]{1,2}")


def line_of(text: str, reason: str) -> int | None:
    """Return the line, counted from 1, of the key or table that an error speaks of; None where it tells none.

    Args:
        text: the TOML.
        reason: msgspec's error about what the TOML says.
    """
    path = _PATH.search(reason)
    steps = [(key, int(index or 0)) for key, index in _STEP.findall(path[1])] if path else []
    unknown = _UNKNOWN.search(reason)
    if unknown:
        steps.append((unknown[1], 0))
    # The last steps are keys of tables or tables themselves; the innermost one that has a header is looked into.
    for depth in range(len(steps), 0, -1):
        table = (".".join(key for key, _ in steps[:depth]), steps[0][1])
        if number := _line(text, table, steps[depth][0] if depth < len(steps) else None):
            return number
    return None


def below(path: str, reason: str) -> str:
    """Return msgspec's error about a part of the TOML as one about the whole, that part standing at `path`."""
    return reason.replace("`$", f"`$.{path}", 1) if "`$" in reason else f"{reason} - at `$.{path}`"


def _line(text: str, table: tuple[str, int], key: str | None) -> int | None:
    """Return the line of a key in the nth table of a name, or else that table's header, or else a key of that name."""
    seen: Counter[str] = Counter()
    header: int | None = None
    inside = False
    for number, content in enumerate(text.splitlines(), 1):
        match = _HEADER.match(content)
        if match:
            inside = (match[1], seen[match[1]]) == table
            seen[match[1]] += 1
            header = number if inside else header
        elif (wanted := key if inside else table[0] if not seen else None) and _begins_with(content, wanted):
            return number
    return header


def _begins_with(content: str, key: str) -> bool:
    return re.match(rf"\s*{re.escape(key)}\s*=", content) is not None
