"""Projections and their measures: known answers, symmetries, and that a fit has a place for other samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evidence.projections.methods import PROJECTIONS, is_random, project
from evidence.projections.quality import neighbour_decisions, orientation_decisions, projection_quality
from patternscope.errors import InputError

pytest.importorskip("sklearn")
CHEAP = ("radial", "raw", "drpr", "pca", "lle", "isomap")


def classes_on_rays(seed=0, n=60, d=8, c=3):
    """Features that lie the farther along their class's direction the surer the network is."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % c
    strength = 0.2 + 3 * torch.rand(n, 1, generator=generator, dtype=torch.float64)
    features = strength * torch.eye(d, dtype=torch.float64)[labels]
    features += 0.05 * torch.randn(n, d, generator=generator, dtype=torch.float64)
    logits = 2 * features[:, :c]
    return features, logits, torch.softmax(logits, dim=1)


@pytest.mark.parametrize("name", CHEAP)
def test_every_projection_gives_finite_measures_on_seen_and_on_other_samples(name):
    features, logits, probs = classes_on_rays()
    other, other_logits, other_probs = classes_on_rays(seed=1)
    before = features.clone()
    projection = project(name, features, probs, seed=3)
    assert projection.embedding.shape == (60, 8 if name == "raw" else 3)
    for found in (
        projection_quality(projection, features, logits, probs),
        projection_quality(projection, other, other_logits, other_probs, fitted_logits=logits),
    ):
        assert all(value is not None and np.isfinite(value) for value in found.values())
        assert 0 <= found["agreement"] <= 1
        assert found["correlation"] < -0.5 or name in {"lle", "isomap", "drpr", "pca"}
    assert torch.equal(features, before)


def test_transform_puts_fitted_samples_where_they_are():
    features, _, probs = classes_on_rays()
    for name in ("radial", "raw", "drpr", "pca"):
        projection = project(name, features, probs)
        assert projection.transform is not None
        assert torch.allclose(projection.transform(features), projection.embedding, atol=1e-8)


def test_the_sample_embedding_reads_rays_of_classes_best():
    features, logits, probs = classes_on_rays()
    found = {name: projection_quality(project(name, features, probs), features, logits, probs) for name in CHEAP}
    assert found["radial"]["agreement"] > 0.95
    assert found["radial"]["correlation"] < -0.9
    assert found["raw"]["trustworthiness"] == 1.0
    assert found["radial"]["sure_agreement"] == 1.0
    for measures in found.values():
        assert measures["sure_agreement"] >= measures["agreement"]


def test_one_reader_for_all_is_the_only_reader_of_those_without_a_posterior():
    features, logits, probs = classes_on_rays(seed=4)
    found = {name: projection_quality(project(name, features, probs), features, logits, probs) for name in CHEAP}
    for name in ("raw", "pca", "lle", "isomap"):
        assert found[name]["discriminant_agreement"] == found[name]["agreement"]
    # A projection that throws the class away is read at chance, whatever its own posterior says.
    blind = replace(project("radial", features, probs), embedding=torch.randn(60, 3).double(), transform=None)
    knowing = replace(blind, posterior=lambda _: logits)
    measures = projection_quality(knowing, features, logits, probs)
    assert measures["agreement"] == 1.0
    assert measures["discriminant_agreement"] < 0.7


def test_seeds_change_what_is_random_and_nothing_else():
    features, _, probs = classes_on_rays()
    for name in ("radial", "pca", "lle", "isomap", "raw", "drpr"):
        one, other = (project(name, features, probs, seed=seed).embedding for seed in (0, 1))
        assert torch.allclose(one, other, atol=1e-6) != is_random(name)


@given(st.integers(0, 200), st.integers(1, 6), st.booleans())
def test_neighbours_vote(seed, neighbours, own):
    generator = np.random.default_rng(seed)
    fitted, decided = generator.normal(size=(9, 2)), generator.integers(0, 3, 9)
    places = fitted if own else generator.normal(size=(5, 2))
    expected = []
    for i, place in enumerate(places):
        order = sorted((np.hypot(*(place - other)), j) for j, other in enumerate(fitted) if not (own and i == j))
        votes = [sum(decided[j] == c for _, j in order[:neighbours]) for c in range(3)]
        expected.append(votes.index(max(votes)))
    found = neighbour_decisions(
        torch.from_numpy(places), torch.from_numpy(fitted), torch.from_numpy(decided), own=own, neighbours=neighbours
    )
    assert found.tolist() == expected


@given(st.integers(0, 200), st.floats(0.1, 10))
def test_orientation_decides_whatever_the_strength(seed, factor):
    generator = np.random.default_rng(seed)
    fitted, decided = generator.normal(size=(12, 3)), generator.integers(0, 3, 12)
    unit = [place / np.linalg.norm(place) for place in fitted]
    sums = [sum((o for o, c in zip(unit, decided, strict=True) if c == each), np.zeros(3)) for each in range(4)]
    cosines = [[-2 if not s.any() else o @ s / np.linalg.norm(s) for s in sums] for o in unit]
    found = orientation_decisions(
        factor * torch.from_numpy(fitted), torch.from_numpy(fitted), torch.from_numpy(decided), classes=4
    )
    assert found.tolist() == [row.index(max(row)) for row in cosines]


def test_what_cannot_be_is_said_in_a_line():
    features, logits, probs = classes_on_rays(n=45)
    with pytest.raises(InputError, match=r"'pac' is unknown; did you mean 'pca'"):
        project("pac", features, probs)
    tsne = project("tsne", features, probs)
    with pytest.raises(InputError, match="has no transform"):
        projection_quality(tsne, features, logits, probs, fitted_logits=logits)
    assert set(PROJECTIONS) >= {"radial", "raw", "pca", "tsne", "lle", "isomap", "umap", "drpr"}
