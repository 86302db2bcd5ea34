"""A gateway that only says that it is there, until it is killed: `python presence.py TOPIC`.

It writes a line once it is connected.
"""

import os
import sys

from mmetering_contract.state import OFFLINE, ONLINE
from mmetering_runtime.config import Environment, broker_from
from mmetering_runtime.event import Connected
from mmetering_runtime.mqtt import Presence, Session

session = Session(broker_from(Environment(os.environ)), "presence", presence=Presence(sys.argv[1], ONLINE, OFFLINE))
session.start()
while True:
    if isinstance(session.next(timeout=1), Connected):
        sys.stdout.write("connected\n")
        sys.stdout.flush()
