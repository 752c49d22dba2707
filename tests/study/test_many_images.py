"""Studies of many images: maps are fitted to a part of them, all are judged, block by block."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from easy_study import copy_without_attack, easy_settings

from patternscope.atlas.reading import read_content
from patternscope.embeddings.settings import ImportanceSettings, RegionSettings
from patternscope.knowledge.calibration import class_shares, fold_temperatures
from patternscope.radial import log_posterior
from patternscope.report.parts.trust import fitted_images
from patternscope.results import features as feature_files
from patternscope.results.features import RegionalFeatures, read_blocks
from patternscope.results.study import StoredResults, open_results
from patternscope.results.summary import SummaryResult
from patternscope.settings.core import KnowledgeSettings
from patternscope.study.fitted_part import FittedPart
from patternscope.study.fitting import divide_images
from patternscope.study.run import run_analysis
from patternscope.study.stages import importance
from patternscope.study.stages.evidence import measure_evidence
from patternscope.study.stages.images import describe_images
from patternscope.study.stages.region import embed_regions

N, K, SIDE, C, E = 60, 5, 2, 3, 3
SETTINGS = RegionSettings(n_step=4, splits=2)


class Invented:
    """Features whose classes are channels, and a frame of the classes."""

    def __init__(self, fitted: int | None = 24) -> None:
        generator = torch.Generator().manual_seed(1)
        self.labels = torch.arange(N) % C
        self.features = torch.rand(N, K, SIDE, SIDE, generator=generator)
        self.features[torch.arange(N), self.labels] += torch.rand(N, SIDE, SIDE, generator=generator)
        self.probs = torch.softmax(3 * self.features.mean(dim=(2, 3))[:, :C], dim=1)
        pixels = torch.randint(0, 256, (N, 3, 4, 4), dtype=torch.uint8, generator=generator)
        names = [str(place) for place in range(N)]
        self.images = describe_images(pixels, self.labels, "abc", names, source="invented", fit_samples=fitted)
        self.sample = Frame(torch.randn(N, E, generator=generator), torch.eye(C, E))

    def fit(self, features=None, images=None):
        return embed_regions(
            SETTINGS,
            "calibrated",
            self.features if features is None else features,
            self.probs,
            self.sample,
            None,
            self.images if images is None else images,
            0,
        )

    def measure(self, region, features=None):
        knowledge = KnowledgeSettings(bootstrap=20, tau=0.5)
        regional = self.features if features is None else features
        return measure_evidence(knowledge, self.images, self.sample.mean_directions, region, regional, 1.0, 1000.0, 0)


class AllFitted(StoredResults):
    """The same study, read as if maps were fitted to all images."""

    @property
    def images(self):
        return super().images.with_values(fitted=None)


class Frame:
    def __init__(self, embedding, mean_directions):
        self.embedding, self.mean_directions = embedding, mean_directions


@pytest.fixture(scope="module")
def invented() -> Invented:
    return Invented()


@pytest.fixture(scope="module")
def region(invented):
    return invented.fit()


def test_maps_are_those_of_a_study_of_the_part_alone(invented, region):
    part = FittedPart.among(invented.images)
    alone = embed_regions(
        SETTINGS,
        "calibrated",
        invented.features[part.rows],
        invented.probs[part.rows],
        part.frame(invented.sample),
        None,
        part.images(invented.images),
        0,
    )
    assert len(part.rows) == 24
    for name in ("map", "fold_maps"):
        torch.testing.assert_close(getattr(region, name), getattr(alone, name))
    assert torch.equal(region.unseen[:, part.rows], alone.unseen)
    torch.testing.assert_close(region.embedding[part.rows], alone.embedding)


def test_folds_hold_as_many_of_the_part_and_of_the_rest(invented, region):
    rows = invented.images.fitted_rows
    for fold in divide_images(SETTINGS, invented.images, 0):
        assert fold[rows].bincount().tolist() == [12, 12]
        assert (fold.bincount() - N // 2).abs().max() <= 1


def test_every_image_is_judged_by_what_lacks_its_fold(invented, region):
    """Image by image: the map of the other fold, at the temperatures of fitted images of the other fold."""
    told, rows, mu = invented.measure(region), invented.images.fitted_rows, invented.sample.mean_directions
    folds = region.unseen[0]
    h = torch.stack([(region.fold_maps[folds[i]] @ invented.features[i].flatten(1)).T / region.scale for i in range(N)])
    scores, strength = log_posterior(h, mu, 1000.0), torch.linalg.vector_norm(h, dim=-1)
    known = fold_temperatures(scores[rows], strength[rows], invented.labels[rows], folds[rows])
    temperature = known.rows(folds).of(strength)
    shares = class_shares(invented.labels, C)
    p = torch.softmax(shares.log() + scores.double() / temperature[..., None], dim=-1)
    own = p[torch.arange(N)[:, None], torch.arange(SIDE**2), invented.labels[:, None]]
    torch.testing.assert_close(
        told.bits.double(), (own / shares[invented.labels][:, None]).log2(), atol=1e-4, rtol=1e-4
    )
    torch.testing.assert_close(told.temperature, known.rows(folds).weak)
    assert told.evidence.value == pytest.approx(float(told.bits.double().mean()), abs=1e-6)
    assert told.refit_category.shape == (4, N, SIDE**2)


def test_an_image_outside_changes_nothing_but_itself(invented, region):
    outside = next(place for place in range(N) if place not in invented.images.fitted_rows)
    changed = invented.features.clone()
    changed[outside] = changed[outside].flip(0) * 3
    again = invented.fit(changed)
    assert torch.equal(again.fold_maps, region.fold_maps)
    before, after = invented.measure(region), invented.measure(again, changed)
    others = torch.arange(N) != outside
    assert torch.equal(before.bits[others], after.bits[others])
    assert not torch.equal(before.bits[outside], after.bits[outside])
    assert torch.equal(before.temperature, after.temperature)


def test_blocks_from_the_disk_are_the_whole(invented, region, tmp_path, monkeypatch):
    whole = invented.measure(region)
    writer = RegionalFeatures(tmp_path).writer("top")
    writer.shard_bytes = 7 * K * SIDE**2 * 4
    writer.append(invented.features)
    writer.close()
    stored = RegionalFeatures(tmp_path).open("top")
    monkeypatch.setattr(feature_files, "_BLOCK_NUMBERS", 11 * K * SIDE**2)
    assert len(list(read_blocks(stored, "cpu"))) == 6
    fitted = invented.fit(stored)
    torch.testing.assert_close(fitted.embedding, region.embedding)
    told = invented.measure(fitted, stored)
    torch.testing.assert_close(told.bits, whole.bits, atol=1e-5, rtol=1e-5)
    assert told.reliability == pytest.approx(whole.reliability, abs=1e-6)
    assert told.paper.total.value == whole.paper.total.value
    for mine, other in ((told.evidence, whole.evidence), (told.readable, whole.readable)):
        assert (mine.value, mine.low, mine.high) == pytest.approx((other.value, other.low, other.high), abs=1e-5)


@pytest.mark.parametrize("solver", ["separate", "joint"])
def test_importance_in_blocks_is_that_of_all_at_once(invented, monkeypatch, solver):
    asked = ImportanceSettings(kl_sample_num=8, n_step=3, solver=solver)
    whole = importance.weigh_regions(asked, invented.features, invented.probs, invented.images, 0)
    monkeypatch.setattr(importance, "_AT_ONCE", 0)
    monkeypatch.setattr(feature_files, "_BLOCK_NUMBERS", 100)
    blocks = importance.weigh_regions(asked, invented.features, invented.probs, invented.images, 0)
    torch.testing.assert_close(blocks.region_weights, whole.region_weights)
    torch.testing.assert_close(blocks.channel_weights, whole.channel_weights)


def test_all_images_are_fitted_to_where_they_are_few():
    assert Invented(fitted=N).images.fitted is None
    assert Invented(fitted=None).images.fitted is None


@pytest.fixture(scope="module")
def study(attacked_study, tmp_path_factory) -> Path:
    """The study of squares with maps of half of its images, all else as it was."""
    folder = copy_without_attack(attacked_study, tmp_path_factory.mktemp("many") / "study")
    asked = easy_settings(attacked_study.parent, attack={"enabled": False}, images={"fit_samples": 12})
    summary = run_analysis(folder, asked, device="cpu")
    stages = {unit.stage for unit in summary.done}
    # Nothing is recorded again, and importance weights are of each image alone.
    assert {"images", "sample", "region", "evidence"} <= stages
    assert not {"training", "features", "importance"} & stages
    return folder


def test_it_says_so(study):
    results = open_results(study)
    images = results.images
    assert images.labels[images.fitted_rows].bincount().tolist() == [3, 3, 3, 3]
    assert all(row.fitted == 12 and row.images == 24 for row in results.load(SummaryResult).layers)
    assert "12 of the 24 images" in fitted_images(images)[0]
    assert not fitted_images(images.with_values(fitted=None))


def test_the_atlas_draws_the_part_and_counts_all(study):
    results = open_results(study)
    content = read_content(results, architecture="small", resamples=10)
    everything = read_content(
        AllFitted(results.folders, results.seed, results.files, results.store), architecture="small", resamples=10
    )
    rows = results.images.fitted_rows.numpy()
    assert content.omitted[-1].startswith("The atlas draws the 12 of 24 images")
    assert len(content.image_names) == 12
    for name, layer in content.conditions[0].layers.items():
        other = everything.conditions[0].layers[name]
        for field in ("counts", "emerged", "evidence"):
            np.testing.assert_array_equal(getattr(layer, field), getattr(other, field))
        mine, theirs = layer.regions(1), other.regions(1)
        for field in ("position", "mask", "bits", "importance"):
            np.testing.assert_array_equal(getattr(mine, field), getattr(theirs, field)[rows])
        assert len(mine.temperatures.weak) == 12


def test_a_study_from_before_has_the_keys_that_it_had(attacked_study, tmp_path):
    folder = Path(shutil.copytree(attacked_study, tmp_path / "study"))
    assert not run_analysis(folder, easy_settings(attacked_study.parent), device="cpu").done
    assert not (folder / "images" / "fitted").exists()
