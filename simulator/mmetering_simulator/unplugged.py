"""Which meters are pulled off their bus: a file of slugs, one a line, that the running simulator reads at each request.

So a meter can be pulled from another process, and stays pulled over a restart.
"""

import os
from collections.abc import Container, Mapping
from pathlib import Path


class Unplugged:
    """The pulled meters of a simulator.

    Args:
        state: the simulator's state directory; it need not exist yet.
    """

    def __init__(self, state: Path) -> None:
        self._file = state / "unplugged"

    def slugs(self) -> frozenset[str]:
        """Return the meters that are off their bus now."""
        try:
            return frozenset(self._file.read_text(encoding="utf-8").split())
        except FileNotFoundError:
            return frozenset()

    def unplug(self, slug: str) -> None:
        """Pull a meter off its bus; nothing happens where it is off already."""
        self._write(self.slugs() | {slug})

    def plug(self, slug: str) -> None:
        """Put a meter back on its bus; nothing happens where it is on it already."""
        self._write(self.slugs() - {slug})

    def units(self, slugs: Mapping[int, str]) -> Container[int]:
        """Return the unit ids that are off a bus, as they are whenever they are asked for.

        Args:
            slugs: unit id to slug of the meters on the bus.
        """
        return _Units(self, slugs)

    def _write(self, slugs: frozenset[str]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_name(f"unplugged.{os.getpid()}")
        fresh.write_text("".join(f"{slug}\n" for slug in sorted(slugs)), encoding="utf-8")
        fresh.replace(self._file)


class _Units(Container[int]):
    def __init__(self, unplugged: Unplugged, slugs: Mapping[int, str]) -> None:
        self._unplugged = unplugged
        self._slugs = slugs

    def __contains__(self, unit: object) -> bool:
        return isinstance(unit, int) and self._slugs.get(unit) in self._unplugged.slugs()
