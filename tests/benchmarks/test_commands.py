"""The benchmarks can be started, and the one that only computes tells the figures that were computed by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NAMES = [
    "wire", "dead", "tcp", "thousand", "meters", "script",
    "ingest", "latency", "soak", "sender", "naive",
    "queries", "month", "predecessor",
]  # fmt: skip


def run(*arguments: str) -> str:
    """Run a benchmark as its README says, and return what it prints."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_tells_how_to_use_it(name: str) -> None:
    """Whatever it imports is there, and its options are understood."""
    assert run(f"benchmarks.{name}", "--help").startswith("usage: ")


def test_our_plan_beside_the_others() -> None:
    """Bus times by the model of 13 + 2n characters, two silences and the turnaround, at 9600 and 38400 baud."""
    lines = [" ".join(line.split()) for line in run("benchmarks.plan").splitlines()]
    assert [line for line in lines if line.startswith("ours ")] == [
        "ours 105.6 205.6 305.6 29.4 129.4 229.4",
        "ours 537.7 752.9 952.9 142.8 344.2 544.2",
    ]
    assert "one request a value 385.9 1135.9 1885.9 118.9 868.9 1618.9" in lines
    assert "greedy: as long as it goes 214.0 314.0 414.0 56.5 156.5 256.5" in lines
    assert "15 values at 9600: 0x00+18, 0x46+12, 86 bytes" in lines
