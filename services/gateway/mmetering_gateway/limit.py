"""How many registers a meter gives in one reply, found out by being refused. Pure.

The manual of the SDM630 says 80 and its predecessor's 60; units in the field refuse more than 50.
"""

from mmetering_gateway.plan import Request

STEPS = (60, 50, 40, 30, 20)
# "Illegal data address" and "illegal data value" (Modbus Application Protocol V1.1b3, section 7): units differ.
TOO_LONG = (2, 3)


def lower_limit(request: Request, code: int) -> int | None:
    """Return the limit to try after a refusal; None where its length cannot be the reason.

    Args:
        request: what was refused.
        code: the exception code that it was refused with.
    """
    return next((step for step in STEPS if step < request.count), None) if code in TOO_LONG else None
