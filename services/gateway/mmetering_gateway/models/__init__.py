"""The models of meter that the gateway knows, one file for each family. Pure."""

from mmetering_gateway.models.sdm72 import SDM72D_M, SDM72D_M_V2
from mmetering_gateway.models.sdm630 import SDM630, SDM630_V1, SDM630MCT
from mmetering_gateway.models.single_phase import SDM120, SDM220, SDM230, SDM230_2T

MODELS = {
    model.name: model
    for model in (SDM630, SDM630_V1, SDM630MCT, SDM72D_M, SDM72D_M_V2, SDM120, SDM220, SDM230, SDM230_2T)
}
