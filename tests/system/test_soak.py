"""A minute of the soak of benchmarks/soak.py."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.servers]

CHECKOUT = Path(__file__).parents[2]
DEADLINE_S = 400  # a minute, and as long as a busy machine takes to start and to come to rest


@pytest.mark.timeout(DEADLINE_S + 60)
def test_a_minute_of_random_kills_loses_and_doubles_nothing() -> None:
    """Broker, database and two copies of ingest are killed at random: what the spools have taken is stored, once."""
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes=1"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # so that it ends what it has started
            raise
    sys.stderr.write(told)
    assert process.returncode == 0
    assert "lost 0, doubled 0, never taken 0, without a receipt 0" in told
