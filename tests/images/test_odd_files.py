"""Folders as file systems, archives, cameras and people leave them."""

import os
import struct
import unicodedata
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from patternscope.errors import InputError
from patternscope.images import fingerprint, open_images
from patternscope.images.readers.files import files_below, picture_files, why_not_opened


def save(path: Path, colour=(200, 100, 50), size=(20, 20), **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


def class_folders(root: Path, classes=("cat", "dog"), count=5) -> Path:
    for name in classes:
        for index in range(count):
            save(root / name / f"{index}.png", (40 * index, 10, 200))
    return root


def opened(root: Path, **options):
    return open_images("folder", folder=root, image_size=16, **options)


@pytest.mark.parametrize("name", ["huge", "huge.png"])
def test_a_header_of_more_pixels_than_anybody_has_is_listed_as_unreadable(tmp_path, name):
    root = class_folders(tmp_path)
    header = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (root / "cat" / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is omitted is warned of
        split = opened(root)
    assert sum(len(part) for part in (split.train, split.test)) == 10


@pytest.mark.parametrize("error", [RuntimeError("Failed to decode image"), AttributeError("x"), KeyError("tag")])
def test_whatever_a_decoder_raises_is_of_one_picture(tmp_path, monkeypatch, error):
    root, open_picture = class_folders(tmp_path), Image.open

    def broken(source, *rest, **options):
        if Path(source).name == "3.png":
            raise error
        return open_picture(source, *rest, **options)

    monkeypatch.setattr(Image, "open", broken)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        split = opened(root)
    assert sum(len(part) for part in (split.train, split.test)) == 8


@pytest.mark.parametrize("asked", [None, ("NFC", "NFD"), ("NFD", "NFC")])
def test_a_class_may_be_written_in_two_unicode_forms(tmp_path, asked):
    names = {form: unicodedata.normalize(form, "café") for form in ("NFC", "NFD")}
    class_folders(tmp_path / "train", (names["NFC"], "thé"))
    class_folders(tmp_path / "val", (names["NFD"], "thé"), count=2)
    class_folders(tmp_path / "train", (names["NFD"],), count=1)  # both forms in one split: one class
    selected = None if asked is None else (names[asked[0]], unicodedata.normalize(asked[1], "thé"))
    train, test = opened(tmp_path, class_names=selected)
    assert train.classes == test.classes == (names["NFC"], "thé")
    assert torch.bincount(train.labels).tolist() == [6, 5]
    assert torch.bincount(test.labels).tolist() == [2, 2]


def test_a_class_folder_of_other_bytes_is_named(tmp_path):
    class_folders(tmp_path)
    (tmp_path / os.fsdecode(b"caf\xe9")).mkdir()
    with pytest.raises(InputError, match=r"expected folder names in UTF-8, got b'caf\\xe9'; rename it") as raised:
        opened(tmp_path)
    assert str(raised.value).isascii()
    assert "\n" not in str(raised.value)


def test_a_file_of_other_bytes_has_a_name_that_a_record_can_hold(tmp_path):
    class_folders(tmp_path, count=4)
    (tmp_path / "cat" / os.fsdecode(b"\xe9.png")).write_bytes((tmp_path / "cat" / "0.png").read_bytes())
    train, test = opened(tmp_path)
    names = train.names + test.names
    assert r"cat/\xe9.png" in names
    assert "".join(names).encode()
    assert fingerprint("folder", tmp_path)


def test_links_to_folders_are_followed_and_loops_end(tmp_path):
    class_folders(tmp_path / "elsewhere", ("cat",), count=4)
    save(tmp_path / "elsewhere" / "more" / "9.png")
    root = class_folders(tmp_path / "data", ("dog",))
    (root / "cat").symlink_to(tmp_path / "elsewhere" / "cat")
    (root / "cat" / "deep").symlink_to(tmp_path / "elsewhere" / "more")
    (root / "dog" / "up").symlink_to(root)
    (root / "dog" / "own").symlink_to(root / "dog")
    (root / "dog" / "gone").symlink_to(tmp_path / "nowhere")
    (root / "self").symlink_to(root / "self")
    assert [path.relative_to(root / "cat").as_posix() for path in picture_files(root / "cat")] == [
        *(f"{index}.png" for index in range(4)),
        "deep/9.png",
    ]
    train, test = opened(root, class_names=("cat", "dog"))
    # The link from a dog to all classes leads to the cats once, and not to the dogs again.
    assert torch.bincount(torch.cat([train.labels, test.labels])).tolist() == [5, 5 + 5]
    assert fingerprint("folder", root)


def test_a_folder_of_nothing_but_a_loop_is_no_study(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").symlink_to(tmp_path / "a")
    assert list(files_below(tmp_path)) == []


def test_files_that_pillow_does_not_open_are_skipped_by_their_suffix(tmp_path):
    class_folders(tmp_path, count=6)
    for name in ("cat/a.HEIC", "cat/b.heic", "dog/c.nef", "dog/LICENSE"):
        (tmp_path / name).write_bytes(b"0000ftypheic")
    save(tmp_path / "cat" / "photograph", format="JPEG")
    train, test = opened(tmp_path, train_per_class=4)
    assert any(name == "cat/photograph" for name in opened(tmp_path).train.names + opened(tmp_path).test.names)
    assert (len(train), len(test)) == (8, 2)  # what is not opened does not count among those chosen
    assert [line.partition(": ")[0] for line in train.skipped] == [
        "cat/a.HEIC",
        "cat/b.heic",
        "dog/LICENSE",
        "dog/c.nef",
    ]
    assert "Pillow does not open .heic files here; convert" in train.skipped[0]
    for path in (tmp_path / "cat").glob("*.png"):
        path.rename(path.with_suffix(".heic"))
    with pytest.raises(InputError, match=r"class 'cat': expected .*, got 1 \(10 not opened, first cat/0.heic: Pillow"):
        opened(tmp_path)


def test_what_pillow_opens_with_a_plugin_is_opened(tmp_path, monkeypatch):
    path = save(tmp_path / "a.avif.png").rename(tmp_path / "a.avif")
    monkeypatch.setattr("PIL.Image.registered_extensions", lambda: {".avif": "AVIF", ".heic": "HEIF"})
    monkeypatch.setattr("PIL.features.check", lambda name: name != "avif")
    assert "does not open .avif" in why_not_opened(path)
    monkeypatch.setattr("PIL.features.check", lambda name: True)
    assert why_not_opened(path) == ""
    assert why_not_opened(tmp_path / "b.HEIC") == ""


@pytest.mark.parametrize(
    ("resize", "first", "middle", "last"), [("crop", 128, 128, 128), ("pad", 0, 128, 0), ("stretch", 255, 128, 64)]
)
def test_a_wide_picture_becomes_a_square_in_the_way_that_is_asked_for(tmp_path, resize, first, middle, last):
    wide = np.full((100, 200, 3), 128, dtype=np.uint8)
    wide[:, :50], wide[:, 150:] = 255, 64  # what a centre crop loses
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.fromarray(wide).save(tmp_path / name / f"{index}.png")
    image = opened(tmp_path, resize=resize).train[0][0][0]
    assert (int(image[0, 2]), int(image[8, 8]), int(image[-1, -3])) == (first, middle, last)


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_masks_are_cut_and_resized_as_their_images(tmp_path, resize):
    masks = np.random.default_rng(0).random((8, 4, 8)) > 0.5
    masks = masks.repeat(10, axis=1).repeat(10, axis=2)
    np.savez(tmp_path / "a.npz", images=np.where(masks, 255, 0).astype(np.uint8), labels=np.arange(8) % 2, masks=masks)
    train, _ = open_images("arrays", folder=tmp_path / "a.npz", image_size=16, resize=resize, channels=1)
    for index in range(len(train)):
        assert torch.equal(train.mask(index), train[index][0][0] >= 128)


def grey(root: Path, mode: str, brightest: float, darkest: float = 0) -> Path:
    """Class folders of grey pictures of more than 8 bits, the last of which is the brightest."""
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for index in range(3):
            high = brightest if (label, index) == (1, 2) else darkest + 0.6 * (brightest - darkest)
            values = np.linspace(darkest, high, 400).reshape(20, 20)
            Image.fromarray(values.astype({"F": np.float32, "I": np.int32, "I;16": np.uint16}[mode])).save(
                root / name / f"{index}.tif"
            )
    return root


def test_twelve_bits_in_sixteen_are_not_shown_as_black(tmp_path):
    root = grey(tmp_path, "I;16", 4095)
    with pytest.raises(InputError) as raised:
        opened(root)
    said = (
        f"{str(root)!r}: expected 16-bit pictures that use their range, got a brightest value of 4095, nearly black; "
    )
    assert str(raised.value) == f"{said}set images.white = 4095 (12 bits), or images.white = 65535 to show them so"
    splits = opened(root, white=4095)
    brightest = max(int(image.max()) for part in splits for image, _ in part)
    assert brightest > 245
    assert max(int(image.max()) for part in opened(root, white=65535) for image, _ in part) == 16
    with pytest.raises(InputError, match=r"dog/2.tif: expected values from 0 to 4000, got values from 0 to 4095"):
        opened(root, white=4000)


def test_dark_pictures_among_bright_ones_are_as_they_are(tmp_path):
    splits = opened(grey(tmp_path, "I;16", 60000))
    assert max(int(image.max()) for part in splits for image, _ in part) > 200


@pytest.mark.parametrize(
    ("mode", "darkest", "brightest", "said"),
    [
        ("F", 0, 3.5, "expected values from 0 to 1, got values from 0 to 2.1; set images.white to"),
        ("F", -0.5, 0.9, r"expected values from 0 to 1, got values from -0.5 to 0.34\d*$"),
        ("I", 0, 100_000, r"expected values from 0 to 65535, got values from 0 to 100000; set images.white to"),
        ("I", 0, 200, r"brightest value of 200, nearly black; set images.white = 255 \(8 bits\)"),
    ],
)
def test_values_outside_the_range_are_refused_and_never_clipped(tmp_path, mode, darkest, brightest, said):
    root = grey(tmp_path, mode, brightest, darkest)
    with pytest.raises(InputError, match=said) as raised:
        opened(root)
    assert "\n" not in str(raised.value)
    if darkest == 0:
        image = opened(root, white=brightest).train[0][0]
        assert 135 < int(image.max()) <= 255


def test_colour_of_twelve_bits_in_sixteen_is_refused(tmp_path):
    """Pillow gives the upper 8 of 16 bits of colour; they are 0 to 15 here."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + np.full((20, 3), 4095, dtype=">u2").tobytes() for _ in range(20))
    header = struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(2):
            (tmp_path / name / f"{index}.png").write_bytes(png)
    with pytest.raises(InputError, match=r"brightest value of 3855, nearly black; 16-bit colour .* convert them to 8"):
        opened(tmp_path)
    with pytest.raises(InputError, match="white = 4095 does not apply to 16-bit colour pictures"):
        opened(tmp_path, white=4095)
    assert int(opened(tmp_path, white=65535).train[0][0].max()) == 15


@pytest.mark.parametrize("channels", [2, 4])
def test_files_of_two_and_four_channels_keep_their_alpha(tmp_path, channels):
    clear = Image.new("RGBA", (20, 20), (200, 100, 50, 0))
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        clear.save(tmp_path / name / "clear.png")
        clear.convert("RGB").save(tmp_path / name / "opaque.png")
    train, test = opened(tmp_path, channels=channels)
    images = {name: image for part in (train, test) for (image, _), name in zip(part, part.names, strict=True)}
    colour = [124] if channels == 2 else [200, 100, 50]  # the colour below what is transparent, too
    assert images["cat/clear.png"][:, 3, 3].tolist() == [*colour, 0]
    assert images["cat/opaque.png"][:, 3, 3].tolist() == [*colour, 255]


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("first", [True, False])
def test_arrays_of_two_and_four_channels_keep_each_as_it_is(tmp_path, channels, first):
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, channels), dtype=np.uint8)
    stored = images.transpose(0, 3, 1, 2) if first else images
    np.savez(tmp_path / "a.npz", images=stored, labels=np.arange(8) % 2)
    train, _ = open_images("arrays", folder=tmp_path / "a.npz", image_size=32, channels=channels)
    for index, name in enumerate(train.names):
        assert np.array_equal(train[index][0].numpy(), images[int(name)].transpose(2, 0, 1))
    halved = open_images("arrays", folder=tmp_path / "a.npz", image_size=16, channels=channels).train[0][0].float()
    each = images[int(train.names[0])].astype(float).reshape(16, 2, 16, 2, channels).mean(axis=(1, 3))
    # Antialiased by a triangle twice as wide as a mean of 2 x 2; no channel weighs the others.
    assert abs(halved.mean(dim=(1, 2)).numpy() - each.mean(axis=(0, 1))).max() < 4
    with pytest.raises(InputError, match=f"set images.channels = {channels}"):
        open_images("arrays", folder=tmp_path / "a.npz", image_size=16)
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(images.transpose(0, 3, 1, 2)), torch.arange(8) % 2)
    other = open_images(dataset, image_size=32, channels=channels).train
    assert torch.equal(other.batch(range(len(other))), train.batch(range(len(train))))


def test_integers_of_any_depth_are_scaled_by_white(tmp_path):
    images = np.linspace(0, 4095, 8 * 256).astype(np.uint16).reshape(8, 16, 16)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(8) % 2)
    with pytest.raises(InputError, match=r"got uint16; set images.white to the value to show as white"):
        open_images("arrays", folder=tmp_path / "a.npz", image_size=16)
    options = {"image_size": 16, "channels": 1, "white": 4095}
    train, _ = open_images("arrays", folder=tmp_path / "a.npz", **options)
    expected = np.rint(images[int(train.names[0])] * (255 / 4095))
    assert np.array_equal(train[0][0][0].numpy(), expected)
    deep = torch.utils.data.TensorDataset(torch.from_numpy(images.astype(np.int32)), torch.arange(8) % 2)
    assert torch.equal(open_images(deep, **options).train[0][0], train[0][0])
    with pytest.raises(InputError, match=r"got values from 0 to 510"):
        open_images(deep, image_size=16)


@pytest.mark.parametrize("labels", [[3, 10_000_000] * 4, [1_700_000_000, 1_700_000_001] * 4])
@pytest.mark.parametrize("source", ["arrays", "data set", "parquet"])
def test_labels_that_are_identifiers_are_classes_of_their_own(tmp_path, labels, source):
    import tracemalloc

    pixels = np.zeros((8, 16, 16, 3), dtype=np.uint8)
    given, options = source, {"folder": tmp_path}
    if source == "parquet":
        pa = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
        import pyarrow.parquet

        save(tmp_path / "a.png")
        cells = [(tmp_path / "a.png").read_bytes()] * 8
        pyarrow.parquet.write_table(pa.table({"image": cells, "label": labels}), tmp_path / "0.parquet")
    elif source == "arrays":
        np.save(tmp_path / "images.npy", pixels)
        np.save(tmp_path / "labels.npy", np.array(labels))
    else:
        given = torch.utils.data.TensorDataset(torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.tensor(labels))
        options = {}
    tracemalloc.start()
    train, test = open_images(given, image_size=16, **options)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert train.classes == test.classes == tuple(str(label) for label in sorted(set(labels)))
    assert set(train.labels.tolist()) == set(test.labels.tolist()) == {0, 1}
    assert most < 30e6
    with pytest.raises(InputError, match=f"expected labels of 2 named classes, got {max(labels)}"):
        open_images(given, image_size=16, class_names=["a", "b"], **options)
