"""Known data sets from the folders they unpack into: what is trained on, what is held out, what they are called."""

import json
import re
import shutil

import invented_sets as sets
import numpy as np
import pytest
import torch
from invented_sets import COLOURS, WNIDS
from PIL import Image

from patternscope.errors import InputError
from patternscope.images import layout_hint, open_images
from patternscope.images.readers.outlines import draw_outline
from patternscope.images.readers.synsets import PRESETS


def opened(source, folder, **options):
    return open_images(source, folder=folder, **{"image_size": 16, **options})


def colour_of(image):
    """The class whose colour is nearest to the mean of an image."""
    mean = image.float().mean(dim=(1, 2)).numpy()
    return int(np.abs(np.array(COLOURS) - mean).sum(axis=1).argmin())


def assert_right(splits, order, train, test):
    """Every image has the colour of its class, and each class so many images; `order`: colours of the classes."""
    for part, count in ((splits.train, train), (splits.test, test)):
        assert torch.bincount(part.labels).tolist() == [count] * len(order)
        assert [colour_of(image) for image, _ in part] == [order[label] for label in part.labels]
        assert len(set(part.names)) == len(part)
    assert splits.train.classes == splits.test.classes
    assert splits.train.skipped == splits.test.skipped == ()


def test_tiny_imagenet(tmp_path):
    splits = opened("tiny_imagenet", sets.tiny_imagenet(tmp_path))
    assert_right(splits, (0, 1, 2), 6, 4)
    assert splits.train.classes == ("tabby", "goldfish", "orange")
    assert splits.test.names[0] == "val/images/val_0.JPEG"


@pytest.mark.parametrize("names", [("orange", "tabby cat"), ("n07747607", "tabby")])
def test_classes_of_tiny_imagenet_by_id_or_any_word(tmp_path, names):
    splits = opened("tiny_imagenet", sets.tiny_imagenet(tmp_path), class_names=names)
    assert_right(splits, (2, 0), 6, 4)
    assert splits.train.classes == ("orange", "tabby")


def test_tiny_imagenet_whose_val_was_sorted_into_folders_and_without_words(tmp_path):
    root = sets.tiny_imagenet(tmp_path)
    for row in (root / "val" / "val_annotations.txt").read_text().splitlines():
        name, wnid = row.split("\t")[:2]
        (root / "val" / wnid).mkdir(exist_ok=True)
        (root / "val" / "images" / name).rename(root / "val" / wnid / name)
    (root / "val" / "val_annotations.txt").unlink()
    (root / "words.txt").unlink()
    splits = opened("tiny_imagenet", root)
    assert_right(splits, (0, 1, 2), 6, 4)
    assert splits.test.classes == (WNIDS[1], WNIDS[0], WNIDS[2])


def test_the_paper_s_ten_classes(tmp_path):
    assert len(set(PRESETS["paper"])) == 10
    root = sets.tiny_imagenet(tmp_path)
    with pytest.raises(InputError, match="expected names of classes, got 'n04311004'"):
        opened("tiny_imagenet", root, preset="paper")
    with pytest.raises(InputError, match="did you mean 'paper'"):
        opened("tiny_imagenet", root, preset="papers")
    with pytest.raises(InputError, match="preset, class_names: expected one of them, got both"):
        opened("tiny_imagenet", root, preset="paper", class_names=["a", "b"])
    shutil.rmtree(root / "train")
    for place, wnid in enumerate(PRESETS["paper"]):
        for i in range(2):
            sets.save(root / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", place % 3, i)
            sets.save(root / "val" / wnid / f"{i}.JPEG", place % 3, i)
    (root / "val" / "val_annotations.txt").unlink()
    (root / "wnids.txt").write_text("".join(f"{wnid}\n" for wnid in sorted({*PRESETS["paper"], *WNIDS})))
    splits = opened("tiny_imagenet", root, preset="paper", train_per_class=2)
    assert_right(splits, [place % 3 for place in range(10)], 2, 2)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda root: (root / "val" / "val_annotations.txt").write_text("val_0.JPEG\n"),
            r"line 1: expected 3 columns, got ",
        ),
        (lambda root: (root / "val" / "val_annotations.txt").unlink(), "expected it, or folders val/WNID"),
        (lambda root: (root / "wnids.txt").write_bytes(b"\xff\xfe\xff"), "expected text, got other bytes"),
        (lambda root: (root / "wnids.txt").write_text("\n"), "got an empty file"),
        (
            lambda root: (root / "wnids.txt").write_text("n01443537\nn00000000\n"),
            "class 'n00000000': expected 2 or more images in .*, got 0",
        ),
    ],
)
def test_a_damaged_tiny_imagenet_is_one_line(tmp_path, spoil, said):
    root = sets.tiny_imagenet(tmp_path, train=2, val=1)
    spoil(root)
    with pytest.raises(InputError, match=said) as caught:
        opened("tiny_imagenet", root)
    assert "\n" not in str(caught.value)


