"""What a model of meter is: the registers that it has, what may be written into them, and how it is locked."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum

from mmetering_simulator.line import BAUD_CODES, PARITIES

# Holding registers, float32 each: SDM630-Modbus V1.8, section 1.3.1, unless a line says otherwise.
DEMAND_TIME = 0x0000  # SDM630 V2.0 (2018), page 5: minutes into the demand period
DEMAND_PERIOD = 0x0002  # min
SYSTEM_VOLTS = 0x0006  # V2.0
SYSTEM_CURRENT = 0x0008  # V2.0, which prints 0006: the register number 40009 is right; A, of the transformers' primary
SYSTEM_TYPE = 0x000A
PULSE_WIDTH = 0x000C  # ms
LOCK = 0x000E
PARITY_AND_STOP = 0x0012
NODE_ADDRESS = 0x0014
PULSE_DIVISOR = 0x0016
PASSWORD = 0x0018
BAUD = 0x001C
ENERGY_PREFIX = 0x001E  # V2.0: 0 is k, 1 is M
SYSTEM_POWER = 0x0024  # V2.0
REGISTER_ORDER = 0x0028  # V2.0
SERIAL_HIGH, SERIAL_LOW = 0x002A, 0x002C  # V2.0
PULSE_ENERGY = 0x0056
# Holding registers that hold no float.
SERIAL_NUMBER = 0xFC00  # uint32 in two registers
METER_CODE = 0xFC02  # one register: SDM120M V2.5, page 8
SOFTWARE_VERSION = 0xFC03  # one register: likewise

NOTHING: Container[float] = ()  # what may be written into a register that can only be read


class Lock(StrEnum):
    """How a meter keeps its parameters: free, behind register 0018, or behind register 000E (KPPA)."""

    NONE = "none"
    PASSWORD = "password"  # noqa: S105 - the name of a scheme
    KPPA = "kppa"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A float holding register: what it is at first, what may be written, whether that needs the password."""

    default: float = 0.0
    allowed: Container[float] = NOTHING
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of meter. `dataclasses.replace` makes one that differs, as single units in the field do.

    Attributes:
        name: as a gateway's plant calls it.
        inputs: addresses of its input registers, float32 each.
        holding: its float holding registers by address.
        bauds: the speeds that it knows, the one that it comes with first.
        limit: registers that it gives in one reply.
        lock: how its protected parameters are kept.
        password: what it is at first.
        needs_restart: whether address, speed and parity act only after a restart.
        needs_button: whether the address can be written only within a minute after its button was pressed.
        phases: how many it measures, 1 or 3.
        has_serial: whether the serial number can be read at FC00.
        code: what reads at FC02; None where there is nothing.
        version: what reads at FC03; None where there is nothing.
    """

    name: str
    inputs: frozenset[int]
    holding: Mapping[int, Parameter]
    bauds: tuple[int, ...]
    limit: int
    lock: Lock = Lock.NONE
    password: int = 1000
    needs_restart: bool = False
    needs_button: bool = False
    phases: int = 3
    has_serial: bool = False
    code: int | None = None
    version: int | None = None

    @property
    def key(self) -> int | None:
        """The address that the password is written to."""
        return {Lock.NONE: None, Lock.PASSWORD: PASSWORD, Lock.KPPA: LOCK}[self.lock]


def network(bauds: tuple[int, ...], *, protected: bool) -> dict[int, Parameter]:
    """Return the parameters of a meter's network port.

    Args:
        bauds: the speeds that it knows, the one that it comes with first.
        protected: whether they need the password. SDM630-Modbus V1.8 prints `wp` at the system type alone, and
            KPPA models ask for it at "key parameters"; ours are the strict ones.
    """
    codes = tuple(BAUD_CODES[baud] for baud in bauds)
    return {
        PARITY_AND_STOP: Parameter(0, range(len(PARITIES)), protected),
        NODE_ADDRESS: Parameter(1, range(1, 248), protected),
        BAUD: Parameter(codes[0], codes, protected),
    }
