"""Chance that is the same for ever: numbers from a key, by an algorithm that no release of a library changes."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def uniform(count: int, *key: str | int) -> Numbers:
    """Return numbers in [0, 1) that depend on the key alone (SHAKE256 of it, 53 bits each)."""
    digest = hashlib.shake_256("/".join(map(str, key)).encode()).digest(8 * count)
    return np.asarray((np.frombuffer(digest, dtype=">u8") >> np.uint64(11)).astype(np.float64) * 2.0**-53)