def test_imagenet_by_folders(tmp_path):
    root = sets.imagenet(tmp_path)
    splits = opened("imagenet", root)
    assert_right(splits, (0, 1, 2), 6, 4)
    assert splits.train.classes == ("goldfish", "tabby", "orange")
    (root / "synset_words.txt").unlink()
    assert opened("imagenet", root).train.classes == WNIDS
    assert opened("folder", root).train.names == splits.train.names


def test_imagenet_as_kaggle_ships_it(tmp_path):
    root = sets.kaggle_imagenet(tmp_path)
    assert_right(opened("imagenet", root), (0, 1, 2), 3, 3)
    assert_right(opened("imagenet", root, class_names=["orange", "goldfish"]), (2, 0), 3, 3)
    (root / "LOC_val_solution.csv").unlink()
    with pytest.raises(InputError, match="got 9 pictures without a class"):
        opened("imagenet", root)


def test_classes_of_one_word_are_told_apart(tmp_path):
    root = sets.imagenet(tmp_path)
    words = {WNIDS[0]: "crane, bird", WNIDS[1]: "crane, machine", WNIDS[2]: "orange"}
    (root / "synset_words.txt").write_text("".join(f"{wnid} {text}\n" for wnid, text in words.items()))
    names = opened("imagenet", root).train.classes
    assert names == (f"crane ({WNIDS[0]})", f"crane ({WNIDS[1]})", "orange")
    assert_right(opened("imagenet", root, class_names=names[1:]), (1, 2), 6, 4)
    with pytest.raises(InputError, match=f"a word of {WNIDS[0]}, {WNIDS[1]}; use an id"):
        opened("imagenet", root, class_names=["crane", "orange"])


def test_of_a_large_set_only_what_is_taken_is_read(tmp_path):
    root = sets.imagenet(tmp_path)
    told = []
    few = opened("imagenet", root, train_per_class=2, test_per_class=1, progress=lambda *each: told.append(each))
    assert_right(few, (0, 1, 2), 2, 1)
    assert told[-1] == (9, 9)
    assert set(few.train.names) < set(opened("imagenet", root, train_per_class=3).train.names)


def test_cub_whole_and_cropped(tmp_path):
    root = sets.cub(tmp_path)
    cropped = opened("cub", root, crop=True, margin=0)
    assert_right(cropped, (0, 1, 2), 4, 4)
    assert cropped.train.classes == ("Black footed Albatross", "Laysan Albatross", "Sooty Albatross")
    whole = opened("cub", root)
    assert whole.train.names == cropped.train.names
    assert whole.train[0][0][:, :, -1].min() > 240  # beyond the bird the picture is white
    assert_right(opened("cub", root, crop=True, class_names=["Sooty Albatross", "Laysan Albatross"]), (2, 1), 4, 4)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("train_test_split.txt", "1 1\n", r"got none for image 2 \(001\.Black"),
        ("bounding_boxes.txt", "1 0 0 x 4\n", "line 1: expected 5 columns, got '1 0 0 x 4'"),
        ("image_class_labels.txt", "".join(f"{i} 9\n" for i in range(1, 25)), "expected classes of classes.txt, got 9"),
        ("classes.txt", None, "expected the data set's own file, got No such file"),
    ],
)
def test_a_damaged_cub_is_one_line(tmp_path, name, text, said):
    root = sets.cub(tmp_path)
    (root / name).unlink() if text is None else (root / name).write_text(text)
    with pytest.raises(InputError, match=said):
        opened("cub", root, crop=True)


@pytest.mark.parametrize("year", [2014, 2017])
def test_coco_is_cut_into_its_objects_with_their_outlines(tmp_path, year):
    root = sets.coco(tmp_path, train=6, val=3, year=year)
    splits = opened("coco", root, margin=0)
    assert_right(splits, (0, 1, 2), 4, 2)
    assert splits.train.classes == ("car", "cat", "orange")
    mask = splits.train.mask(0).numpy()
    corner = np.add.outer(np.arange(16), np.arange(16)) < 16  # the triangle of each box
    assert (mask == corner).mean() > 0.9
    assert_right(opened("coco", root, margin=0, class_names=["orange", "car"]), (2, 0), 4, 2)
    small = opened("coco", root, smallest_box=9)
    assert int((small.train.labels == 0).sum()) == 4 + 6


