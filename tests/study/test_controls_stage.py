"""What a layer has by chance, as a stage: a naive second writing, that nothing is found, what runs again, and costs."""

from pathlib import Path

import pytest

from patternscope.networks import load_weights, recompute_batch_statistics, record
from patternscope.results.controls import ControlsResult
from patternscope.results.features import FeaturesResult
from patternscope.results.json_csv import read_json
from patternscope.results.study import open_results
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.network_factory import study_network
from patternscope.study.run import resolved_settings, saved_settings
from patternscope.study.stages import study_stages
from patternscope.study.stages.controls import measure_controls
from patternscope.workflow.cache_keys import resampling_seed

LAYERS = ("conv_33", "conv_53")


@pytest.fixture(scope="module")
def chance(attacked_study) -> dict[str, ControlsResult]:
    results = open_results(attacked_study)
    return {layer: results.load(ControlsResult, layer=layer) for layer in LAYERS}


@pytest.mark.parametrize("layer", LAYERS)
def test_it_is_what_the_layer_itself_is_measured_by(attacked_study, chance, layer):
    """With targets in their own order and the layer's own features it is the layer's evidence and counts."""
    settings, _ = saved_settings(attacked_study)
    results = open_results(attacked_study)
    settings = resolved_settings(settings, len(results.classes))
    features = results.load(FeaturesResult)
    regional, sample = features.regional.read(layer), results.sample()
    seed = resampling_seed(settings.seed)
    again = measure_controls(
        settings, results.images, features.target_probs, sample, regional, regional, "re-initialised", seed
    )
    assert again.permuted == chance[layer].permuted
    own, told = results.knowledge(layer), results.evidence(layer)
    assert again.untrained.evidence.value == pytest.approx(told.evidence.value, rel=1e-6)
    # The intervals too: all units resample the images alike.
    assert again.untrained.counts == own.counts
    assert again.untrained.paper == told.paper


def test_the_untrained_network_is_that_of_step_0_with_statistics_of_the_images(attacked_study, chance):
    settings, _ = saved_settings(attacked_study)
    results = open_results(attacked_study)
    settings = resolved_settings(settings, len(results.classes))
    first = study_network(settings.network, settings.images, 4, seed=0)
    load_weights(first, attacked_study / "training/00/network.safetensors")
    recorded = record(recompute_batch_statistics(first, results.images.images), results.images.images, LAYERS)
    features, layer = results.load(FeaturesResult), "conv_53"
    again = measure_controls(
        settings,
        results.images,
        features.target_probs,
        results.sample(),
        features.regional.read(layer),
        recorded.regional_features[layer],
        "first checkpoint",
        resampling_seed(settings.seed),
    )
    assert chance[layer].untrained_from == "first checkpoint"
    assert again.untrained == chance[layer].untrained


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_known_of_other_images_targets(chance, layer):
    told = chance[layer].permuted.evidence
    widest = max(told.high - told.value, told.value - told.low)
    assert abs(told.value) <= 0.01 + widest
    assert chance[layer].permuted.counts.total.value < chance[layer].permuted.paper.total.value
    assert max(each.permuted.paper.total.value for each in chance.values()) > 1


def test_on_unless_it_says_otherwise(attacked_study):
    assert StudySettings().controls.enabled
    off = make_settings({"controls": {"enabled": False}}, "study.toml", Path())
    assert [stage.name for stage in study_stages(StudySettings()) if stage not in study_stages(off)] == ["controls"]
    for layer in LAYERS:
        written = read_json(attacked_study / f"controls/{layer}/controls.json")
        assert {name for name in written if not name.endswith(("_low", "_high"))} == {
            "permuted",
            "untrained",
            "untrained_from",
        }
