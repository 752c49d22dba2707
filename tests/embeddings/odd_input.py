"""Odd and extreme input for the stability laws of the three estimators."""

import torch

FEATURES = ["usual", "some zero", "zeros", "constant", "duplicates", "tiny", "huge", "signed", "one channel"]
PROBS = ["usual", "two classes", "one-hot", "uniform", "all alike"]
TYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
# Channels and grid: each reaches its end, not both at once.
SHAPES = [(3, (28, 28)), (3, (1, 1)), (17, (3, 2)), (48, (8, 8)), (200, (1, 7)), (2048, (1, 2)), (2048, (1, 1))]


def regional_features(kind: str, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    usual = torch.randn(shape, generator=generator).relu()
    return {
        "usual": usual,
        "some zero": usual * (torch.rand(shape[0], 1, *shape[2:], generator=generator) < 0.5),
        "zeros": torch.zeros(shape),
        "constant": torch.ones(shape),
        "duplicates": usual[:1].repeat(shape[0], 1, 1, 1),
        "tiny": usual * 1e-7,
        "huge": usual * 1e4,
        "signed": usual - 0.5,
        "one channel": torch.eye(shape[1])[0][:, None, None].expand(shape).contiguous(),
    }[kind]


def target_probs(kind: str, n: int, generator: torch.Generator) -> torch.Tensor:
    logits = torch.randn(n, 2 if kind == "two classes" else 5, generator=generator)
    return {
        "one-hot": torch.eye(5)[logits.argmax(1) % 5],
        "uniform": torch.full((n, 5), 0.2),
        "all alike": logits[:1].softmax(1).repeat(n, 1),
    }.get(kind, logits.softmax(1))
