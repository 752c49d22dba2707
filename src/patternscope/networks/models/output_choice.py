"""The choice of a network's outputs for the classes of the images: by name, by number, or by position."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from patternscope.errors import InputError, nearest
from patternscope.networks.models.class_names import OutputNames
from patternscope.networks.models.heads import REST

Output: TypeAlias = str | int
Asked: TypeAlias = Mapping[str, Output] | Sequence[Output]

_SETTING = "network.classes"
_REMEDY = (
    "let its factory take `classes`, or give it a last layer of {classes}; or say with network.classes which output "
    "each class is"
)


@dataclass(frozen=True)
class OutputChoice:
    """The output of each class of the images.

    outputs: by class, REST for everything but the other class; names: of these outputs; count: the network's outputs;
    source: where the choice comes from.
    """

    outputs: tuple[int, ...]
    names: tuple[str, ...]
    count: int
    source: str


def choose_outputs(
    classes: Sequence[str],
    count: int,
    names: OutputNames | None,
    asked: Asked | None = None,
    *,
    sigmoid: bool = False,
    setting: str = _SETTING,
) -> OutputChoice | None:
    """Return which of a network's `count` outputs are the classes of the images, None for all of them in order.

    Those `asked` for, by class or in the order of the classes; else those with the names of the classes; else, for as
    many outputs as classes, each in order. A single output distinguishes two classes: it is the logit of the second,
    unless `asked` names the first. With `sigmoid`, each output is a separate yes or no, and `asked` may name one class
    of two; the other is the rest.

    Raises:
        InputError: names of no output, with the nearest; an output for two classes; and, for more than two classes, a
            network with one output, or with a separate yes or no per output.

    >>> known = OutputNames((("tench",), ("goldfish",), ("tiger_shark",)), "a list")
    >>> choose_outputs(("Tiger shark", "tench"), 3, known).outputs
    (2, 0)
    """
    yes_or_no = sigmoid or count == 1
    if yes_or_no and len(classes) != 2:
        kind = "one output, which distinguishes two classes" if count == 1 else "outputs that are each a yes or no"
        raise InputError(
            f"network: expected two classes for a network with {kind}, got {len(classes)}, which have no joint "
            'probability; select two with images.class_names, or set network.head = "probe"'
        )
    if asked is not None:
        outputs = _asked_outputs(classes, count, names, asked, yes_or_no, setting)
        source = "as requested"
    elif count == 1:
        outputs, source = (REST, 0), "its single output is used for the second class"
    else:
        outputs, source = _found_outputs(classes, count, names, setting)
        if outputs == tuple(range(count)):
            return None
    if len(set(outputs)) < len(outputs):
        twice = next(place for place in outputs if outputs.count(place) > 1)
        both = [name for name, place in zip(classes, outputs, strict=True) if place == twice]
        raise InputError(f"{setting}: expected an output for each class, got output {twice} for {both}")
    return OutputChoice(outputs, tuple(_shown(place, names) for place in outputs), count, source)


def match_names(classes: Sequence[str], names: OutputNames) -> dict[str, int]:
    """Return the output of each class whose name is that of exactly one output.

    >>> match_names(["tench", "cat"], OutputNames((("tench",), ("crane",), ("crane",)), "a list"))
    {'tench': 0}
    """
    # Displayed names come before synonyms: "crane" is the machine.
    tables = [_table(OutputNames(own, ""), plain) for plain in (False, True) for own in (_firsts(names), names.names)]
    found: dict[str, int] = {}
    for name in classes:
        places = next((table[key] for table in tables for key in (name, _plain(name)) if key in table), [])
        if len(places) == 1:
            found[name] = places[0]
    return found


def _firsts(names: OutputNames) -> tuple[tuple[str, ...], ...]:
    """Only the displayed names."""
    return tuple(own[:1] for own in names.names)


def _found_outputs(
    classes: Sequence[str], count: int, names: OutputNames | None, setting: str
) -> tuple[tuple[int, ...], str]:
    """The outputs with the names of the classes, or in their order, and the source of the choice."""
    matched = {} if names is None else match_names(classes, names)
    if names is not None and len(matched) == len(classes):
        return tuple(matched[name] for name in classes), f"found by {names.source}"
    if count == len(classes):
        return tuple(range(count)), ""
    if setting == _SETTING:
        start = f"network: expected {len(classes)} numbers per image, one for each class of the images, got {count}"
        start = f"{start}; {_REMEDY.format(classes=len(classes))}"
    else:
        start = (
            f"{setting}: expected {count} names, one per logit of the network, got {len(classes)}; or outputs by class"
        )
    if names is None:
        raise InputError(start)
    missing = [name for name in classes if name not in matched]
    hints = "; ".join(f"{name!r}: {_hint(name, names)}" for name in missing[:3])
    more = f"; and {len(missing) - 3} more" if len(missing) > 3 else ""
    raise InputError(f"{start}. By {names.source}, {hints}{more}")


def _asked_outputs(
    classes: Sequence[str], count: int, names: OutputNames | None, asked: Asked, yes_or_no: bool, setting: str
) -> tuple[int, ...]:
    """The requested outputs."""
    if not isinstance(asked, Mapping):
        if len(asked) != len(classes):
            raise InputError(
                f"{setting}: expected {len(classes)} outputs, one for each class of the images ({_few(classes)}), "
                f"got {len(asked)}"
            )
        asked = dict(zip(classes, asked, strict=True))
    for name in asked:
        if name not in classes:
            raise InputError(f"{setting}: expected classes of the images, got {name!r}; {nearest(name, classes)}")
    missing = [name for name in classes if name not in asked]
    if missing and not (yes_or_no and len(missing) == 1):
        hint = "" if yes_or_no or len(classes) > 2 else '; with network.head = "sigmoid" it is the rest'
        raise InputError(f"{setting}: expected an output for each class, got none for {_few(missing)}{hint}")
    return tuple(output_number(asked[name], count, names, setting) if name in asked else REST for name in classes)


def output_number(asked: Output, count: int, names: OutputNames | None, setting: str) -> int:
    """Return the number of an output that is named or numbered; InputError if the network has no such output."""
    if isinstance(asked, int):
        if not 0 <= asked < count:
            raise InputError(f"{setting}: expected outputs 0 to {count - 1}, got {asked}")
        return asked
    if names is None:
        raise InputError(
            f"{setting}: expected numbers of outputs, since their names are unknown, got {asked!r}; "
            "network.class_file tells names"
        )
    if (found := match_names([asked], names)).get(asked) is None:
        raise InputError(f"{setting}: expected a name of {names.source}, got {asked!r}; {_hint(asked, names)}")
    return found[asked]


def _table(names: OutputNames, plain: bool) -> dict[str, list[int]]:
    """The outputs of each name."""
    table: dict[str, list[int]] = {}
    for place, own in enumerate(names.names):
        for name in {_plain(name) if plain else name for name in own}:
            table.setdefault(name, []).append(place)
    return table


def _hint(name: str, names: OutputNames) -> str:
    """The nearest name, or the outputs that share this one."""
    places = _table(names, True).get(_plain(name), [])
    if len(places) > 1:
        return f"a name of outputs {', '.join(map(str, places))}"
    words = sorted(each for each in _table(names, True) if _plain(name) in each.split())
    if words:
        return f"did you mean {' or '.join(repr(word) for word in words[:3])}?"
    return nearest(_plain(name), _table(names, True))


def _plain(name: str) -> str:
    """A name in normalised spelling.

    >>> _plain("Golden_Retriever")
    'golden retriever'
    """
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _shown(place: int, names: OutputNames | None) -> str:
    """The displayed name of an output."""
    if place == REST:
        return "rest"
    return str(place) if names is None else names.names[place][0]


def _few(names: Sequence[str]) -> str:
    """Some names, shortened to a few."""
    return ", ".join(map(repr, names[:6])) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
