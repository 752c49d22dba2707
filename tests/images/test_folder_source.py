"""Class folders of picture files, as people have them."""

import numpy as np
import pytest
import torch
from PIL import Image

from patternscope.errors import InputError
from patternscope.images import fingerprint, open_images
from patternscope.images.readers.decoding import PixelFormat, fit_mask, load_picture, to_tensor


def decode(path, size, channels):
    return to_tensor(load_picture(path), PixelFormat(size, channels))


def save(path, *, size=(24, 20), colour=(200, 100, 50), mode="RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path, **options)


def class_folders(root, classes=("cat", "dog"), count=5):
    for name in classes:
        for i in range(count):
            save(root / name / f"{i}.png", colour=(40 * i, 10, 200))
    return root


def opened(root, **options):
    return open_images("folder", folder=root, image_size=16, **options)


def test_class_folders_are_split_by_seed(tmp_path):
    root = class_folders(tmp_path, count=10)
    train, test = opened(root)
    assert train.classes == test.classes == ("cat", "dog")
    assert torch.bincount(train.labels).tolist() == [8, 8]
    assert torch.bincount(test.labels).tolist() == [2, 2]
    assert not set(train.names) & set(test.names)
    assert opened(root).test.names == test.names
    assert opened(root, seed=5).test.names != test.names
    image, label = train[0]
    assert (image.dtype, tuple(image.shape), label) == (torch.uint8, (3, 16, 16), 0)
    assert train.mask(0) is None


@pytest.mark.parametrize(
    ("first", "second"), [("train", "val"), ("Train", "TEST"), ("training", "Validation"), ("TRAIN", "valid")]
)
def test_split_folders_of_any_case(tmp_path, first, second):
    class_folders(tmp_path / first)
    class_folders(tmp_path / second, count=1)
    train, test = opened(tmp_path)
    assert (len(train), len(test)) == (10, 2)
    assert test.names[0] == f"{second}/cat/0.png"


def test_test_comes_before_val_and_unlabelled_pictures_are_no_test(tmp_path):
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "val", count=2)
    class_folders(tmp_path / "test", count=3)
    assert len(opened(tmp_path).test) == 6
    other = tmp_path / "other"
    class_folders(other / "train")
    save(other / "test" / "images" / "0.png")
    assert len(opened(other).test) == 2


def test_a_held_out_class_that_is_not_trained_on_is_refused(tmp_path):
    class_folders(tmp_path / "train")
    class_folders(tmp_path / "val", classes=("cat", "dogs"))
    with pytest.raises(InputError, match="did you mean 'dog'"):
        opened(tmp_path)


def test_held_out_folders_without_pictures_are_refused(tmp_path):
    class_folders(tmp_path / "train")
    (tmp_path / "val" / "cat").mkdir(parents=True)
    with pytest.raises(InputError, match="expected readable pictures that are held out, got none"):
        opened(tmp_path)


def test_class_names_choose_and_order(tmp_path):
    class_folders(tmp_path, classes=("ant", "bee", "cat"))
    train, _ = opened(tmp_path, class_names=["cat", "ant"])
    assert train.classes == ("cat", "ant")
    assert all(name.startswith("cat/") for name, label in zip(train.names, train.labels, strict=True) if label == 0)
    with pytest.raises(InputError, match="did you mean 'bee'"):
        opened(tmp_path, class_names=["bees", "ant"])


def test_unreadable_files_are_named_and_skipped(tmp_path):
    class_folders(tmp_path, count=6)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat" / "half.jpg")
    whole = (tmp_path / "cat" / "half.jpg").read_bytes()
    (tmp_path / "cat" / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "dog" / "empty.png").touch()
    (tmp_path / "dog" / "text.png").write_text("no picture")
    told = []
    train, test = opened(tmp_path, progress=lambda done, total: told.append((done, total)))
    assert len(train) + len(test) == 12
    assert sorted(line.split(":")[0] for line in train.skipped) == ["cat/half.jpg", "dog/empty.png", "dog/text.png"]
    assert test.skipped == ()
    assert told == [(i, 15) for i in range(1, 16)]


def test_hidden_and_other_files_are_ignored(tmp_path):
    class_folders(tmp_path)
    save(tmp_path / "cat" / ".hidden.png")
    save(tmp_path / ".cache" / "0.png")
    save(tmp_path / "__MACOSX" / "0.png")
    (tmp_path / "cat" / "notes.txt").write_text("not a picture")
    train, test = opened(tmp_path)
    assert (len(train) + len(test), train.classes, train.skipped) == (10, ("cat", "dog"), ())


def test_studies_among_class_folders_are_no_class(tmp_path):
    class_folders(tmp_path)
    before = fingerprint("folder", tmp_path)
    (tmp_path / "study.toml").touch()
    for place, record in (("runs/study", "study.json"), ("runs/compare-a-b", "compare.json"), ("s", "study.json")):
        save(tmp_path / place / "figures" / "0.png")
        (tmp_path / place / record).touch()
    save(tmp_path / "__pycache__" / "0.png")
    save(tmp_path / "cat" / "runs" / "a" / "0.png")
    (tmp_path / "cat" / "runs" / "a" / "study.json").touch()
    train, test = opened(tmp_path)
    assert (len(train) + len(test), train.classes) == (10, ("cat", "dog"))
    assert fingerprint("folder", tmp_path) == before
    save(tmp_path / "runs" / "0.png")  # a class called so, with a picture of its own
    save(tmp_path / "runs" / "1.png")
    assert opened(tmp_path).train.classes == ("cat", "dog", "runs")
    assert fingerprint("folder", tmp_path) != before


