"""`patternscope run` with images of every source, and what makes it read them again."""

from pathlib import Path

import invented_sets as sets
import pytest

from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.results.json_csv import read_json
from patternscope.settings.study import load_settings
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
