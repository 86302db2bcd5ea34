"""What a process has used of the machine, as Linux accounts it, and how figures are printed."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")  # per second, of processor time


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process and the children that it has waited for had used at a moment, or between two.

    Attributes:
        at: seconds of a monotonic clock.
        processor_s: seconds of all cores, in user code and in the kernel.
    """

    at: float
    processor_s: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return what a process has used until now; proc(5), `stat`, fields 14 to 17."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return cls(time.monotonic(), sum(int(field) for field in fields[11:15]) / TICKS)

    def since(self, before: Self) -> "Usage":
        """Return what was used from another moment to this one."""
        return Usage(self.at - before.at, self.processor_s - before.processor_s)

    @property
    def share(self) -> float:
        """Of one core, where this is a difference."""
        return self.processor_s / self.at


def memory_mb(pid: int, key: str = "VmRSS") -> float:
    """Return the resident memory of a process in MB; with the key `VmHWM` the most it ever was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024 / 1e6


def machine() -> str:
    """Return what kind of machine this is."""
    models = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    name = next(models, "model name: unknown processor").partition(":")[2].strip()
    return f"{os.cpu_count()} cores, {name}, load {os.getloadavg()[0]:.1f}"


def verdict(name: str, value: float, target: float, *, at_least: bool = True) -> str:
    """Return a line that sets a figure beside its limit."""
    sign, met = (">=", value >= target) if at_least else ("<=", value <= target)
    return f"{name}: {value:.3g} ({sign} {target:g}: {'met' if met else 'MISSED'})"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows below a header, in columns; what is no text stands on the right."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [isinstance(cell, str) for cell in rows[0]]
    lines = (
        "  ".join(text.ljust(width) if flush else text.rjust(width) for text, width, flush in zip(*row, strict=True))
        for row in ((line, widths, left) for line in cells)
    )
    return "\n".join(line.rstrip() for line in lines)
