"""The desired state of a gateway: the meters that it is to read, retained by the web; buses are the gateway's own."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import msgspec

from mmetering_contract.payload import Slug, Text, decoder_of


class PlantMeter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meter to read.

    Attributes:
        slug: one physical meter for ever; bus and address may change.
        bus: name of a bus of the gateway.
        address: unit id on that bus, 1 to 247.
        model: register table to read it by, such as `sdm630`.
        label: what people call it; empty where nobody named it.
        rated_current: what it carries on each phase, in A, where that is not as on every meter of its model: on the
            primary side of its transformers.
    """

    slug: Slug
    bus: Slug
    address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    model: Text = "sdm630"
    label: Text = ""
    rated_current: Annotated[float, msgspec.Meta(gt=0)] | None = None


class DesiredPlant(msgspec.Struct, frozen=True):
    """All meters of one gateway.

    Attributes:
        revision: grows with every change; an older one than that in force is passed over.
        meters: at least one.
    """

    revision: Annotated[int, msgspec.Meta(ge=1, lt=2**53)]
    meters: Annotated[tuple[PlantMeter, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        check_unique("meter", (meter.slug for meter in self.meters))
        check_unique("address", (f"{meter.address} on {meter.bus}" for meter in self.meters))


def check_unique(what: str, names: Iterable[str]) -> None:
    """Refuse a name that stands there twice.

    Raises:
        ValueError: with the name.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} {twice[0]} stands there twice")


decode_plant = decoder_of(DesiredPlant)
