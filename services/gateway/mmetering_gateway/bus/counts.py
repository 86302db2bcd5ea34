"""How the questions on a bus fared. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Since the link was made; probes for meters that may not be there are not counted.

    Attributes:
        requests: questions asked.
        timeouts: those that nothing came back for.
        garbled: those that bytes came back for which are no frame.
        exceptions: those answered with an exception code.
        refused: replies of a wrong unit, function or length.
    """

    requests: int = 0
    timeouts: int = 0
    garbled: int = 0
    exceptions: int = 0
    refused: int = 0
