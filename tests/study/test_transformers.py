"""Transformers studied end to end on pictograms: tokens with a class token, and channels last."""

import pytest

from patternscope.results.json_csv import read_json
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_analysis

SMALL = {
    "vit": ("timm:vit_tiny_patch16_224", {"patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2}, "blocks"),
    "swin": (
        "timm:swin_tiny_patch4_window7_224",
        {"patch_size": 4, "window_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [1, 2]},
        "layers",
    ),
}


@pytest.mark.parametrize("kind", SMALL)
def test_a_transformer_is_trained_recorded_and_analysed(kind, tmp_path):
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    architecture, arguments, stem = SMALL[kind]
    settings = StudySettings.model_validate(
        {
            "images": {"image_size": 32, "samples_per_class": 6, "train_per_class": 8, "test_per_class": 6},
            "network": {"architecture": architecture, "arguments": arguments, "layers": [f"{stem}.0", f"{stem}.1"]},
            "training": {"epochs": 1, "checkpoints": 1, "batch_size": 16},
        }
    )
    run_analysis(tmp_path / "study", settings, device="cpu")
    summary = read_json(tmp_path / "study" / "summary" / "summary.json")
    assert [row["layer"] for row in summary["layers"]] == [f"{stem}.0", f"{stem}.1"]
    assert all(row["images"] == 60 and row["total"] is not None for row in summary["layers"])
    features = read_json(tmp_path / "study" / "features" / "00" / "features.json")
    assert [each["grid"] for each in features["layers"]] == ([[4, 4]] * 2 if kind == "vit" else [[8, 8], [4, 4]])