def test_exif_orientation_turns_the_picture(tmp_path):
    picture = Image.new("RGB", (32, 16))
    picture.paste((255, 255, 255), (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.png", exif=exif)
    image = decode(tmp_path / "turned.png", 16, 1)[0].float()
    assert image[:4].mean() > 250
    assert image[-4:].mean() < 5


def test_sixteen_bits_keep_their_range(tmp_path):
    values = np.tile(np.linspace(0, 65535, 16).astype(np.uint16), (16, 1))
    Image.fromarray(values).save(tmp_path / "deep.png")
    for channels in (1, 3):
        image = decode(tmp_path / "deep.png", 16, channels)
        assert image[0, 0].tolist() == [17 * i for i in range(16)]


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "jpg"), ("P", "gif"), ("L", "png"), ("YCbCr", "jpg")])
def test_modes_become_rgb(tmp_path, mode, suffix):
    path = tmp_path / f"picture.{suffix}"
    save(path, mode=mode, colour=(204, 204, 204))
    assert (decode(path, 16, 3).float() - 204).abs().max() <= 4
    assert decode(path, 16, 1).shape == (1, 16, 16)


def test_black_and_white_and_floats(tmp_path):
    save(tmp_path / "one.png", mode="1", colour=(255, 255, 255))
    assert int(decode(tmp_path / "one.png", 16, 3).min()) == 255
    Image.fromarray(np.full((20, 20), 0.5, dtype=np.float32)).save(tmp_path / "float.tif")
    assert int(decode(tmp_path / "float.tif", 16, 1).max()) == 128
    Image.fromarray(np.full((20, 20), np.nan, dtype=np.float32)).save(tmp_path / "nan.tif")
    with pytest.raises(ValueError, match="finite"):
        decode(tmp_path / "nan.tif", 16, 1)


def test_what_is_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert int(decode(tmp_path / "clear.png", 16, 3).min()) == 255
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert int(decode(tmp_path / "palette.png", 16, 3).min()) == 255


def test_the_shorter_side_is_resized_and_the_centre_kept(tmp_path):
    picture = Image.new("L", (96, 32), 0)
    picture.paste(255, (32, 0, 64, 32))
    picture.save(tmp_path / "wide.png")
    assert int(decode(tmp_path / "wide.png", 16, 1)[:, :, 1:-1].min()) == 255
    stripes = np.tile(np.array([[0, 255]], dtype=np.uint8), (64, 32))
    Image.fromarray(stripes).save(tmp_path / "stripes.png")
    reduced = decode(tmp_path / "stripes.png", 16, 1).float()
    assert (reduced - 127.5).abs().max() < 20


def test_masks_are_cut_as_their_pictures():
    mask = np.zeros((32, 96), dtype=bool)
    mask[:, 32:64] = True
    assert fit_mask(mask, PixelFormat(16))[:, 1:-1].all()


def test_a_file_that_vanishes_is_named(tmp_path, monkeypatch):
    from patternscope.images.readers import pictures

    monkeypatch.setattr(pictures, "_CACHE_BYTES", 0)
    train, _ = opened(class_folders(tmp_path))
    (tmp_path / train.names[0]).unlink()
    with pytest.raises(InputError, match="cannot be read: "):
        train[0]


def test_files_are_decoded_once(tmp_path):
    train, _ = opened(class_folders(tmp_path))
    before = train[0][0]
    (tmp_path / train.names[0]).unlink()
    assert torch.equal(train[0][0], before)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        opened(tmp_path / "nowhere")
    with pytest.raises(InputError, match="source 'folder': expected a folder, got none"):
        opened(None)
    with pytest.raises(InputError, match="expected two or more class folders, got 0"):
        opened(tmp_path)
    (tmp_path / "cat").mkdir()
    with pytest.raises(InputError, match="expected two or more class folders, got 1"):
        opened(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match="expected pictures in its class folders, got none"):
        opened(tmp_path)


def test_a_class_with_one_image_is_refused(tmp_path):
    class_folders(tmp_path)
    save(tmp_path / "eel" / "0.png")
    with pytest.raises(InputError, match=r"class 'eel': expected 2 or more images in .*, got 1$"):
        opened(tmp_path)


def test_unreadable_files_are_counted_when_a_class_has_too_few(tmp_path):
    class_folders(tmp_path)
    for i in range(3):
        (tmp_path / "cat" / f"{i}.png").write_text("no picture")
    (tmp_path / "cat" / "3.png").write_text("no picture")
    with pytest.raises(InputError, match=r"class 'cat': expected .*, got 1 \(4 unreadable\)"):
        opened(tmp_path)
    for path in tmp_path.rglob("*.png"):
        path.write_text("no picture")
    with pytest.raises(InputError, match=r"class 'cat': expected .*, got 0 \(10 unreadable\)"):
        opened(tmp_path)


def test_counts_per_class_limit_files(tmp_path):
    train, test = opened(class_folders(tmp_path, count=10), train_per_class=3, test_per_class=1)
    assert torch.bincount(train.labels).tolist() == [3, 3]
    assert torch.bincount(test.labels).tolist() == [1, 1]
