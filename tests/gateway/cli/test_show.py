"""How results look."""

import pytest
from mmetering_gateway.cli.show import document, sentence, table


def test_columns_stand_below_one_another() -> None:
    """Words must stand to the left, numbers to the right, and None as nothing."""
    assert table(("name", "value", "unit"), [("voltage", 230.1, "V"), ("charge", 5, None), ("x", None, "A")]) == (
        "name     value  unit\nvoltage  230.1  V\ncharge       5\nx               A\n"
    )


def test_a_column_without_anything_is_left_out() -> None:
    """A column that says nothing in any row must not be there; False and 0 say something."""
    assert (
        table(("a", "b", "c", "d"), [(1, "", False, 0), (2, None, True, 0)])
        == "a  c      d\n1  False  0\n2  True   0\n"
    )


@pytest.mark.parametrize(("text", "expected"), [("a b", "A b."), ("A.", "A."), ("über", "Über.")])
def test_a_sentence(text: str, expected: str) -> None:
    """It must begin with a capital and end with a full stop."""
    assert sentence(text) == expected


def test_a_document_is_for_people_too() -> None:
    """JSON must have a line for each value, and a line end."""
    assert document({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}\n'
