"""The dtype of the products that find matches."""

import torch
from torch import Tensor

from patternscope.embeddings.settings import MatchPrecision
from patternscope.radial.checks import working_dtype


def match_type(precision: MatchPrecision, features: Tensor) -> torch.dtype:
    """Return the dtype of the products that find matches.

    "auto" is bfloat16 if the processor multiplies it natively: a property of the machine, not a timing, so that a
    repeated run makes the same choice.

    >>> match_type("full", torch.zeros(1)), match_type("bfloat16", torch.zeros(1))
    (torch.float32, torch.bfloat16)
    """
    if precision == "bfloat16" or (precision == "auto" and _multiplies_bfloat16(features.device)):
        return torch.bfloat16
    return working_dtype(features)


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether a device has instructions for products in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
