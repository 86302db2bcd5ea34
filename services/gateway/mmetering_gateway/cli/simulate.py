"""`mmetering-gateway simulate`: simulated meters in place of real ones. The simulator is a distribution of its own."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from mmetering_runtime.config import ConfigError, Environment

SIMULATOR = "mmetering-simulator"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take whatever follows."""
    parser.set_defaults(rest=[])


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Become the simulator.

    Raises:
        ConfigError: it is not installed.
    """
    folders = [str(Path(sys.executable).parent), environment.text("PATH", os.defpath)]
    program = shutil.which(SIMULATOR, path=os.pathsep.join(folders))
    if program is None:
        raise ConfigError(f"{SIMULATOR} is not installed here: pip install ./simulator in a checkout of mmetering")
    os.execv(program, [program, "run", *chosen.rest])  # noqa: S606 the program that was asked for
