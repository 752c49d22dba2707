"""Small trees of exactly the layouts in which known data sets are unpacked; a class is a colour."""

import json
import struct
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = ((220, 60, 60), (60, 200, 60), (70, 70, 220))
WNIDS = ("n01443537", "n02123045", "n07747607")
WORDS = {
    "n01443537": "goldfish, Carassius auratus",
    "n02123045": "tabby, tabby cat",
    "n07747607": "orange",
    "n00001740": "entity",
}
BIRDS = ("001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross")


def picture(label: int, seed: int, size: tuple[int, int] = (24, 20)) -> Image.Image:
    """Noise around the colour of a class."""
    noise = np.random.default_rng(1000 * label + seed).integers(-20, 20, (size[1], size[0], 3))
    return Image.fromarray((np.array(COLOURS[label]) + noise).clip(0, 255).astype(np.uint8))


def save(path: Path, label: int, seed: int, size: tuple[int, int] = (24, 20)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture(label, seed, size).save(path)


def tiny_imagenet(root: Path, train: int = 6, val: int = 4) -> Path:
    """tiny-imagenet-200, of three classes in another order than that of their ids."""
    order = (WNIDS[1], WNIDS[0], WNIDS[2])
    rows = []
    for label, wnid in enumerate(order):
        for i in range(train):
            save(root / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", label, i, (64, 64))
        boxes = [f"{wnid}_{i}.JPEG\t0\t10\t63\t58\n" for i in range(train)]
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text("".join(boxes))
        for i in range(val):
            name = f"val_{3 * i + label}.JPEG"
            save(root / "val" / "images" / name, label, 100 + i, (64, 64))
            rows.append(f"{name}\t{wnid}\t0\t32\t44\t62\n")
    save(root / "test" / "images" / "test_0.JPEG", 0, 0, (64, 64))
    (root / "wnids.txt").write_text("".join(f"{wnid}\n" for wnid in order))
    (root / "words.txt").write_text("".join(f"{wnid}\t{words}\n" for wnid, words in WORDS.items()))
    (root / "val" / "val_annotations.txt").write_text("".join(rows))
    return root


def imagenet(root: Path, train: int = 6, val: int = 4) -> Path:
    """train/WNID and val/WNID, with synset_words.txt."""
    for label, wnid in enumerate(WNIDS):
        for i in range(train):
            save(root / "train" / wnid / f"{wnid}_{i}.JPEG", label, i)
        for i in range(val):
            save(root / "val" / wnid / f"ILSVRC2012_val_{10 * label + i:08d}.JPEG", label, 100 + i)
    (root / "synset_words.txt").write_text("".join(f"{wnid} {WORDS[wnid]}\n" for wnid in WNIDS))
    return root


def kaggle_imagenet(root: Path) -> Path:
    """ILSVRC/Data/CLS-LOC with a val without folders and LOC_val_solution.csv."""
    inside = root / "ILSVRC" / "Data" / "CLS-LOC"
    rows = ["ImageId,PredictionString\n"]
    for label, wnid in enumerate(WNIDS):
        for i in range(3):
            save(inside / "train" / wnid / f"{wnid}_{i}.JPEG", label, i)
            name = f"ILSVRC2012_val_{10 * label + i:08d}"
            save(inside / "val" / f"{name}.JPEG", label, 100 + i)
            rows.append(f"{name},{wnid} 85 1 499 272 {wnid} 1 2 3 4 \n")
    (root / "LOC_val_solution.csv").write_text("".join(rows))
    (root / "LOC_synset_mapping.txt").write_text("".join(f"{wnid} {WORDS[wnid]}\n" for wnid in WNIDS))
    return root


def cub(root: Path, count: int = 8) -> Path:
    """CUB_200_2011, every second picture to train on; the bird is the left half of a picture twice as wide as high."""
    files, labels, splits, boxes, number = [], [], [], [], 0
    for label, bird in enumerate(BIRDS):
        for i in range(count):
            number += 1
            name = f"{bird}/{bird[4:]}_{number:04d}_{i}.jpg"
            whole = Image.new("RGB", (80, 40), (250, 250, 250))
            whole.paste(picture(label, i, (40, 40)), (0, 0))
            (root / "images" / bird).mkdir(parents=True, exist_ok=True)
            whole.save(root / "images" / name)
            files.append(f"{number} {name}\n")
            labels.append(f"{number} {label + 1}\n")
            splits.append(f"{number} {(i + 1) % 2}\n")
            boxes.append(f"{number} 0.0 0.0 40.0 40.0\n")
    texts = {
        "images.txt": files,
        "image_class_labels.txt": labels,
        "train_test_split.txt": splits,
        "bounding_boxes.txt": boxes,
        "classes.txt": [f"{label + 1} {bird}\n" for label, bird in enumerate(BIRDS)],
    }
    for name, rows in texts.items():
        (root / name).write_text("".join(rows))
    (root / "attributes").mkdir()
    (root / "parts").mkdir()
    return root


def coco(root: Path, train: int = 5, val: int = 4, year: int = 2014) -> Path:
    """COCO: two objects a picture, side by side, with triangles as outlines; a crowd, and an object of few pixels."""
    names = {3: "car", 17: "cat", 55: "orange"}
    for split, count in (("train", train), ("val", val)):
        images, annotations = [], []
        for at in range(count):
            name = f"COCO_{split}{year}_{at:012d}.jpg"
            whole = Image.new("RGB", (120, 60), (128, 128, 128))
            for place in range(2):
                label = (at + place) % 3
                whole.paste(picture(label, 10 * at + place, (40, 40)), (10 + 60 * place, 10))
                left = 10 + 60 * place
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": at,
                        "category_id": list(names)[label],
                        "bbox": [left, 10.0, 40.0, 40.0],
                        "segmentation": [[left, 10, left + 40, 10, left, 50]],
                        "iscrowd": 0,
                    }
                )
            crowd = {"id": 1000 + at, "image_id": at, "category_id": 3, "bbox": [0, 0, 60, 60], "iscrowd": 1}
            small = {"id": 2000 + at, "image_id": at, "category_id": 3, "bbox": [0, 0, 50, 9], "iscrowd": 0}
            annotations += [{**crowd, "segmentation": {"counts": [0], "size": [60, 120]}}, small]
            (root / f"{split}{year}").mkdir(parents=True, exist_ok=True)
            whole.save(root / f"{split}{year}" / name)
            images.append({"id": at, "file_name": name, "width": 120, "height": 60})
        categories = [{"id": number, "name": name} for number, name in names.items()]
        (root / "annotations").mkdir(exist_ok=True)
        content = {"images": images, "annotations": annotations, "categories": categories}
        (root / "annotations" / f"instances_{split}{year}.json").write_text(json.dumps(content))
    return root