def test_coco_s_pictures_may_be_in_a_folder_of_their_own(tmp_path):
    root = sets.coco(tmp_path, train=3, val=3)
    for split in ("train2014", "val2014"):
        (root / "images").mkdir(exist_ok=True)
        (root / split).rename(root / "images" / split)
    assert_right(opened("coco", root, margin=0), (0, 1, 2), 2, 2)


def test_a_picture_that_is_not_there_or_a_box_beside_it_is_skipped_with_its_reason(tmp_path):
    root = sets.coco(tmp_path, train=6, val=3)
    path = root / "annotations" / "instances_train2014.json"
    content = json.loads(path.read_text())
    content["annotations"][1]["bbox"] = [500.0, 500.0, 50.0, 50.0]
    path.write_text(json.dumps(content))
    (root / "train2014" / content["images"][5]["file_name"]).unlink()
    skipped = sorted(opened("coco", root).train.skipped)
    assert len(skipped) == 3
    assert "object 2: box (500.0, 500.0, 50.0, 50.0) is empty or outside the picture of 120 x 60" in skipped[0]
    assert "No such file" in skipped[1]


def turned_coco(tmp_path, upright):
    """COCO whose files hold pictures on their side; boxes are of the upright picture or of the file."""
    root = sets.coco(tmp_path, train=6, val=3)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter, clockwise, to be upright
    for path in root.glob("*2014/*.jpg"):
        with Image.open(path) as stored:
            # The boxes are of the picture that is there; where they are to be upright, the file holds it turned back.
            (stored.transpose(Image.Transpose.ROTATE_90) if upright else stored.copy()).save(path, exif=exif)
    return root


@pytest.mark.parametrize("upright", [True, False])
def test_objects_of_a_picture_on_its_side_are_cut_in_the_frame_of_their_boxes(tmp_path, upright):
    splits = opened("coco", turned_coco(tmp_path, upright), margin=0)
    assert_right(splits, (0, 1, 2), 4, 2)
    mask = splits.train.mask(0).numpy()
    triangle = np.add.outer(np.arange(16), np.arange(16)) < 16
    assert (mask == (triangle if upright else np.rot90(triangle, -1))).mean() > 0.9


def test_a_box_of_a_picture_of_another_size_is_skipped(tmp_path):
    root = sets.coco(tmp_path, train=6, val=3)
    path = next(root.glob("train2014/*0.jpg"))
    with Image.open(path) as picture:
        smaller = picture.resize((60, 30))
    smaller.save(path)
    skipped = opened("coco", root).train.skipped
    assert len(skipped) == 2
    assert "its box is of a picture of (120, 60), got (60, 30) pixels" in skipped[0]


def compressed(runs):
    """Run lengths as pycocotools writes them."""
    text = ""
    for place, run in enumerate(runs):
        value, more = run - (runs[place - 2] if place > 2 else 0), True
        while more:
            group, value = value & 0x1F, value >> 5
            more = value != -1 if group & 0x10 else value != 0
            text += chr(48 + (group | 0x20 if more else group))
    return text


@pytest.mark.parametrize("compress", [False, True])
def test_run_lengths_of_one_object_are_its_outline(tmp_path, compress):
    root = sets.coco(tmp_path, train=6, val=3)
    polygons = opened("coco", root, margin=0)
    for path in (root / "annotations").iterdir():
        content = json.loads(path.read_text())
        for annotation in content["annotations"]:
            if "segmentation" in annotation and not annotation["iscrowd"]:
                mask = draw_outline(annotation["segmentation"], (120, 60))
                edges = np.flatnonzero(np.diff(mask.T.ravel().astype(int))) + 1
                runs = np.diff([0, *edges, mask.size]).tolist()
                counts = compressed(runs) if compress else runs
                annotation["segmentation"] = {"counts": counts, "size": [60, 120]}
        path.write_text(json.dumps(content))
    splits = opened("coco", root, margin=0)
    for index in range(len(splits.train)):
        assert torch.equal(splits.train.mask(index), polygons.train.mask(index))
    content["annotations"][0]["segmentation"] = {"counts": [5, 5], "size": [60, 120]}
    path.write_text(json.dumps(content))
    part = next(part for part in opened("coco", root) if part.names[0].startswith(path.stem.removeprefix("instances_")))
    with pytest.raises(InputError, match="object 1 cannot be read: expected runs of 7200 pixels, 120 x 60, got 10"):
        part.mask(0)


