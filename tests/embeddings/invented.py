"""Small invented features that behave like a network's, for the tests of the estimators."""

import torch
from torch import Tensor


def sample_data(seed: int = 0, n: int = 60, d: int = 12, c: int = 5, dtype=torch.float32) -> dict[str, Tensor]:
    """Features from which noisy logits are linear."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % c
    features = torch.randn(n, d, generator=generator).relu() + 3 * torch.eye(max(c, d))[labels, :d]
    logits = features @ torch.randn(d, c, generator=generator) / 2
    return {"target_probs": logits.softmax(1).to(dtype), "sample_features": features.to(dtype)}


def region_data(seed: int = 0, n: int = 24, k: int = 8, h: int = 3, w: int = 2, c: int = 3) -> dict[str, Tensor]:
    """Regional features of which one region an image shows its class, and all that the regional fit asks for."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % c
    features = torch.rand(n, k, h * w, generator=generator)
    place = torch.randint(h * w, (n,), generator=generator)
    features[torch.arange(n), labels % k, place] += 3
    probs = (3 * torch.eye(c)[labels] + torch.randn(n, c, generator=generator) / 2).softmax(1)
    directions = torch.nn.functional.normalize(torch.randn(c, 3, generator=generator), dim=1)
    return {
        "target_probs": probs,
        "regional_features": features.view(n, k, h, w),
        "sample_embs": 2 * probs @ directions,
        "w_k": torch.full((n, k), 1 / k),
        "w_r": torch.rand(n, h * w, generator=generator).softmax(1),
    }


def only(data: dict[str, Tensor], *names: str) -> dict[str, Tensor]:
    return {name: data[name] for name in names}


def importance_data(**shape: int) -> dict[str, Tensor]:
    return only(region_data(**shape), "target_probs", "regional_features")
