"""In which type numbers are multiplied."""

from typing import Literal

import torch
from torch import Tensor

from patternscope.embeddings.checks import working_dtype

MatchPrecision = Literal["full", "bfloat16", "auto"]


def match_type(asked: MatchPrecision, features: Tensor) -> torch.dtype:
    """Return the type of the products that find matches.

    "auto" is bfloat16 where the processor multiplies it natively: a property of the machine and not a timing,
    so that a repeated run chooses alike.

    >>> match_type("full", torch.zeros(1)), match_type("bfloat16", torch.zeros(1))
    (torch.float32, torch.bfloat16)
    """
    if asked == "bfloat16" or (asked == "auto" and _multiplies_bfloat16(features.device)):
        return torch.bfloat16
    return working_dtype(features)


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for products in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))
