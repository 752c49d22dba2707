"""What a study says does not depend on the unit of its features, to near the ends of float32."""

from functools import cache

import pytest
import torch
from easy_study import CLASSES, COLOURS, squares
from torch import nn

import patternscope as ps
from patternscope.embeddings.settings import SampleSettings
from patternscope.knowledge import channel_agreement
from patternscope.results.controls import ControlsResult
from patternscope.results.features import FeaturesResult
from patternscope.study.fitting import embed_as_judged, embed_by_all, fitted_sample, sample_start

QUICK = {"importance": {"n_step": 2}, "region": {"n_step": 5}, "knowledge": {"bootstrap": 10, "taus": [0.5]}}
LAYER = "layer"


class Times(nn.Module):
    def __init__(self, power: int) -> None:
        super().__init__()
        self.power = power

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ldexp(x, torch.tensor(self.power))


class InUnit(nn.Module):
    """A network with a layer of any magnitude, and the same logits always."""

    def __init__(self, power: int) -> None:
        super().__init__()
        early, self.end = nn.Conv2d(3, 8, 8, stride=8, bias=False), nn.Linear(8, 4, bias=False)
        colours = torch.from_numpy(COLOURS).float()
        colours -= colours.mean(dim=0)
        with torch.no_grad():
            early.weight.normal_(std=0.1, generator=torch.Generator().manual_seed(0))
            early.weight[:4] = (colours / colours.norm(dim=1, keepdim=True))[:, :, None, None] / 16
            self.end.weight.copy_(8 * torch.eye(4, 8))
        self.layer, self.back = nn.Sequential(early, nn.ReLU(), Times(power)), Times(-power)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.end(self.back(self.layer(x)).amax((2, 3)))


@cache
def analysed(power: int) -> ps.Study:
    images, labels = squares(24, 0)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    network = InUnit(power)
    return ps.analyze(network, pixels, torch.from_numpy(labels), [LAYER], classes=CLASSES, settings=QUICK, device="cpu")


def said(power: int) -> dict[str, torch.Tensor]:
    """What the stages of a study leave behind, and what it computes from their maps afterwards."""
    results = analysed(power).results
    features, sample, region = results.load(FeaturesResult), results.sample(), results.region(LAYER)
    told, known, weights = results.evidence(LAYER), results.knowledge(LAYER), results.importance(LAYER)
    chance = results.load(ControlsResult, layer=LAYER)
    regional = features.regional.read(LAYER)
    start = sample_start(SampleSettings(), features.sample_features, sample.embedding)
    return {
        "sample": sample.embedding,
        "again": fitted_sample(sample, 1000.0)(features.sample_features),
        "start": start / start.norm(),
        "weights": weights.region_weights,
        "channels": weights.channel_weights,
        "region": region.embedding,
        "judged": embed_as_judged(region, regional),
        "by all": embed_by_all(region, regional),
        "strength": torch.tensor(region.mean_strength),
        "bits": told.bits,
        "points": known.points.mask.float().mean(),
        "chance": torch.tensor(chance.permuted.evidence.value),
    }


@pytest.mark.parametrize("power", [-123, 126])
def test_a_study_does_not_depend_on_the_unit_of_its_features(power):
    """Below 2^-123, 9e-38, small features lose their digits; features of 2^127 are 1.7e38, and the sum of two inf."""
    usual, found = said(0), said(power)
    assert usual["bits"].mean() > 0.02
    for name, value in found.items():
        slack = {"rtol": 1e-2, "atol": 1e-2 if name in {"points", "bits"} else 2e-3}
        torch.testing.assert_close(value, usual[name], msg=lambda text, name=name: f"{name}: {text}", **slack)


def test_channels_are_compared_in_any_unit():
    first = torch.rand(20, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    second = first + 0.5 * torch.rand(20, 3, 2, 2, generator=torch.Generator().manual_seed(1))
    for factor in (1e-30, 1e30):
        assert channel_agreement(first * factor, second) == pytest.approx(channel_agreement(first, second), abs=1e-6)
