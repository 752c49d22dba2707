"""Data sets of torch: given in Python, made by a factory, read by torchvision, or in parquet files."""

import invented_sets as sets
import numpy as np
import pytest
import torch
from test_known_sets import assert_right, colour_of, opened
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from patternscope.errors import InputError
from patternscope.images import fingerprint, open_images


class Pictures(Dataset):
    """Pictures in the colour of their class, given out by `give`; counts what is read."""

    def __init__(self, count=12, give=lambda picture, label: (picture, label), start=0, **attributes):
        self.labels_inside = [at % 3 for at in range(count)]
        self.give, self.start, self.reads = give, start, 0
        vars(self).update(attributes)

    def __len__(self):
        return len(self.labels_inside)

    def __getitem__(self, index):
        self.reads += 1
        label = self.labels_inside[index]
        return self.give(sets.picture(label, self.start + index), label)


def as_array(picture):
    return np.asarray(picture)


def as_tensor(picture):
    return torch.tensor(as_array(picture)).permute(2, 0, 1)


FORMS = {
    "PIL": lambda picture, label: (picture, label),
    "array": lambda picture, label: (as_array(picture), label),
    "bytes": lambda picture, label: (as_tensor(picture), torch.tensor(label)),
    "floats": lambda picture, label: (as_tensor(picture) / 255, np.int64(label), "more"),
    "bfloat16": lambda picture, label: ((as_tensor(picture) / 255).bfloat16(), torch.tensor([label])),
    "float array": lambda picture, label: [as_array(picture) / 255.0, label],
    "mapping": lambda picture, label: {"img": picture, "label": label},
}


@pytest.mark.parametrize("form", FORMS)
def test_items_of_any_kind_give_the_same_images(form):
    splits = open_images((Pictures(12, FORMS[form]), Pictures(6, FORMS[form], 50)), image_size=16)
    assert_right(splits, (0, 1, 2), 4, 2)
    wanted = open_images((Pictures(12), Pictures(6, start=50)), image_size=16)
    difference = (splits.train.batch(range(12)).int() - wanted.train.batch(range(12)).int()).abs().max()
    assert difference <= (1 if form == "bfloat16" else 0)


def test_one_data_set_is_split_by_seed():
    splits = open_images(Pictures(30), image_size=16)
    assert_right(splits, (0, 1, 2), 8, 2)
    assert splits.train.classes == ("0", "1", "2")
    assert open_images(Pictures(30), image_size=16, seed=3).test.names != splits.test.names


def test_classes_are_the_data_set_s_own_or_those_named():
    own = Pictures(12, classes=["red", "green", "blue"])
    assert open_images(own, image_size=16).train.classes == ("red", "green", "blue")
    assert_right(open_images((own, own), image_size=16, class_names=["blue", "red"]), (2, 0), 4, 4)
    part = Subset(own, range(9))
    assert open_images(part, image_size=16).test.classes == ("red", "green", "blue")
    assert open_images(Pictures(12), image_size=16, class_names=["a", "b", "c"]).train.classes == ("a", "b", "c")
    with pytest.raises(InputError, match="expected labels of 2 named classes, got 2"):
        open_images(Pictures(12), image_size=16, class_names=["a", "b"])


def test_labels_told_at_once_spare_reading_every_item():
    told = Pictures(300, targets=[at % 3 for at in range(300)])
    splits = open_images((told, told), image_size=16, train_per_class=2, test_per_class=1)
    assert_right(splits, (0, 1, 2), 2, 1)
    assert told.reads == 9


def test_labels_told_at_once_must_be_those_of_the_items():
    with pytest.raises(InputError, match="item 1: expected label 2 as in the data set's list, got 1"):
        open_images(Pictures(12, targets=torch.tensor([0, 2, 1] * 4)), image_size=16)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (3, "source: expected a data set with a length and items (image, label), got int"),
        (Stream(), "source: expected a data set with a length and items (image, label), got Stream"),
        ((Pictures(6), 3), "items (image, label), got int"),
        (Pictures(0), "got an empty data set"),
        (Pictures(6, lambda picture, label: picture), "item 0: expected (image, label), got Image"),
        (Pictures(6, lambda picture, label: (picture, "cat")), "item 0: expected an integer label from 0, got 'cat'"),
        (Pictures(6, lambda picture, label: (picture, -1)), "item 0: expected an integer label from 0, got -1"),
        (Pictures(6, lambda picture, label: (3, label)), "item 0: expected a PIL image, an array or a tensor, got int"),
        (Pictures(6, lambda picture, label: {"x": picture}), "item 0: expected keys image and label, got x"),
        (
            Pictures(6, lambda picture, label: (as_tensor(picture) / 64 - 2, label)),
            "got values from -1.375 to 1.73438; omit a normalising transform",
        ),
        (
            Pictures(6, lambda picture, label: (as_array(picture)[:, :, :2], label)),
            "item 0: expected shape (h, w) or (h, w, c), c = 1, 3 or 4, got (20, 24, 2)",
        ),
        (
            TensorDataset(torch.zeros(4, 3, 8, 8), torch.tensor([0, 0, 0, 1])),
            "class '1': expected 2 or more images in source, got 1",
        ),
    ],
)
def test_what_is_no_data_set_of_images_is_one_line(source, said):
    with pytest.raises(InputError) as caught:
        open_images(source, image_size=16)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_tensor_dataset_of_a_few_lines():
    images = torch.stack([as_tensor(sets.picture(label, i)) for label in range(3) for i in range(5)])
    labels = torch.arange(3).repeat_interleave(5)
    train, test = open_images(TensorDataset(images, labels), image_size=16)
    assert len(train) + len(test) == 15
    assert all(colour_of(image) == label for image, label in train)


