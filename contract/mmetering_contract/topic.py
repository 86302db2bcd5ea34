"""Every topic, built and read in one place: `mmetering/v1/{site}/…`.

Slugs are lower-case letters, digits and hyphens, so that none can hold a wildcard or a level.
"""

import re
from dataclasses import dataclass

from mmetering_contract.errors import TopicError

ROOT = "mmetering/v1"
SLUG = r"[a-z0-9-]{1,64}"

_SLUG = re.compile(SLUG)


def check_slug(text: str) -> str:
    """Return the slug as it is.

    Raises:
        TopicError: it is no slug.
    """
    if not _SLUG.fullmatch(text):
        raise TopicError(f"{text!r} is no slug: 1 to 64 of a-z, 0-9 and '-'")
    return text


@dataclass(frozen=True, slots=True)
class Site:
    """The topics of one site. `+` may stand for a gateway, meter, group or copy, to subscribe to all."""

    slug: str

    def __post_init__(self) -> None:
        check_slug(self.slug)

    def _topic(self, *levels: str) -> str:
        """Return a topic; raises TopicError where a level is neither a slug nor `+`."""
        return "/".join((ROOT, self.slug, *(level if level == "+" else check_slug(level) for level in levels)))

    def gateway_status(self, gateway: str = "+") -> str:
        """`online` or `offline`, retained; the gateway's will."""
        return self._topic("gateway", gateway, "status")

    def gateway_health(self, gateway: str = "+") -> str:
        """Counters of a gateway, every 30 s, not retained."""
        return self._topic("gateway", gateway, "health")

    def batch(self, gateway: str = "+") -> str:
        """The record: readings on their way from a spool to the database."""
        return self._topic("gateway", gateway, "batch")

    def receipt(self, gateway: str = "+") -> str:
        """What of the record has been committed or refused."""
        return self._topic("gateway", gateway, "receipt")

    def meter_status(self, gateway: str = "+", meter: str = "+") -> str:
        """`online` or `offline`, retained."""
        return self._topic("gateway", gateway, "meter", meter, "status")

    def meter_info(self, gateway: str = "+", meter: str = "+") -> str:
        """What a meter is and where it hangs, retained."""
        return self._topic("gateway", gateway, "meter", meter, "info")

    def live(self, gateway: str = "+", meter: str = "+", group: str = "+") -> str:
        """The newest reading of a scan group, retained."""
        return self._topic("gateway", gateway, "meter", meter, "reading", group)

    def plant(self, gateway: str = "+") -> str:
        """The meters that a gateway is to read, retained."""
        return self._topic("gateway", gateway, "plant")

    def command(self, gateway: str = "+", verb: str = "+") -> str:
        """An order to a gateway."""
        return self._topic("gateway", gateway, "command", verb)

    def result(self, gateway: str = "+", command: str = "+") -> str:
        """How far a command is, and what came of it."""
        return self._topic("gateway", gateway, "result", command)

    def service_status(self, service: str = "+", copy: str = "+") -> str:
        """`online` or `offline` of a copy of a service, retained; its will."""
        return self._topic("service", service, copy, "status")

    def service_health(self, service: str = "+", copy: str = "+") -> str:
        """Counters of a copy of a service, every 30 s, not retained."""
        return self._topic("service", service, copy, "health")

    def label(self, meter: str = "+") -> str:
        """What people call a meter, retained."""
        return self._topic("label", meter)

    def alert(self, incident: str = "+") -> str:
        """One incident, retained until 7 days after its end."""
        return self._topic("alert", incident)


def levels_after(site: Site, topic: str) -> tuple[str, ...]:
    """Return the levels behind the site's root, each a slug.

    Raises:
        TopicError: the topic is another site's, or no topic of ours.
    """
    prefix = f"{ROOT}/{site.slug}/"
    if not topic.startswith(prefix):
        raise TopicError(f"{topic!r} is not below {prefix}")
    return tuple(check_slug(level) for level in topic.removeprefix(prefix).split("/"))


def gateway_of(site: Site, topic: str) -> str:
    """Return the gateway that a topic belongs to; the broker's ACL binds it to the gateway's login.

    Raises:
        TopicError: the topic belongs to no gateway of this site.
    """
    match levels_after(site, topic):
        case ("gateway", gateway, _, *_):
            return gateway
    raise TopicError(f"{topic!r} belongs to no gateway")


def meter_of(site: Site, topic: str) -> tuple[str, str]:
    """Return (gateway, meter) of a topic below a meter.

    Raises:
        TopicError: the topic belongs to no meter of this site.
    """
    match levels_after(site, topic):
        case ("gateway", gateway, "meter", meter, _, *_):
            return gateway, meter
    raise TopicError(f"{topic!r} belongs to no meter")
