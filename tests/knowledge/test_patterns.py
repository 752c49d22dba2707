"""Clusters and patterns: planted ones are found, clouds and permuted targets have none, measures by second writings."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge.clustering import find_clusters, jaccard, principal_axes
from patternscope.knowledge.patterns import find_patterns, presence, unit_features


def halves_of(count: int, seed: int = 0, divisions: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).permuted(np.tile(np.arange(count) % 2, (divisions, 1)), axis=1)


def planted(count: int, centres: int, apart: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points about some centres on the axes of eight dimensions, and which of them each is about."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % centres
    return rng.normal(size=(count, 8)) + apart * np.eye(8)[label], label


@pytest.mark.parametrize("centres", [2, 3, 5])
def test_planted_clusters_are_found_and_stable(centres):
    points, label = planted(240, centres, 9.0)
    found = find_clusters(points, halves_of(240), most=6)
    assert found.count == centres
    assert jaccard(label, found.labels, centres) == pytest.approx(1.0)
    assert (found.stability > 0.95).all()
    assert found.within is not None
    assert found.within < 0.7


def test_clouds_without_clusters_are_one_pattern():
    for seed in range(3):
        rng, axes = np.random.default_rng(seed), np.array([3, 2, 1, 1, 1, 1])
        for cloud in (rng.normal(size=(160, 6)), rng.uniform(size=(160, 6))):
            assert find_clusters(cloud * axes, halves_of(160, seed), most=4, seed=seed).count == 1


def test_few_points_are_one_cluster_and_equal_points_too():
    points, _ = planted(30, 2, 9.0)
    assert find_clusters(points, halves_of(30), least=10).count == 1
    equal = find_clusters(np.ones((80, 3)), halves_of(80))
    assert (equal.count, equal.within) == (1, None)


def test_turned_and_moved_points_have_the_same_clusters():
    points, _ = planted(160, 3, 9.0)
    turned = points @ np.linalg.qr(np.random.default_rng(5).normal(size=(8, 8)))[0] + 7.0
    first, second = (find_clusters(each, halves_of(160), most=4) for each in (points, turned))
    assert jaccard(first.labels, second.labels, 3) == pytest.approx(1.0)
    assert np.square(principal_axes(points)).sum() == pytest.approx(np.square(points - points.mean(axis=0)).sum())


@settings(max_examples=40)
@given(st.integers(2, 4).flatmap(lambda p: st.tuples(st.just(p), *[st.lists(st.integers(0, p - 1), min_size=9,
       max_size=9)] * 2)))  # fmt: skip
def test_jaccard_has_the_partners_that_share_most(drawn):
    count, first, second = drawn[0], np.array(drawn[1]), np.array(drawn[2])
    members = [[set(np.flatnonzero(each == place)) for place in range(count)] for each in (first, second)]

    def shared(order):
        return sum(len(own & members[1][place]) for own, place in zip(members[0], order, strict=True))

    best = max(shared(order) for order in permutations(range(count)))
    found = jaccard(first, second, count)
    candidates = [
        [
            len(own & members[1][at]) / max(1, len(own | members[1][at]))
            for own, at in zip(members[0], order, strict=True)
        ]
        for order in permutations(range(count))
        if shared(order) == best
    ]
    assert any(found.tolist() == pytest.approx(each) for each in candidates)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"halves": np.zeros((1, 3), dtype=np.int64)}, "halves"),
        ({"points": np.full((40, 2), np.nan)}, "finite"),
        ({"most": 0}, "most"),
        ({"boxes": 1}, "boxes"),
        ({"halves": np.full((1, 40), 2)}, "halves"),
    ],
)
def test_wrong_arguments_are_named(change, said):
    given_arguments = {"points": np.zeros((40, 2)), "halves": halves_of(40), **change}
    with pytest.raises(InputError, match=said):
        find_clusters(**given_arguments)


# Six parts in twelve dimensions: class 0 has parts 0, 1 and 2, class 1 has 2 and 3; 4 and 5 are background.
PARTS = ((0, 1, 2), (2, 3), (4, 5), (4, 5), (4, 5))
IMAGES, REGIONS, CLASSES = 150, 6, 5


def parts_of_classes(seed: int = 0):
    """Features, reliable regions, labels and bits of images whose regions show the parts of their classes."""
    rng = np.random.default_rng(seed)
    labels = torch.arange(IMAGES) % CLASSES
    part = np.array([[rng.choice(PARTS[label] if place < 4 else (4, 5)) for place in range(REGIONS)]
                     for label in labels.tolist()])  # fmt: skip
    features = torch.from_numpy(np.eye(12)[part] + 0.05 * rng.normal(size=(IMAGES, REGIONS, 12))).float()
    reliable = torch.from_numpy(part < 4)
    return (
        torch.nn.functional.normalize(features, dim=-1),
        reliable,
        labels,
        reliable.float() + 0.5,
        torch.from_numpy(part),
    )


def halves() -> torch.Tensor:
    return torch.stack([torch.arange(IMAGES) // 5 % 2, torch.arange(IMAGES) // 10 % 2])


@pytest.fixture(scope="module")
def found():
    features, reliable, labels, bits, _ = parts_of_classes()
    return find_patterns(features, reliable, labels, bits, halves(), classes=CLASSES, most=4, resamples=100)


def test_the_parts_of_classes_are_their_patterns(found):
    *_, part = parts_of_classes()
    shown = [(pattern.label, part[pattern.samples, pattern.regions].unique().tolist()) for pattern in found]
    assert sorted(shown) == [(0, [0]), (0, [1]), (0, [2]), (1, [2]), (1, [3])]


def test_a_part_of_two_classes_is_shared_and_the_others_are_not(found):
    *_, part = parts_of_classes()
    for pattern in found:
        shown = int(part[pattern.samples[0], pattern.regions[0]])
        assert pattern.shared_with == ([1 - pattern.label] if shown == 2 else [])
        assert pattern.background < 0.05
        expected = 0.5 if shown == 2 else 1.0
        assert pattern.specific.value == pytest.approx(expected, abs=0.15)


def test_shares_are_of_the_bits_of_reliable_regions(found):
    _, reliable, labels, bits, _ = parts_of_classes()
    for label in (0, 1):
        own = [pattern for pattern in found if pattern.label == label]
        assert sum(pattern.share.value for pattern in own) == pytest.approx(1.0)
        whole = float((bits * reliable)[labels == label].sum())
        for pattern in own:
            part = sum(float(bits[place]) for place in zip(pattern.samples, pattern.regions, strict=True))
            assert pattern.share.value == pytest.approx(part / whole)
        assert [pattern.share.value for pattern in own] == sorted((p.share.value for p in own), reverse=True)


def test_what_is_like_a_pattern_is_counted_one_by_one(found):
    features, reliable, labels, _, _ = parts_of_classes()
    pattern = found[0]
    members = features[pattern.samples, pattern.regions].double()

    def near(own, all_of):
        distances = (own - own.mean(dim=0)).norm(dim=-1)
        reach = np.quantile(distances.square().numpy(), 0.9)
        return (all_of.double() - own.mean(dim=0)).norm(dim=-1).square() <= reach + 1e-6

    like = near(members, features)
    for label in (0, 1):
        chosen = labels == label
        expected = float((like & reliable)[chosen].sum() / reliable[chosen].sum())
        assert pattern.shared[label].value == pytest.approx(expected)
    half, unseen = halves()[0], torch.zeros_like(reliable)
    for side in (0, 1):
        other = half[pattern.samples] != side
        unseen[half == side] = near(members[other], features)[half == side]
    assert pattern.specific.value == pytest.approx(float(unseen[labels == pattern.label].sum() / unseen.sum()))


def test_members_are_ordered_by_how_typical_they_are(found):
    features, *_ = parts_of_classes()
    members = features[found[0].samples, found[0].regions]
    distance = (members - members.mean(dim=0)).norm(dim=-1)
    assert (distance.diff() > -1e-5).all()


def test_permuted_targets_have_no_pattern():
    features, reliable, labels, bits, _ = parts_of_classes()
    for seed in range(3):
        mixed = labels[torch.randperm(IMAGES, generator=torch.Generator().manual_seed(seed))]
        # Even if every region that was reliable of its own class stayed so.
        assert find_patterns(features, reliable, mixed, bits, halves(), classes=CLASSES, most=4, resamples=100) == []


def test_no_reliable_region_no_pattern():
    features, reliable, labels, bits, _ = parts_of_classes()
    assert find_patterns(features, reliable & False, labels, bits, halves(), classes=CLASSES) == []
    with pytest.raises(InputError, match="halves"):
        find_patterns(features, reliable, labels, bits, halves()[:, :5], classes=CLASSES)


def test_presence_is_counted_one_by_one():
    reliable = torch.rand(4, 5, 6, generator=torch.Generator().manual_seed(0)) > 0.5
    samples, regions = torch.tensor([0, 4, 2]), torch.tensor([5, 0, 3])
    for checkpoint, share in enumerate(presence(samples, regions, reliable).tolist()):
        counted = sum(bool(reliable[checkpoint, s, r]) for s, r in zip(samples, regions, strict=True))
        assert share == pytest.approx(counted / 3)


def test_unit_features_have_length_one_or_none():
    features = torch.rand(2, 3, 2, 2)
    features[0, :, 0, 0] = 0
    found = unit_features(features)
    assert found.shape == (2, 4, 3)
    assert torch.equal(found[0, 0], torch.zeros(3))
    assert found.norm(dim=-1).flatten()[1:].tolist() == pytest.approx([1.0] * 7)
    assert torch.allclose(found[1, 2] * features[1, :, 1, 0].norm(), features[1, :, 1, 0])
