"""The result of a stage: one frozen object that saves itself into files and reads them on access."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    get_type_hints,
)
from urllib.parse import unquote

from torch import Tensor

from patternscope.errors import InputError
from patternscope.results.json_csv import read_json, write_json
from patternscope.results.record_codec import decode_fields, encode_fields
from patternscope.tensor_files import read_tensors, write_tensors
from patternscope.workflow.stages import Need, layer_folder

Axis = Literal["checkpoint", "layer"]
Part = TypeVar("Part")
Check = Callable[[str], None]
_SUFFIX = ".safetensors"


def unchecked(name: str) -> None:
    """Accept a file that was just written, or that the reading run has verified."""


def arrays(file: str, **options: Any) -> Any:
    """Declare a field that is a tensor, or a mapping of names to tensors, in `file`.safetensors.

    `key` is its name there; a mapping with an empty key contains everything that no other field of the file does.
    """
    return field(metadata={"file": f"{file}{_SUFFIX}", **options})


def record(file: str, **options: Any) -> Any:
    """Declare a field that is an entry of `file`.json; options as in `record_codec`."""
    return field(metadata={"file": f"{file}.json", **options})


def folder(name: str, kind: type) -> Any:
    """Declare a field that is a separate folder: `kind` has `save(folder)` and `load(folder)`.

    For the `name` "{layer}", there is a folder for each layer; `kind` gets their parent, and a function that checks a
    layer's folder before it is read. Any other is None if the folder does not exist, also for a stage that declares it:
    the key of that stage is the same as without the declaration.
    """
    return field(metadata={"file": f"{name}/", "kind": kind})


def layer_arrays(kind: type) -> Any:
    """Declare a field that maps each layer to a `kind`, a dataclass of tensors, in a file named by the layer."""
    return field(metadata={"file": f"{{layer}}{_SUFFIX}", "kind": kind})


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(arrays, record, folder, layer_arrays))
class Result:
    """Base of the results of all stages: each is a frozen dataclass whose fields declare their file.

    `STAGE` is the folder of the stage in a study, `AXES` the axes of its units, `PART` the section of the settings that
    enables it, None if every study has it; `VARIANTS` are folders below that of the stage, if any. A loaded object
    reads a file when one of its fields is first used; a constructed one has its values in memory.
    """

    STAGE: ClassVar[str]
    AXES: ClassVar[tuple[Axis, ...]] = ()
    PART: ClassVar[str | None] = None
    VARIANTS: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Make each result a frozen dataclass; results are not compared, since tensors have no single truth value."""
        dataclass(frozen=True, eq=False, repr=False)(cls)

    def save(self, folder: Path) -> None:
        """Write all files of the result into a folder; a part that is None is not written."""
        folder.mkdir(parents=True, exist_ok=True)
        for file, names in _fields_by_file(type(self)).items():
            values = {name: getattr(self, name) for name in names}
            if file.endswith(".json"):
                write_json(folder / file, encode_fields(type(self), values))
            elif file == f"{{layer}}{_SUFFIX}":
                for layer, part in next(iter(values.values())).items():
                    write_tensors(_flat_tensors(vars(part)), folder / f"{layer_folder(layer)}{_SUFFIX}")
            elif file.endswith(_SUFFIX):
                keys = {entry.name: entry.metadata.get("key", entry.name) for entry in fields(cast(Any, type(self)))}
                write_tensors(_flat_tensors({keys[name]: value for name, value in values.items()}), folder / file)
            elif (part := values[names[0]]) is not None:
                part.save(_place_of(folder, file))

    @classmethod
    def load(cls, folder: Path, files: Collection[str] | None = None, check: Check = unchecked) -> Self:
        """Return the result in a unit's folder; with `files`, a field of any other file is a KeyError.

        `check` gets the name of each file before it is read (a folder's with a slash at its end), and a name with
        {layer} before the layers are listed.
        """
        loaded = object.__new__(cls)
        object.__setattr__(loaded, "_source", (folder, None if files is None else frozenset(files), check))
        return loaded

    def with_values(self, **values: Any) -> Self:
        """Return a copy with other values for some fields; unlike `dataclasses.replace`, it reads nothing."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__, **values)
        return copied

    def __repr__(self) -> str:
        """Name the fields; their values are too long, and some would have to be read first."""
        return f"{type(self).__name__}({', '.join(entry.name for entry in fields(cast(Any, type(self))))})"

    if not TYPE_CHECKING:  # a type checker only sees the fields

        def __getattr__(self, name: str) -> Any:
            """Read the file of a field on first access."""
            source = self.__dict__.get("_source")
            file = None if source is None else _file_of(type(self), name)
            if file is None:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            for key, value in _read_file(type(self), file, *source).items():
                self.__dict__.setdefault(key, value)
            return self.__dict__[name]


def reads(
    kind: type[Result],
    *names: str,
    variant: str | None = None,
    checkpoint: Literal["same", "before", "last", "all"] = "same",
    layer: Literal["same", "all"] = "same",
    back: int = 1,
) -> Need:
    """Return the need of a stage that reads these fields of a result, or all of them; `variant` as `stage_name`.

    A per-layer file is that of the reader's layer if `layer` is "same", and of all layers otherwise.
    """
    files = [_file_of(kind, name) for name in names]
    if None in files:
        raise KeyError(f"{kind.__name__} has no field {names[files.index(None)]!r}")
    known = [file for file in files if file is not None]
    if layer == "all" and any("{layer}" in file for file in known):
        known = []
    return Need(stage_name(kind, variant), tuple(dict.fromkeys(known)), checkpoint, back, layer)


def stage_name(kind: type[Result], variant: str | None = None) -> str:
    """Return the name of the stage that writes a result; a variant, such as one student, has its own name."""
    return kind.STAGE if variant is None else f"{kind.STAGE}/{variant}"


class LayerFiles(Mapping[str, Part], Generic[Part]):
    """The per-layer files of a unit's folder, each read on access."""

    def __init__(self, folder: Path, kind: type[Part], others: Collection[str], check: Check = unchecked) -> None:
        self._kind, self._check = kind, check
        self._paths = {
            unquote(path.stem): path for path in sorted(folder.glob(f"*{_SUFFIX}")) if path.name not in others
        }

    def __getitem__(self, layer: str) -> Part:
        """Read the file of a layer."""
        self._check(self._paths[layer].name)
        return self._kind(**_take_tensors(self._kind, read_tensors(self._paths[layer]), self._paths[layer]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _fields_by_file(kind: type) -> dict[str, list[str]]:
    """Names of the fields in each file of a result."""
    names: dict[str, list[str]] = {}
    for entry in fields(kind):
        names.setdefault(entry.metadata["file"], []).append(entry.name)
    return names


def _file_of(kind: type, name: str) -> str | None:
    """The file of a field, None if there is no such field."""
    return next((entry.metadata["file"] for entry in fields(kind) if entry.name == name), None)


def _read_file(kind: type, file: str, folder: Path, declared: frozenset[str] | None, check: Check) -> dict[str, Any]:
    """Values of all fields that are in one file."""
    entries = [entry for entry in fields(kind) if entry.metadata["file"] == file]
    part = entries[0].metadata.get("kind")
    if part is not None and "{layer}" not in file and not (folder / file).exists():
        check(file)
        return {entries[0].name: None}
    if declared is not None and not _is_declared(file, declared):
        raise KeyError(f"{folder}: {kind.__name__}.{entries[0].name} is read without being declared")
    if "{layer}" in file:
        check(file)
    if file == f"{{layer}}{_SUFFIX}":
        return {entries[0].name: LayerFiles(folder, entries[0].metadata["kind"], _fields_by_file(kind), check)}
    if file == "{layer}/" and part is not None:
        return {entries[0].name: part.load(folder, check)}
    if part is not None:
        check(file)
        return {entries[0].name: part.load(folder / file)}
    check(file)
    if file.endswith(".json"):
        return decode_fields(kind, entries, read_json(folder / file), folder / file)
    tensors = read_tensors(folder / file)
    return _take_tensors(kind, tensors, folder / file, [entry.name for entry in entries])


def _place_of(folder: Path, file: str) -> Path:
    """The folder that a separate part is saved to."""
    return folder if "{layer}" in file else folder / file


def _is_declared(file: str, declared: frozenset[str]) -> bool:
    """Tell whether the files that a reader declared include this one."""
    if "{layer}" in file:  # which layers were declared is checked when one is read
        return True
    return file in declared or (file.endswith("/") and any(name.startswith(file) for name in declared))


def _flat_tensors(values: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors by name; those of a mapping as name/key, and None as nothing."""
    flat: dict[str, Tensor] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}/{layer_folder(key)}".lstrip("/"): tensor for key, tensor in value.items()}
        elif value is not None:
            flat[name] = value
    return flat


def _take_tensors(
    kind: type, tensors: Mapping[str, Tensor], path: Path, names: Collection[str] | None = None
) -> dict[str, Any]:
    """The fields of a dataclass from the tensors of a file; an optional one may be missing."""
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for entry in fields(kind):
        if names is not None and entry.name not in names:
            continue
        key = entry.metadata.get("key", entry.name)
        prefix = f"{key}/".lstrip("/")
        inner = {
            unquote(n.removeprefix(prefix)): tensor
            for n, tensor in tensors.items()
            if n.startswith(prefix) and n not in hints
        }
        values[entry.name] = tensors.get(key, inner or None)
        if values[entry.name] is None and type(None) not in getattr(hints[entry.name], "__args__", ()):
            if entry.default is MISSING:
                raise InputError(f"{path}: expected the array {key!r}, got {sorted(tensors)}")
            del values[entry.name]
    return values
