"""What people call a meter: the point that it hangs on, retained by the web, so that others can speak plainly."""

from typing import Annotated, Literal

import msgspec

from mmetering_contract.payload import decoder_of

PointKind = Literal["flat", "common", "producer", "grid", "storage"]
Counter = Literal["import", "export"]


class Label(msgspec.Struct, frozen=True, omit_defaults=True):
    """The point of a meter.

    Attributes:
        point: name of the point, such as `Flat 3, left`.
        kind: what the point is.
        counter: which of the meter's energy counters is the use, or the production, of the point.
    """

    point: Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{1,100}\Z")]  # also goes into a mail's subject
    kind: PointKind
    counter: Counter = "import"


decode_label = decoder_of(Label)