def test_boxes_without_outlines_have_no_masks(tmp_path):
    root = sets.coco(tmp_path, train=6, val=3)
    for path in (root / "annotations").iterdir():
        content = json.loads(path.read_text())
        for annotation in content["annotations"]:
            annotation.pop("segmentation", None)
        path.write_text(json.dumps(content))
    assert not opened("coco", root).train.has_masks


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_text("{}"), "expected a file of COCO's instances, got KeyError: 'categories'"),
        (lambda path: path.write_text("not json"), "expected a file of COCO's instances, got JSONDecodeError"),
        (lambda path: path.unlink(), "expected one file annotations/instances_val2014.json (or of 2017), got 0"),
    ],
)
def test_a_damaged_coco_is_one_line(tmp_path, spoil, said):
    spoil(sets.coco(tmp_path) / "annotations" / "instances_val2014.json")
    with pytest.raises(InputError, match=re.escape(said)):
        opened("coco", tmp_path)


def test_cifar10_is_read_byte_by_byte(tmp_path):
    splits = opened("cifar", sets.cifar10(tmp_path), image_size=32)
    assert_right(splits, (0, 1, 2), 5, 2)
    assert splits.train.classes == ("airplane", "automobile", "bird")
    stored = np.asarray(sets.picture(0, 0, (32, 32))).transpose(2, 0, 1)
    assert np.array_equal(splits.train[0][0].numpy(), stored)
    assert splits.test.names[:2] == ("test_batch.bin 0", "test_batch.bin 1")
    assert_right(opened("cifar", tmp_path, class_names=["bird", "airplane"]), (2, 0), 5, 2)


def test_cifar100_takes_the_fine_labels(tmp_path):
    splits = opened("cifar", sets.cifar100(tmp_path))
    assert_right(splits, (0, 1, 2), 4, 2)
    assert splits.train.classes == ("apple", "aquarium_fish", "baby")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda root: (root / "test_batch.bin").write_bytes(b"123"), "expected records of 3073 bytes, got 3 bytes"),
        (lambda root: (root / "data_batch_3.bin").unlink(), "data_batch_3.bin: expected a file of CIFAR-10"),
        (
            lambda root: (root / "batches.meta.txt").write_text("a\nb\n"),
            "expected labels of the 2 classes in batches.meta.txt, got 2",
        ),
        (lambda root: (root / "test_batch.bin").unlink(), "got no test_batch.bin"),
    ],
)
def test_a_damaged_cifar_is_one_line(tmp_path, spoil, said):
    spoil(sets.cifar10(tmp_path))
    with pytest.raises(InputError, match=said):
        opened("cifar", tmp_path)


@pytest.mark.parametrize(("source", "inside"), [("cifar", ""), ("folder", ""), ("cifar", "cifar-10-batches-py")])
def test_pickled_cifar_is_refused_by_name(tmp_path, source, inside):
    (tmp_path / inside).mkdir(exist_ok=True)
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        (tmp_path / inside / name).write_bytes(b"\x80\x02}q\x00.")
    with pytest.raises(InputError, match=r"pickled.*binary version"):
        opened(source, tmp_path)


@pytest.mark.parametrize(
    ("make", "source"),
    [
        (sets.tiny_imagenet, "tiny_imagenet"),
        (sets.cub, "cub"),
        (sets.coco, "coco"),
        (sets.cifar10, "cifar"),
        (sets.cifar100, "cifar"),
        (sets.kaggle_imagenet, "imagenet"),
    ],
)
@pytest.mark.parametrize("asked", ["folder", "idx", "cub", "cifar", "arrays"])
def test_a_folder_of_another_layout_is_told_what_it_looks_like(tmp_path, make, source, asked):
    root = make(tmp_path / "set")
    assert layout_hint(source, root) is None
    if asked == source:
        return
    with pytest.raises(InputError, match=f'looks like .*set source = "{source}"$') as caught:
        opened(asked, root)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=f'set source = "{source}" and folder = "{re.escape(str(root))}"'):
        opened(asked, tmp_path)


def test_class_folders_of_imagenet_are_class_folders_too(tmp_path):
    assert len(opened("folder", sets.imagenet(tmp_path)).train) == 18


def test_options_of_another_source_are_refused(tmp_path):
    for source, option, said in (
        ("coco", {"crop": True}, "crop: expected source 'cub', got 'coco'"),
        ("folder", {"preset": "paper"}, "preset: expected source 'tiny_imagenet' or 'imagenet', got 'folder'"),
        ("cub", {"corp": True}, "corp: expected an option of a source; did you mean 'crop'"),
    ):
        with pytest.raises(InputError, match=said):
            opened(source, tmp_path, **option)


def test_grey_pictures_and_jpegs_of_any_mode_are_read(tmp_path):
    root = sets.tiny_imagenet(tmp_path)
    path = next((root / "train" / WNIDS[0] / "images").iterdir())
    Image.open(path).convert("L").save(path)
    assert len(opened("tiny_imagenet", root).train) == 18
    assert opened("tiny_imagenet", root, channels=1).train[0][0].shape == (1, 16, 16)
