"""The chance levels of a study: the controls of its layers, if they were measured."""

from patternscope.figures.drawing.annotations import StudyResults
from patternscope.results.controls import Control, ControlsResult
from patternscope.results.formatting import number
from patternscope.results.result import reads

CONTROLS = reads(ControlsResult, layer="all")
NAMES = {"permuted": "permuted targets", "untrained": "untrained network"}
"""The two controls, and their displayed names."""
SHORT_NAMES = ("permuted", "untrained")
NOT_MEASURED = "Chance: not measured."
Chance = dict[str, Control]
"""The controls of a layer by name."""


def read_chance(results: StudyResults, layers: list[str]) -> dict[str, Chance]:
    """Return the controls of those layers that have them, at the last checkpoint."""
    known = set(results.layers(ControlsResult))
    loaded = {layer: results.load(ControlsResult, layer=layer) for layer in layers if layer in known}
    return {layer: {name: getattr(control, name) for name in NAMES} for layer, control in loaded.items()}


def chance_cells(chance: Chance | None) -> dict[str, float | None]:
    """Return the evidence by chance as cells of a table, empty if it was not measured.

    >>> chance_cells(None)
    {'chance_permuted': None, 'chance_untrained': None}
    """
    return {f"chance_{name}": None if chance is None else chance[name].evidence.value for name in NAMES}


def chance_text(chance: Chance | None) -> str:
    """Return the evidence by chance as text for a figure.

    >>> chance_text(None)
    '–'
    """
    if chance is None:
        return "–"
    return " / ".join(number(chance[name].evidence.value) for name in NAMES)
