"""JSON in and out, typed. Keys that a receiver does not know are passed over: senders are upgraded first."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from mmetering_contract.errors import MalformedError, PayloadError
from mmetering_contract.topic import SLUG

T = TypeVar("T")

SEQ_MAX = 2**62  # a range of int8 that holds it ends one above, which must be an int8 too

# `\Z` and not `$`, which also matches before a line end.
Slug = Annotated[str, msgspec.Meta(pattern=rf"\A{SLUG}\Z")]
NAME = r"\A[a-z][a-z0-9_]{0,63}\Z"
Name = Annotated[str, msgspec.Meta(pattern=NAME)]  # of a quantity
Text = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f]{0,200}\Z")]  # PostgreSQL's text takes no NUL
Seq = Annotated[int, msgspec.Meta(ge=1, le=SEQ_MAX)]
Epoch = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{8,32}\Z")]

_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """Return a payload as JSON."""
    return _encoder.encode(value)


def decoder_of(kind: type[T]) -> Callable[[bytes], T]:
    """Return the function that reads payloads of one type.

    Raises (the returned function):
        MalformedError: the payload is not JSON, which has no NaN and no infinity, or nested too deeply.
        PayloadError: it is not of this type.
    """
    decoder = msgspec.json.Decoder(kind)

    def decode(payload: bytes) -> T:
        try:
            return decoder.decode(payload)
        except msgspec.ValidationError as error:
            raise PayloadError(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedError(str(error)) from error

    return decode