FACTORY = """
from test_torch_datasets import Pictures

def pair(count):
    return Pictures(count), Pictures(count, start=50)

def one(folder, image_size, channels, seed):
    assert (folder.name, image_size, channels, seed) == ("here", 16, 3, 0)
    return Pictures(30)

def by_flag(root, train):
    return Pictures(12 if train else 6, start=0 if train else 50)

def by_name(split, count=12):
    return Pictures(count, start={"train": 0, "test": 50}[split])

def broken():
    raise ValueError("no such table\\nat all")

def three():
    return Pictures(), Pictures(), Pictures()

def number():
    return 3
"""


@pytest.fixture
def factories(tmp_path):
    (tmp_path / "own_images.py").write_text(FACTORY)
    (tmp_path / "here").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "arguments", "counts"),
    [("pair", {"count": 12}, (4, 4)), ("one", {}, (8, 2)), ("by_flag", {}, (4, 2)), ("by_name", {"count": 9}, (3, 3))],
)
def test_a_factory_gives_data_sets_in_the_ways_people_write_them(factories, name, arguments, counts):
    splits = opened(f"own_images:{name}", factories / "here", arguments=arguments, factory_folder=factories)
    assert_right(splits, (0, 1, 2), *counts)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("paair", {}, "expected a function of 'own_images', got 'paair'; did you mean 'pair'?"),
        ("broken", {}, "the factory failed (ValueError: no such table at all)"),
        ("pair", {}, "the factory failed (TypeError: pair() missing 1 required"),
        ("three", {}, "expected one data set, or (train, test), got 3"),
        ("number", {}, "expected a data set with a length and items (image, label), got int"),
    ],
)
def test_a_factory_that_gives_none_is_one_line(factories, name, arguments, said):
    with pytest.raises(InputError) as caught:
        opened(f"own_images:{name}", None, arguments=arguments, factory_folder=factories)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_factory_counts_by_its_file_and_by_the_folder(factories):
    (factories / "here" / "first.csv").write_text("0")
    options = {"factory_folder": factories}
    prints = [fingerprint("own_images:one", options=options)]
    prints.append(fingerprint("own_images:one", factories / "here", options))
    (factories / "here" / "table.csv").write_text("1")
    prints.append(fingerprint("own_images:one", factories / "here", options))
    (factories / "own_images.py").write_text(FACTORY + "\n")
    prints.append(fingerprint("own_images:one", options=options))
    assert len(set(prints)) == 4


def test_torchvision_s_fashion_mnist_is_what_its_idx_files_are(tmp_path):
    root = sets.fashion_mnist(tmp_path)
    ours = opened("idx", root / "FashionMNIST" / "raw", channels=1)
    theirs = opened("torchvision:FashionMNIST", root, channels=1)
    assert theirs.train.classes[0] == "T-shirt/top"
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one.batch(range(len(one))), other.batch(range(len(other))))
        assert torch.equal(one.labels, other.labels)
    few = opened("torchvision:FashionMNIST", root, class_names=["Bag", "Coat"])
    assert len(few.train) == 8


def test_torchvision_s_class_folders(tmp_path):
    for label, name in enumerate(("AnnualCrop", "Forest", "River")):
        for i in range(10):
            sets.save(tmp_path / "eurosat" / "2750" / name / f"{name}_{i}.jpg", label, i, (64, 64))
    splits = opened("torchvision:EuroSAT", tmp_path)
    assert_right(splits, (0, 1, 2), 8, 2)
    assert splits.train.classes == ("AnnualCrop", "Forest", "River")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("CIFAR10", {}, "torchvision's CIFAR10 reads pickled files; set source = 'cifar'"),
        ("FashonMNIST", {}, "is not offered; did you mean 'FashionMNIST'?"),
        ("MNIST", {}, "torchvision cannot open it in"),
        ("MNIST", {"download": True}, "nothing is downloaded"),
        ("EMNIST", {}, "missing 1 required positional argument: 'split'"),
    ],
)
def test_what_torchvision_cannot_open_is_one_line(tmp_path, name, arguments, said):
    with pytest.raises(InputError) as caught:
        opened(f"torchvision:{name}", tmp_path, arguments=arguments)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_every_torchvision_set_that_is_offered_exists_and_takes_its_splits():
    import inspect

    import torchvision

    from patternscope.images.readers.torchvision_sets import SETS

    for name, splits in SETS.items():
        taken = inspect.signature(getattr(torchvision.datasets, name)).parameters
        for arguments in splits:
            variable = any(each.kind is each.VAR_KEYWORD for each in taken.values())
            assert set(arguments or {}) <= set(taken) or variable, name


