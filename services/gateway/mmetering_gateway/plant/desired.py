"""The plant in force: its buses are always the file's; its meters too, or those that the broker last told.

With `source = "web"` the file's meters are read until a first plant comes over the broker. That is kept on disk, for
a start without a broker. An empty or invalid one changes nothing, and why it does not is told in the health.
"""

import os
from pathlib import Path

import msgspec
from mmetering_contract.errors import ContractError
from mmetering_contract.plant import decode_plant
from mmetering_runtime.log import Log

from mmetering_gateway.plant.plant import Meter, Plant, PlantError

log = Log("gateway.plant")


class Desired:
    """The plant in force, and what became of the newest that the broker told."""

    def __init__(self, plant: Plant, path: Path) -> None:
        """Begin with the file's plant, or with the one that was kept at `path`."""
        self.plant = plant
        self.revision: int | None = None
        self.error = ""
        self._path = path
        if plant.source == "web" and path.exists():
            self._take(path.read_bytes())

    def take(self, payload: bytes) -> bool:
        """Take a plant from the broker; return whether other meters are to be read now, or otherwise."""
        before, revision = self.plant, self.revision
        self._take(payload)
        if self.revision != revision:
            _keep(self._path, payload)
        return self.plant != before

    def _take(self, payload: bytes) -> None:
        try:
            self.plant, self.revision = _accept(payload, self.plant, self.revision or 0)
        except (PlantError, ContractError) as error:
            self.error = str(error)
            log.error("plant_refused", reason=error)
        else:
            self.error = ""


def _accept(payload: bytes, plant: Plant, revision: int) -> tuple[Plant, int]:
    """Return the plant with the meters that a payload tells, and its revision, no older than the one in force.

    Raises:
        PayloadError: it is none.
        PlantError: it is not asked for, empty or old, or a meter hangs on a bus, or is of a model, that there is not.
    """
    if plant.source == "file":
        raise PlantError("the meters come from the plant's file, as its `source` says")
    if not payload:
        raise PlantError("the plant is empty")
    desired = decode_plant(payload)
    if desired.revision < revision:
        raise PlantError(f"revision {desired.revision} is older than {revision}, which is in force")
    try:
        meters = msgspec.convert(msgspec.to_builtins(desired.meters), tuple[Meter, ...])
        return msgspec.structs.replace(plant, meter=meters), desired.revision
    except ValueError as error:
        raise PlantError(str(error)) from error


def _keep(path: Path, payload: bytes) -> None:
    """Write a file so that at any moment the old or the new one is there, whole."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:  # the broker retains it, too
        log.error("plant_not_kept", file=path, reason=error)
