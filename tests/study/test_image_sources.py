"""`patternscope run` with images of every source, and what makes it read them again."""

from pathlib import Path

import invented_sets as sets
import numpy as np
import pytest
import torch

import patternscope as ps
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.figures.drawing.examples import rgb
from patternscope.networks import build_network
from patternscope.results.attack import AttackResult
from patternscope.results.json_csv import read_json
from patternscope.settings.study import StudySettings, load_settings
from patternscope.study.network_factory import study_network
from patternscope.study.run import run_analysis

FACTORY = """
import torch
from torch.utils.data import TensorDataset

def load(folder, train, level=200):
    count = 12 if train else 6
    images = torch.zeros(count, 3, 20, 20, dtype=torch.uint8)
    labels = torch.arange(count) % 3
    images[torch.arange(count), labels] = level
    return TensorDataset(images, labels)
"""


def factory(root: Path) -> Path:
    root.mkdir()
    (root.parent / "my_images.py").write_text(FACTORY)
    return root


STUDIES = {
    "tiny_imagenet": (sets.tiny_imagenet, 'source = "tiny_imagenet"\nclass_names = ["tabby", "orange"]', 2),
    "imagenet": (sets.imagenet, 'source = "imagenet"', 3),
    "cub": (sets.cub, 'source = "cub"\ncrop = true\nmargin = 0.2', 3),
    "coco": (sets.coco, 'source = "coco"\nsmallest_box = 20', 3),
    "cifar": (sets.cifar10, 'source = "cifar"', 3),
    "parquet": (sets.parquet, 'source = "parquet"\nlabel_column = "label"', 3),
    "torchvision": (sets.fashion_mnist, 'source = "torchvision:FashionMNIST"\nchannels = 1', 10),
    "factory": (factory, 'source = "my_images:load"\narguments = { level = 220 }', 3),
}


