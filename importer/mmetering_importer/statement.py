"""SQL as mysqldump and phpMyAdmin write it: where a statement ends, which columns a table has, which rows come. Pure.

Text comes decoded with `surrogateescape`, so that binary columns, which nobody asks for, do no harm.
Source: MySQL 8.0 Reference Manual, 9.1 (literals) and 9.7 (comments).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Value = str | None
Row = dict[str, Value]

_STRING = r"'(?:[^'\\]++|\\.|'')*+'"
_COMMENT = r"/\*.*?\*/|--[ \t\r\n][^\n]*\n|--\n|\#[^\n]*\n"
_STATEMENT = re.compile(
    rf"""((?:[^'"`;/\#-]++|{_STRING}|"(?:[^"\\]++|\\.)*+"|`[^`]*+`|{_COMMENT}|/(?!\*)|-(?!-\s))*+);""", re.DOTALL
)
_BLANK = re.compile(rf"(?:\s|{_COMMENT})*+", re.DOTALL)
_NAME = r"(?:`[^`]+`\.)?`?(\w+)`?"
_CREATE = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{_NAME}\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r"^\s*`(\w+)`\s", re.MULTILINE)
_INSERT = re.compile(
    rf"(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+{_NAME}\s*(?:\(([^()]*)\)\s*)?VALUES\s*", re.IGNORECASE
)
_VALUE = re.compile(rf"\s*\(?\s*(?:_\w+\s+)?([bBxX]?{_STRING}|[^\s,()']+)\s*([,)])(?:\s*,)?", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)|''", re.DOTALL)
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


class StatementError(ValueError):
    """Say which statement cannot be understood."""


@dataclass(frozen=True, slots=True)
class Table:
    """The head of a CREATE TABLE."""

    name: str
    columns: tuple[str, ...]


def split(text: str) -> tuple[list[str], str]:
    """Return the whole statements of a text, without the comments before them, and the rest behind the last."""
    statements, position = [], 0
    while match := _STATEMENT.match(text, position):
        statements.append(without_comments(match[1]))
        position = match.end()
    return statements, text[position:]


def without_comments(text: str) -> str:
    """Return a text from its first word on."""
    blank = _BLANK.match(text)
    return text[blank.end() :] if blank else text


def table_of(statement: str) -> Table | None:
    """Return the table that a statement creates; None where it does something else."""
    head = _CREATE.match(statement)
    return Table(head[1], tuple(_COLUMN.findall(statement, head.end()))) if head else None


def target_of(statement: str) -> str | None:
    """Return the table that a statement inserts into; None where it does something else."""
    head = _INSERT.match(statement)
    return head[1] if head else None


def rows_of(statement: str, columns: tuple[str, ...]) -> Iterator[Row]:
    """Yield the rows of an INSERT, in its order.

    Args:
        statement: the INSERT.
        columns: of the table, in order; the statement's own list of columns goes before it.

    Raises:
        StatementError: it cannot be understood, or a row has not as many values as there are columns.
    """
    head = _INSERT.match(statement)
    if not head:
        raise StatementError(f"no INSERT: {statement[:80]!r}")
    if head[2]:
        columns = tuple(name.strip(" `\n\r\t") for name in head[2].split(","))
    position, end, values = head.end(), len(statement.rstrip()), list[Value]()
    while position < end:
        match = _VALUE.match(statement, position)
        if not match:
            raise StatementError(f"no value in an INSERT into {head[1]}: {statement[position : position + 80]!r}")
        values.append(_value(match[1]))
        if match[2] == ")":
            if len(values) != len(columns):
                raise StatementError(f"{len(values)} values for {len(columns)} columns of {head[1]}")
            yield dict(zip(columns, values, strict=True))
            values.clear()
        position = match.end()
    if values:
        raise StatementError(f"an INSERT into {head[1]} ends within a row")


def _value(literal: str) -> Value:
    """Return a literal's value as text: numbers as they stand, None for NULL."""
    if literal[0] == "'":
        inner = literal[1:-1]
        return _ESCAPED.sub(_unescape, inner) if "\\" in inner or "''" in inner else inner
    if literal in ("NULL", "null"):
        return None
    if literal[:2] in ("0x", "0X"):
        return _text(literal[2:])
    if literal[:2] in ("x'", "X'"):
        return _text(literal[2:-1])
    if literal[:2] in ("b'", "B'"):
        return str(int(literal[2:-1], 2))
    return literal


def _unescape(match: re.Match[str]) -> str:
    return "'" if match[1] is None else _ESCAPES.get(match[1], match[1])


def _text(digits: str) -> str:
    return bytes.fromhex(digits).decode(errors="surrogateescape")
