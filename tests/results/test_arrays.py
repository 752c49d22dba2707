"""Arrays come back as written, whole or by rows, whatever the shards."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.results.arrays import ShardedArray, ShardWriter
from patternscope.tensor_files import read_tensors, write_tensors


def write(folder, rows, sizes, shard_bytes):
    writer = ShardWriter(folder, "x", shard_bytes)
    for part in rows.split(sizes):
        writer.append(part)
    writer.close()
    return ShardedArray(folder, "x")


@given(count=st.integers(1, 40), part=st.integers(1, 45), shard_bytes=st.integers(1, 400), data=st.data())
def test_rows_come_back_as_written(tmp_path_factory, count, part, shard_bytes, data):
    folder = tmp_path_factory.mktemp("shards")
    rows = torch.arange(count * 6, dtype=torch.float32).reshape(count, 2, 3)
    array = write(folder, rows, part, shard_bytes)
    assert array.shape == rows.shape
    assert len(array) == count
    assert torch.equal(array.load(), rows)
    index = torch.tensor(data.draw(st.lists(st.integers(-count, count - 1), max_size=9)), dtype=torch.int64)
    assert torch.equal(array[index], rows[index])
    assert torch.equal(array[2 : count - 1 : 2], rows[2 : count - 1 : 2])
    assert torch.equal(array[-1], rows[-1])
    assert torch.equal(array[rows[:, 0, 0] > 20], rows[rows[:, 0, 0] > 20])
    assert torch.equal(torch.cat(list(array.batches(7))), rows)


@given(first=st.integers(1, 30), second=st.integers(1, 30))
def test_shards_do_not_depend_on_how_rows_came(tmp_path_factory, first, second):
    rows = torch.rand(25, 3, generator=torch.Generator().manual_seed(0))
    folders = [tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")]
    for folder, size in zip(folders, (first, second), strict=True):
        write(folder, rows, size, 100)
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert files[0] == files[1]
    assert len(files[0]) == 4


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64]
)
def test_every_dtype(tmp_path, dtype):
    rows = (torch.arange(24).reshape(6, 4) % 2).to(dtype)
    array = write(tmp_path, rows, 4, 9)
    assert array.dtype == dtype
    assert torch.equal(array.load(), rows)


def test_a_buffer_used_again_does_not_change_what_was_appended(tmp_path):
    buffer = torch.ones(2, 2)
    writer = ShardWriter(tmp_path, "x")
    writer.append(buffer)
    buffer.zero_()
    writer.append(buffer)
    writer.close()
    assert ShardedArray(tmp_path, "x").load().sum() == 4


def test_errors(tmp_path):
    with pytest.raises(InputError, match="expected an array called 'x', got none"):
        ShardedArray(tmp_path, "x")
    write(tmp_path, torch.ones(4, 2), 2, 8)
    with pytest.raises(IndexError):
        ShardedArray(tmp_path, "x")[4]
    path = tmp_path / "x-00000.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(InputError, match="expected a shard of an array"):
        ShardedArray(tmp_path, "x")
    with pytest.raises(InputError, match="expected a safetensors file"):
        read_tensors(path)
    write_tensors({"data": torch.ones(2, 3)}, path)
    with pytest.raises(InputError, match="of one shape and type, got"):
        ShardedArray(tmp_path, "x")


def test_equal_arrays_give_equal_bytes(tmp_path):
    arrays = {"b": torch.ones(3), "a": torch.zeros(2, 2).T}
    write_tensors(arrays, tmp_path / "1")
    write_tensors(dict(reversed(arrays.items())), tmp_path / "2")
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert read_tensors(tmp_path / "1")["b"].equal(torch.ones(3))