class TestParquet:
    @pytest.fixture(autouse=True)
    def _pyarrow(self):
        pytest.importorskip("pyarrow", reason="the extra parquet is not installed")

    def test_what_datasets_writes_is_read_in_the_order_of_files_and_rows(self, tmp_path):
        splits = opened("parquet", sets.parquet(tmp_path))
        assert_right(splits, (0, 1, 2), 6, 3)
        assert splits.train.classes == ("cat", "dog", "eel")
        assert splits.train.names[11:13] == (
            "data/train-00000-of-00002.parquet row 11",
            "data/train-00001-of-00002.parquet row 0",
        )
        assert splits.test.names[0].startswith("data/validation")
        some = opened("parquet", tmp_path, class_names=["eel", "cat"], train_per_class=4)
        assert_right(some, (2, 0), 4, 3)

    def test_files_in_folders_of_splits_whose_labels_are_bare_numbers(self, tmp_path):
        root = sets.parquet(tmp_path, named=False, column="img")
        for name in ("train-00000-of-00002", "validation-00000-of-00001"):
            (root / name.partition("-")[0]).mkdir()
            (root / "data" / f"{name}.parquet").rename(root / name.partition("-")[0] / "0000.parquet")
        for path in (root / "data").iterdir():
            path.unlink()
        assert opened("parquet", root).train.classes == ("0", "1", "2")
        assert_right(opened("parquet", root, class_names=["a", "b", "c"]), (0, 1, 2), 4, 3)
        with pytest.raises(InputError, match="expected labels of 2 named classes, got 2"):
            opened("parquet", root, class_names=["a", "b"])

    def test_labels_that_are_texts_and_one_split_alone(self, tmp_path):
        import io

        import pyarrow as pa
        import pyarrow.parquet as pq

        cells = []
        for at in range(30):
            held = io.BytesIO()
            sets.picture(at % 3, at).save(held, "PNG")
            cells.append(held.getvalue())
        names = [("eel", "cat", "dog")[at % 3] for at in range(30)]
        pq.write_table(pa.table({"picture": cells, "class": names, "id": range(30)}), tmp_path / "0.parquet")
        splits = opened("parquet", tmp_path)
        assert_right(splits, (1, 2, 0), 8, 2)
        assert splits.train.classes == ("cat", "dog", "eel")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"image_column": "imge"}, "image_column: expected a column, got 'imge'; did you mean 'image'"),
            ({"label_column": "lable"}, "did you mean 'label'"),
            ({"class_names": ["cat", "dgo"]}, "did you mean 'dog'"),
        ],
    )
    def test_names_that_are_not_there(self, tmp_path, options, said):
        with pytest.raises(InputError, match=said):
            opened("parquet", sets.parquet(tmp_path), **options)

    def test_files_that_cannot_be_used_are_one_line(self, tmp_path):
        root = sets.parquet(tmp_path)
        path = root / "data" / "train-00001-of-00002.parquet"
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="expected a parquet file"):
            opened("parquet", root)
        (root / "data" / "validation-00000-of-00001.parquet").unlink()
        path.write_bytes(whole)
        with pytest.raises(InputError, match="got rows without one"):
            opened("parquet", root)
        (root / "other").mkdir()
        path.rename(root / "other" / path.name)
        with pytest.raises(InputError, match=r"got several \(data, other\)"):
            opened("parquet", root)

    def test_rows_without_an_image_are_skipped_with_their_reason(self, tmp_path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        root = sets.parquet(tmp_path)
        path = root / "data" / "train-00001-of-00002.parquet"
        table = pq.read_table(path)
        cells = [{"bytes": None, "path": "x.png"}, *table.column("image").to_pylist()[1:]]
        pq.write_table(table.set_column(0, "image", pa.array(cells, table.schema.field("image").type)), path)
        skipped = opened("parquet", root).train.skipped
        assert skipped == (f"data/{path.name} row 0: the row holds no bytes of an image",)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "train.parquet").touch()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'patternscope\[parquet\]'"):
        opened("parquet", tmp_path)
