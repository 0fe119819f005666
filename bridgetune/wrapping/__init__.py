"""Any decision-map network behind the protocol: the adapter, the probe that configures it, the pre-flight."""

from bridgetune.wrapping.adapter import Adapter, InputDomain
from bridgetune.wrapping.preflight import check_orientation, has_batch_norm, preflight
from bridgetune.wrapping.probing import Findings, Reading, probe
from bridgetune.wrapping.twins import PairTwin, pair_twin
from bridgetune.wrapping.wrapper import wrap

__all__ = [
    "Adapter",
    "Findings",
    "InputDomain",
    "PairTwin",
    "Reading",
    "check_orientation",
    "has_batch_norm",
    "pair_twin",
    "preflight",
    "probe",
    "wrap",
]
