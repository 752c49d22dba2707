"""Features in a few bytes: which regions are near by them."""

import numpy as np
import torch

from patternscope.atlas.feature_codes import DIMENSIONS, FeatureCodes


def features_of(channels: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    weights = 0.8 ** torch.arange(channels)[:, None, None]
    return weights * torch.randn(20, channels, 3, 4, generator=generator)


def distances(rows: np.ndarray) -> np.ndarray:
    flat = rows.reshape(-1, rows.shape[-1]).astype(float)
    return np.linalg.norm(flat[:, None] - flat[None], axis=2)


def naive_unit(features: torch.Tensor) -> np.ndarray:
    rows = [features[n, :, y, x] for n in range(20) for y in range(3) for x in range(4)]
    return np.stack([(row / row.norm()).numpy() for row in rows])


def test_distances_of_few_channels_are_those_of_unit_features():
    features = features_of(9)
    codes = FeatureCodes.of(features)
    assert codes.values.shape == (20, 12, 9)
    assert codes.values.dtype == np.uint8
    assert codes.share == 1.0
    found, wanted = distances(codes.values), distances(naive_unit(features))
    factor = (found * wanted).sum() / (wanted * wanted).sum()
    # Each of nine coordinates is off by half an integer at most.
    assert np.abs(found - factor * wanted).max() <= 3.0


def test_of_many_channels_the_axes_of_most_variance_are_kept():
    features = features_of(40)
    codes = FeatureCodes.of(features)
    assert codes.values.shape[-1] == DIMENSIONS
    unit = naive_unit(features)
    variances = np.linalg.svd(unit - unit.mean(axis=0), compute_uv=False) ** 2
    assert abs(codes.share - variances[:DIMENSIONS].sum() / variances.sum()) < 1e-5
    assert 0.9 < codes.share < 1


def test_length_does_not_count_and_features_without_any_are_no_error():
    features = features_of(9)
    scale = 0.5 + torch.rand(20, 1, 3, 4, generator=torch.Generator().manual_seed(1))
    one, other = FeatureCodes.of(features).values, FeatureCodes.of(scale * features).values
    assert np.abs(distances(one) - distances(other)).max() <= 1.5
    nothing = FeatureCodes.of(torch.zeros(2, 3, 2, 2))
    assert (nothing.values == 128).all()
    assert nothing.share == 0
    given = features.clone()
    FeatureCodes.of(given)
    assert torch.equal(given, features)
