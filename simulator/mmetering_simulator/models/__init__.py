"""The models that can be simulated, written down from their manuals.

On purpose not the gateway's tables: two tables written down apart from the same manual catch each other's slips.
"""

from mmetering_simulator.models.model import Model
from mmetering_simulator.models.sdm72 import SDM72D_M, SDM72D_M_V2
from mmetering_simulator.models.sdm630 import SDM630, SDM630_V1, SDM630MCT
from mmetering_simulator.models.single_phase import SDM120, SDM220, SDM230

__all__ = ["MODELS", "Model"]

MODELS: dict[str, Model] = {
    model.name: model for model in (SDM630, SDM630_V1, SDM630MCT, SDM72D_M, SDM72D_M_V2, SDM120, SDM220, SDM230)
}
