"""The folder of results: what one script writes, and what the next one reads of it."""

import csv
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from torch import Tensor

from patternscope.errors import InputError
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import read_json, write_json


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Yield a folder to write into; its content takes its place in `folder` when the block ends well.

    InputError when `folder` cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    except OSError as error:
        raise InputError(f"--save-dir: {folder} cannot be written ({error.strerror})") from None
    try:
        yield partial
        for item in sorted(partial.iterdir()):
            target = folder / item.name
            if target.is_dir():
                shutil.rmtree(target)
            item.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_result(
    folder: Path, name: str, arrays: Mapping[str, Tensor], record: Mapping[str, object], of: str
) -> None:
    """Write `<name>.safetensors` and `<name>.json`; `of` is the digest of the features behind them."""
    save_arrays(folder / f"{name}.safetensors", arrays)
    write_json(folder / f"{name}.json", {**record, "features": of})


def earlier_result(folder: Path, name: str, script: str, of: str) -> dict[str, Tensor]:
    """Return the arrays that an earlier script wrote of the same features.

    InputError that names the script to run when they are missing or of other features.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file() or not path.with_suffix(".json").is_file():
        raise InputError(f"{path} is missing; run {script} first, with the same dataset, arch and layer")
    if read_json(path.with_suffix(".json")).get("features") != of:
        raise InputError(f"{path} was made from other features; run {script} again")
    return load_arrays(path)


def digest(*arrays: Tensor) -> str:
    """Return a digest of tensors: shape, type and bytes.

    >>> import torch
    >>> digest(torch.zeros(2)) == digest(torch.zeros(2)), digest(torch.zeros(2)) == digest(torch.ones(2))
    (True, False)
    """
    known = hashlib.sha256()
    for array in arrays:
        known.update(f"{array.dtype}{tuple(array.shape)}".encode())
        known.update(array.detach().cpu().contiguous().numpy().tobytes())
    return known.hexdigest()


def write_table(path: Path, names: list[str], columns: list[Tensor]) -> None:
    """Write columns of numbers, (n,) or (n, m), as csv; `names` has one for each number of a row."""
    parts = [column.detach().cpu().reshape(len(column), -1).tolist() for column in columns]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([*chain.from_iterable(row)] for row in zip(*parts, strict=True))
