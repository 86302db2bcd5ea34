"""Bus time of our requests beside those of other ways to plan them; pure computation, in milliseconds.

The model is the planner's own: 13 + 2n characters for n registers, two silences of 3.5 characters, and the
meter's turnaround.
"""

import sys
from collections.abc import Callable, Iterable, Sequence

from mmetering_gateway.models.registers import Register
from mmetering_gateway.planning.requests import Request, Wire, line, plan

from benchmarks.measure import table

LIMIT = 80  # registers in one reply; SDM630-Modbus V2 protocol V1.8
WIDTH = 2
BITS = 10  # of a character, 8N1
WIRES = [line(baud, BITS, ms / 1000) for baud in (9600, 38400) for ms in (0, 50, 100)]
HEADER = ("ms", *(f"{baud}, {ms} ms" for baud in (9600, 38400) for ms in (0, 50, 100)))

# PDU addresses: the 15 values that most people read, and all 86 of the SDM630-Modbus V2 protocol V1.8.
FIFTEEN = (*range(0x00, 0x12, 2), *range(0x46, 0x52, 2))
ALL = (
    *range(0x00, 0x2C, 2), 0x2E, 0x30, 0x34, 0x38, 0x3C, 0x3E, 0x42, *range(0x46, 0x58, 2), *range(0x64, 0x6C, 2),
    *range(0xC8, 0xD0, 2), 0xE0, *range(0xEA, 0xF0, 2), *range(0xF0, 0xF6, 2), 0xF8, 0xFA, 0xFE,
    *range(0x102, 0x10E, 2), *range(0x14E, 0x17E, 2),
)  # fmt: skip


def ours(addresses: Sequence[int], wire: Wire) -> tuple[Request, ...]:
    """Return the gateway's plan."""
    return plan([Register(address, "") for address in addresses], LIMIT, wire)


def merged(addresses: Iterable[int], gap: int) -> tuple[Request, ...]:
    """Return requests that go on over gaps of at most so many registers, as long as the limit allows."""
    requests: list[Request] = []
    for address in sorted(addresses):
        last = requests[-1] if requests else Request(address, 0)
        count = address + WIDTH - last.address
        if requests and count <= LIMIT and address - last.address - last.count <= gap:
            requests[-1] = Request(last.address, count)
        else:
            requests.append(Request(address, WIDTH))
    return tuple(requests)


def singly(addresses: Iterable[int]) -> tuple[Request, ...]:
    """Return a request for each value."""
    return tuple(Request(address, WIDTH) for address in addresses)


PLANNERS: dict[str, Callable[[Sequence[int], Wire], tuple[Request, ...]]] = {
    "ours": ours,
    "greedy: as long as it goes": lambda addresses, _: merged(addresses, LIMIT),
    "gaps up to 50": lambda addresses, _: merged(addresses, 50),
    "gaps up to 10": lambda addresses, _: merged(addresses, 10),
    "no gaps": lambda addresses, _: merged(addresses, 0),
    "one request a value": lambda addresses, _: singly(addresses),
}


def cost_ms(requests: Iterable[Request], wire: Wire) -> float:
    """Return the bus time of requests."""
    return 1000 * sum(wire.cost_s(request.count) for request in requests)


def main() -> None:
    """Print the bus times of each planner for both lists."""
    for name, addresses in (("15 values", FIFTEEN), ("all 86 values", ALL)):
        times = {
            planner: [cost_ms(requests(addresses, wire), wire) for wire in WIRES]
            for planner, requests in PLANNERS.items()
        }
        rows = [(planner, *(f"{ms:.1f}" for ms in row)) for planner, row in times.items()]
        worst = [
            (f"{planner}: times ours", *(f"{ms / least:.2f}" for ms, least in zip(row, times["ours"], strict=True)))
            for planner, row in times.items()
            if planner != "ours"
        ]
        sys.stdout.write(f"{name}; the header tells baud and turnaround\n{table(HEADER, [*rows, *worst])}\n\n")
    best = ours(FIFTEEN, WIRES[0])
    print(
        f"15 values at 9600: {', '.join(f'0x{r.address:02X}+{r.count}' for r in best)}, "
        f"{sum(13 + 2 * r.count for r in best)} bytes"
    )


if __name__ == "__main__":
    main()
