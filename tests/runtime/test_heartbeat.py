"""The heartbeat: a file that is young as long as the loop turns."""

import os
import subprocess
import sys
import time
from pathlib import Path

from mmetering_runtime.heartbeat import OLD_S, Heartbeat


def check(path: Path | None) -> subprocess.CompletedProcess[str]:
    """Run the health check as the container does."""
    environment = {"MMETERING_HEARTBEAT": str(path)} if path else {}
    command = [sys.executable, "-m", "mmetering_runtime.heartbeat"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_beating_loop_is_well(tmp_path: Path) -> None:
    """After a beat the check must succeed, and say nothing."""
    path = tmp_path / "heartbeat"
    Heartbeat(path).beat()
    result = check(path)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_an_old_beat_is_not_well(tmp_path: Path) -> None:
    """When the last beat is older than the limit, the check must fail and say how old it is."""
    path = tmp_path / "heartbeat"
    Heartbeat(path).beat()
    long_ago = time.time() - OLD_S - 5
    os.utime(path, (long_ago, long_ago))
    result = check(path)
    assert result.returncode == 1
    assert "last beat" in result.stderr


def test_no_beat_is_not_well(tmp_path: Path) -> None:
    """A loop that never beat, or a check without a file, must fail with one line and no stack trace."""
    for path in (tmp_path / "heartbeat", None):
        result = check(path)
        assert result.returncode == 1
        assert len(result.stderr.splitlines()) == 1


def test_it_beats_at_most_once_a_second(tmp_path: Path) -> None:
    """A loop may beat at every turn: the disk must not be asked each time."""
    path = tmp_path / "heartbeat"
    heartbeat = Heartbeat(path)
    begin = time.monotonic()
    heartbeat.beat()
    path.unlink()
    while not path.exists():
        heartbeat.beat()
    assert time.monotonic() - begin >= 1


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    """A service that runs without a health check must beat into nothing."""
    Heartbeat(None).beat()
    assert not list(tmp_path.iterdir())
