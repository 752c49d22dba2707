"""Photographs of ten ImageNet classes from the Debian package gcompris-qt-data, unpacked from Qt's resource files."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

RESOURCES = Path("/usr/share/gcompris-qt/rcc")
_COMPRESSED, _FOLDER = 1, 2
_TOOLS, _WORLD = "categorization.rcc:tools/", "explore_monuments.rcc:"
_BUILDINGS, _DETAILS = "categorization.rcc:monuments/", "details.rcc:image/"

# Chosen by eye, before any network saw them: every photograph of the package that shows one of these classes.
CLASSES = {
    "hammer": [f"{_TOOLS}hammer{number}" for number in range(1, 10)],
    "screwdriver": [f"{_TOOLS}screwDriver{number}" for number in ("", 1, 2, 3)],
    "dam": [f"categorization.rcc:renewable/dam{number}" for number in range(1, 6)],
    "castle": [
        *(f"{_WORLD}france/chateaude{name}" for name in ("Chambord", "Chenonceau")),
        f"{_WORLD}germany/neuschwansteinCastle",
        *(
            f"{_DETAILS}{name}_background"
            for name in ("Chenonceau", "EilanDonanCastle", "EgeskovSlotSpejling", "Neuschwanstein", "Nagoya")
        ),
    ],
    "church": [
        f"{_BUILDINGS}cathedral",
        f"{_BUILDINGS}monument3",
        f"{_WORLD}france/reimsCathedral",
        f"{_WORLD}germany/berlinCathedral",
        f"{_WORLD}germany/wormsCathedral",
        f"{_DETAILS}NDP_background",
    ],
    "palace": [
        f"{_BUILDINGS}zimniPalace",
        f"{_BUILDINGS}leMusee",
        f"{_DETAILS}Louvre_2007_02_24_c_background",
        f"{_WORLD}germany/schwerinPalace",
        *(f"{_WORLD}india/{name}" for name in ("mysorePalace", "hawaMahal")),
    ],
    "triumphal_arch": [f"{_BUILDINGS}arcDeTriomphe", f"{_BUILDINGS}IndiaGate", f"{_WORLD}india/gatewayofIndia"],
    "monastery": [f"{_WORLD}france/montStMichel", f"{_WORLD}france/rocamadour"],
    "African_chameleon": ["erase.rcc:resource/chamaeleon", "explore_world_animals.rcc:animals/chameleon"],
    "cup": ["categorization.rcc:others/cup", "categorization.rcc:others/buffetset"],
}


def write_photographs(folder: Path, resources: Path = RESOURCES) -> dict[str, int]:
    """Write the photographs into class folders of `folder` and return their number by class.

    Nothing is trained, so that all are analysed; the layout of train and val asks for both, and both have all.
    """
    contents: dict[str, dict[str, bytes]] = {}
    for name, places in CLASSES.items():
        for place in places:
            file, _, path = place.partition(":")
            if file not in contents:
                contents[file] = {_short(inside): data for inside, data in read_resources(resources / file)}
            for split in ("train", "val"):
                target = folder / split / name / f"{path.replace('/', '_')}.webp"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents[file][path])
    return {name: len(places) for name, places in CLASSES.items()}


def read_resources(file: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of the files in a compiled Qt resource file (rcc), whose numbers are big-endian."""
    content = file.read_bytes()
    if content[:4] != b"qres":
        raise ValueError(f"{file}: expected a Qt resource file")
    version, tree, data, names = struct.unpack_from(">4I", content, 4)
    node_size = 14 if version < 2 else 22

    def walk(node: int, above: str) -> Iterator[tuple[str, bytes]]:
        place = tree + node * node_size
        name_at, flags = struct.unpack_from(">IH", content, place)
        (length,) = struct.unpack_from(">H", content, names + name_at)
        text = names + name_at + 6
        path = f"{above}/{content[text : text + 2 * length].decode('utf-16-be')}"
        if flags & _FOLDER:
            count, first = struct.unpack_from(">II", content, place + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        (at,) = struct.unpack_from(">I", content, place + 10)
        (size,) = struct.unpack_from(">I", content, data + at)
        inside = content[data + at + 4 : data + at + 4 + size]
        yield path, zlib.decompress(inside[4:]) if flags & _COMPRESSED else inside

    yield from walk(0, "")


def _short(path: str) -> str:
    """The folder and name of a file, without suffix."""
    return "/".join(path.split("/")[-2:]).rpartition(".")[0]