def study(folder: Path, kind: str, more: str = "") -> Path:
    """A study's file with the images of a source beside it."""
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    make, text, _ = STUDIES[kind]
    make(folder / "data")
    path = folder / "study.toml"
    path.write_text(
        f'[images]\nfolder = "data"\nimage_size = 32\nsamples_per_class = 2\n{text}\n{more}', encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("kind", STUDIES)
def test_run_reads_every_source(tmp_path, capsys, kind):
    path = study(tmp_path, kind)
    with pytest.raises(SystemExit) as end:
        main(["run", str(path), "--out", str(tmp_path / "out"), "--until", "images", "--device", "cpu"])
    assert (end.value.code or 0) == 0, capsys.readouterr().err
    record = read_json(tmp_path / "out/images/images.json")
    assert list(record["counts"].values()) == [2] * STUDIES[kind][2]
    assert record["has_masks"] == (kind == "coco")
    assert record["skipped"] == []
    settings = load_settings(path)
    assert settings.images.factory_folder == (tmp_path if kind == "factory" else None)
    assert run_analysis(tmp_path / "out", settings, until="images", device="cpu").done == []


def test_objects_of_coco_are_studied_to_the_share_of_points_on_them(tmp_path):
    more = (
        '[network]\nlayers = ["conv_53"]\n[training]\nepochs = 1\ncheckpoints = 1\n[importance]\nn_step = 2\n'
        "[region]\nn_step = 1\n[knowledge]\nbootstrap = 10\ntaus = [0.4]"
    )
    run_analysis(tmp_path / "out", load_settings(study(tmp_path, "coco", more)), device="cpu", until="summary")
    (layer,) = read_json(tmp_path / "out/summary/summary.json")["layers"]
    assert 0.2 < layer["object_area"] < 0.5  # half of a box, which is 1 / 1.2^2 of its square


def banded(channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, h, w, channels) whose classes differ in the last channel alone."""
    labels = np.arange(24) % 2
    images = np.random.default_rng(0).integers(0, 120, (24, 32, 32, channels), dtype=np.uint8)
    images[labels == 1, :, :, -1] += 120
    return images, labels


def test_four_channels_are_trained_on_analysed_attacked_and_shown(tmp_path):
    from patternscope.api.stages import pages_of

    images, labels = banded(4)
    np.savez(tmp_path / "bands.npz", images=images, labels=labels)
    (tmp_path / "study.toml").write_text(
        '[images]\nsource = "arrays"\nfolder = "bands.npz"\nimage_size = 32\nchannels = 4\n'
        '[network]\nlayers = ["conv_53"]\n[training]\nepochs = 4\ncheckpoints = 1\n[importance]\nn_step = 1\n'
        "[region]\nn_step = 1\n[knowledge]\nbootstrap = 10\ntaus = [0.6]\n[attack]\nn_step = 2\n"
        "[faithfulness]\nimages_per_class = 2\nsteps = 2\n[controls]\nenabled = false"
    )
    settings = load_settings(tmp_path / "study.toml")
    run_analysis(tmp_path / "out", settings, pages_of, until="atlas", device="cpu")
    assert (tmp_path / "out/atlas/atlas.html").stat().st_size > 10_000
    study = ps.open_study(tmp_path / "out")
    assert study.results.images.images.shape[1:] == (4, 32, 32)
    assert study.results.load(AttackResult).images.shape[1] == 4
    shown = rgb(study.results.images.images.numpy())
    assert np.array_equal(shown, study.results.images.images.numpy()[:, :3].transpose(0, 2, 3, 1))
    study.plot.knowledge_points()


def test_two_channels_are_analysed_in_memory():
    images, labels = banded(2)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    network = build_network("vgg16_slim", classes=2, channels=2, image_size=32, seed=0)
    quick = {"importance": {"n_step": 1}, "region": {"n_step": 1}, "knowledge": {"bootstrap": 10, "taus": [0.6]}}
    settings = {**quick, "controls": {"enabled": False}}
    study = ps.analyze(network, pixels, torch.from_numpy(labels), ["conv_53"], settings=settings, device="cpu")
    study.plot.knowledge_points()
    assert rgb(images.transpose(0, 3, 1, 2)).shape == (24, 32, 32, 3)


def test_published_normalisers_of_other_channels_are_one_line():
    network = StudySettings.model_validate({"network": {"mean": [0.5, 0.5, 0.5]}, "images": {"channels": 4}})
    with pytest.raises(InputError, match=r"network.mean, std: expected 1 or 4 numbers for as many channels, got 3"):
        study_network(network.network, network.images, 2, 0)


def test_a_changed_factory_is_called_again(tmp_path):
    settings = load_settings(study(tmp_path, "factory"))
    run_analysis(tmp_path / "out", settings, until="images", device="cpu")
    (tmp_path / "my_images.py").write_text(FACTORY.replace("12 if train", "15 if train"))
    assert len(run_analysis(tmp_path / "out", settings, until="images", device="cpu").done) == 1
    assert read_json(tmp_path / "out/images/images.json")["train"] == 15


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('source = "tiny-imagenet"', "did you mean 'tiny_imagenet'?"),
        ('source = "cub"', "images: source 'cub': expected a folder, got none"),
        ('source = "folder"\nfolder = "."\ncrop = true', "images: crop: expected source 'cub', got 'folder'"),
        (
            'source = "coco"\nfolder = "."\nmargin = -1',
            "images.margin: expected a number greater than or equal to 0, got -1",
        ),
        ('source = "imagenet"\nfolder = "."\npreset = "papr"', "did you mean 'paper'"),
    ],
)
def test_mistakes_in_the_settings_are_one_line(tmp_path, text, said):
    (tmp_path / "train").mkdir()
    (tmp_path / "study.toml").write_text(f"[images]\n{text}")
    with pytest.raises(InputError) as caught:
        run_analysis(tmp_path / "out", load_settings(tmp_path / "study.toml"), device="cpu", until="images")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_source_is_told_which(tmp_path):
    sets.tiny_imagenet(tmp_path / "data", train=2, val=1)
    (tmp_path / "study.toml").write_text('[images]\nfolder = "data"')
    with pytest.raises(InputError, match='looks like Tiny ImageNet: set source = "tiny_imagenet"'):
        load_settings(tmp_path / "study.toml")