def records(labels: list[int], label_bytes: int, seed: int) -> bytes:
    """CIFAR's binary records."""
    parts = []
    for at, label in enumerate(labels):
        pixels = np.asarray(picture(label, seed + at, (32, 32))).transpose(2, 0, 1)
        parts.append(bytes([7] * (label_bytes - 1) + [label]) + pixels.tobytes())
    return b"".join(parts)


def cifar10(root: Path) -> Path:
    """cifar-10-batches-bin, of three classes."""
    root.mkdir(parents=True, exist_ok=True)
    for batch in range(5):
        (root / f"data_batch_{batch + 1}.bin").write_bytes(records([0, 1, 2], 1, batch))
    (root / "test_batch.bin").write_bytes(records([2, 1, 0, 0, 1, 2], 1, 50))
    (root / "batches.meta.txt").write_text("airplane\nautomobile\nbird\n\n")
    return root


def cifar100(root: Path) -> Path:
    """cifar-100-binary, of three classes."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "train.bin").write_bytes(records([0, 1, 2] * 4, 2, 0))
    (root / "test.bin").write_bytes(records([0, 1, 2] * 2, 2, 50))
    (root / "fine_label_names.txt").write_text("apple\naquarium_fish\nbaby\n")
    (root / "coarse_label_names.txt").write_text("fish\n")
    return root


def fashion_mnist(root: Path) -> Path:
    """torchvision's root of FashionMNIST: IDX files in FashionMNIST/raw, of all ten classes."""
    raw = root / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 40), ("t10k", 20)):
        pixels = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())
    return root


def parquet(root: Path, *, named: bool = True, column: str = "image") -> Path:
    """What `datasets` writes into data/: two train files of two row groups, validation, and a test without labels."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    (root / "data").mkdir(parents=True)
    features = {column: {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["cat", "dog", "eel"]}}
    about = {b"huggingface": json.dumps({"info": {"features": features}}).encode()} if named else None
    files = {"train-00000-of-00002": 12, "train-00001-of-00002": 6, "validation-00000-of-00001": 9}
    for name, count in {**files, "test-00000-of-00001": 3}.items():
        labels = [-1 if name.startswith("test") else at % 3 for at in range(count)]
        cells = []
        for at, label in enumerate(labels):
            held = io.BytesIO()
            picture(max(label, 0), len(name) + at).save(held, "PNG")
            cells.append({"bytes": held.getvalue(), "path": f"{at}.png"})
        table = pa.table({column: cells, "label": pa.array(labels, pa.int64())})
        pq.write_table(table.replace_schema_metadata(about), root / "data" / f"{name}.parquet", row_group_size=5)
    return root
