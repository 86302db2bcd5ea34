"""The file that says how far an import has come."""

from pathlib import Path

import pytest
from mmetering_importer.position import Position, PositionError, load, save


def test_a_position_is_found_again(tmp_path: Path) -> None:
    """What was noted is known to the next run, and nothing is before the first."""
    file = tmp_path / "position.json"
    assert load(file, "home", "abc") == Position("home", "abc", 0, 0)
    save(file, Position("home", "abc", 17, 3))
    assert load(file, "home", "abc") == Position("home", "abc", 17, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["position.json"]


@pytest.mark.parametrize(("site", "epoch"), [("away", "abc"), ("home", "def")])
def test_a_position_of_another_import_is_refused(tmp_path: Path, site: str, epoch: str) -> None:
    """What has been sent to another site, or of another source, says nothing of this one."""
    file = tmp_path / "position.json"
    save(file, Position("home", "abc", 17))
    with pytest.raises(PositionError, match="another import"):
        load(file, site, epoch)


@pytest.mark.parametrize("content", ["", "{}", '{"site":1}'])
def test_a_damaged_position_is_refused(tmp_path: Path, content: str) -> None:
    """Rather than beginning anew in silence, a file that is none is told."""
    file = tmp_path / "position.json"
    file.write_text(content)
    with pytest.raises(PositionError, match=r"position\.json"):
        load(file, "home", "abc")
