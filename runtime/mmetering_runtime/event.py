"""What can happen on an MQTT session. Events of different connections are told apart by their generation. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection stands, and the subscriptions have been asked for."""

    generation: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection of this generation has ended; what it had not answered is open."""

    generation: int


@dataclass(frozen=True, slots=True)
class Published:
    """The broker has answered a publication of QoS 1.

    Attributes:
        token: what `publish` returned.
        reason: MQTT 5 reason code: 0 taken, 0x10 nobody subscribes, 0x80 and above refused.
    """

    token: tuple[int, int]
    reason: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message from the broker. `properties` are its user properties, in order."""

    topic: str
    payload: bytes
    retained: bool
    properties: tuple[tuple[str, str], ...]
    qos: int
    mid: int
    generation: int


Event = Connected | Disconnected | Published | Message
