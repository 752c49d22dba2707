"""The folder of results, which one script writes and the next one reads."""

import csv
import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from torch import Tensor

from patternscope.errors import InputError
from patternscope.results.json_csv import read_json, write_json
from patternscope.tensor_files import read_tensors, write_tensors


@contextmanager
def replaced_content(folder: Path) -> Iterator[Path]:
    """Give a folder to write into, whose content moves to `folder` if the block ends without an error.

    InputError when `folder` cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
    except OSError as error:
        raise InputError(f"--save-dir: {folder} cannot be written ({error.strerror})") from error
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
    folder: Path, name: str, tensors: Mapping[str, Tensor], numbers: Mapping[str, object], features: str
) -> None:
    """Write `<name>.safetensors` and `<name>.json`; `features` is the digest of the fitted features."""
    write_tensors(tensors, folder / f"{name}.safetensors")
    write_json(folder / f"{name}.json", {**numbers, "features": features})


def earlier_result(folder: Path, name: str, script: str, features: str) -> dict[str, Tensor]:
    """Return the tensors that an earlier script wrote for the same features.

    InputError that names the script to run if they are missing or from other features.
    """
    path = folder / f"{name}.safetensors"
    if not path.is_file() or not path.with_suffix(".json").is_file():
        raise InputError(f"{path} does not exist; run {script} first, with the same dataset, arch and layer")
    if read_json(path.with_suffix(".json")).get("features") != features:
        raise InputError(f"{path} was made from other features; run {script} again")
    return read_tensors(path)


def digest(*tensors: Tensor) -> str:
    """Return a digest of tensors: shape, type and bytes.

    >>> import torch
    >>> digest(torch.zeros(2)) == digest(torch.zeros(2)), digest(torch.zeros(2)) == digest(torch.ones(2))
    (True, False)
    """
    known = hashlib.sha256()
    for tensor in tensors:
        known.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        known.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return known.hexdigest()


def write_table(path: Path, names: Sequence[str], columns: Sequence[Tensor]) -> None:
    """Write columns of numbers, (n,) or (n, m), as csv; `names` has one for each number of a row."""
    parts = [column.detach().cpu().reshape(len(column), -1).tolist() for column in columns]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([*chain.from_iterable(row)] for row in zip(*parts, strict=True))
