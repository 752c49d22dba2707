"""Results do not depend on the unit of features; where squares would be lost, that is an error."""

import pytest
import torch

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.errors import InputError
from patternscope.knowledge import probe_evidence

N, K, SIDE, CLASSES = 12, 6, 2, 3
LABELS = torch.arange(N) % CLASSES


def features() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(CLASSES, K, generator=generator)
    return centres[LABELS][:, :, None, None] + 0.2 * torch.rand(N, K, SIDE, SIDE, generator=generator)


def found(scale: float) -> list[torch.Tensor]:
    regional = features() * scale
    probs = 0.1 + 0.7 * torch.eye(CLASSES)[LABELS]
    sample = SampleEmbedding(K).fit({"target_probs": probs, "sample_features": regional.mean((2, 3))})
    weight = ImportanceWeight(*regional.shape).estimate({"target_probs": probs, "regional_features": regional})
    region = RegionEmbedding(K).fit(
        {
            "target_probs": probs,
            "regional_features": regional,
            "mean_directions": sample.mean_directions,
            "sample_embs": sample.embedding,
            "w_r": weight.region_weights,
            "w_k": weight.channel_weights,
        },
        {"objective": "likelihood"},
    )
    told = probe_evidence(regional, LABELS, LABELS.new_zeros(N) + torch.arange(N) // CLASSES % 2, classes=CLASSES)
    return [sample.embedding, weight.region_weights, region(regional), told.per_region.float()]


@pytest.mark.parametrize("scale", [1e-13, 1e13])
def test_any_usual_unit_gives_the_same(scale):
    for one, other in zip(found(1.0), found(scale), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=2e-3)  # of least squares in float32


@pytest.mark.parametrize("scale", [1e-30, 1e-25, 1e19, 1e25])
def test_what_has_no_square_is_one_line(scale):
    with pytest.raises(InputError, match="expected a largest magnitude between 1e-15 and 1e\\+15, or all zeros, got"):
        found(scale)
    with pytest.raises(InputError, match="regional_features: expected a largest magnitude"):
        probe_evidence(features() * scale, LABELS, torch.arange(N) // CLASSES % 2, classes=CLASSES)
