"""Where the checkout is, and the programs that tools/setup.sh put there or found on the machine."""

import os
import shutil
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def find_program(name: str) -> str:
    """Return the path of a program out of .tools/bin, the PATH or /usr/sbin, in that order.

    Raises:
        FileNotFoundError: it is nowhere.
    """
    folders = [str(CHECKOUT / ".tools/bin"), os.environ.get("PATH", os.defpath), "/usr/sbin"]
    path = shutil.which(name, path=os.pathsep.join(folders))
    if path is None:
        raise FileNotFoundError(f"{name} is missing; tools/setup.sh fetches it")
    return path
