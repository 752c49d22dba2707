"""The figures of a study as a report shows them: in which part, with what caption, inside the page."""

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from patternscope.report.part import report_parts
from patternscope.workflow.stages import Unit
from patternscope.workflow.status import UnitStatus
from patternscope.workflow.store import Store
from patternscope.workflow.verification import UnitCheck

_PIXELS_AN_INCH = 96 * 1.2  # of a page: a fifth larger than on paper, so that small letters are legible
_KINDS = {".png": "image/png", ".gif": "image/gif"}
MORE = "more"


@dataclass(frozen=True)
class Picture:
    """A figure in the page: name, part, caption, the picture as a data address, and its size in pixels of a page."""

    name: str
    part: str
    caption: str
    address: str
    width: int
    height: int

    @property
    def moving(self) -> bool:
        """Tell whether it is an animation, which cannot be printed."""
        return self.address.startswith("data:image/gif")


@dataclass(frozen=True)
class Pictures:
    """The figures that are up to date, in the order of the page, and the names of the others."""

    drawn: Sequence[Picture] = ()
    omitted: Sequence[str] = ()


def captions() -> dict[str, tuple[str, str]]:
    """Return the part of the report and the caption of each figure that has one, in the order of the page."""
    return {name: (part.key, caption) for part in report_parts() for name, caption in part.captions.items()}


def read_pictures(study: Path, states: Iterable[UnitStatus]) -> Pictures:
    """Return the figures in a study's folder, by the states of its units.

    A figure without a caption comes last, under its name. InputError for a damaged one. Cost: memory for all pictures.
    """
    figures = {_name(status.unit): status for status in states if status.unit.stage.startswith("figures/")}
    known = captions()
    order = [*[name for name in known if name in figures], *[name for name in figures if name not in known]]
    up_to_date = [name for name in order if figures[name].state == "done"]
    files = {name: _file(study, figures[name].unit) for name in up_to_date}
    drawn = [_picture(name, file) for name, file in files.items() if file is not None]
    return Pictures(drawn, [name for name in order if name not in up_to_date])


def _name(unit: Unit) -> str:
    return unit.stage.partition("/")[2]


def _file(study: Path, unit: Unit) -> Path | None:
    """The picture of a figure, preferably a still one; None if it has none."""
    files = (study / unit.path / f"{_name(unit)}{kind}" for kind in _KINDS)
    path = next((path for path in files if path.is_file()), None)
    if path is not None:
        UnitCheck(Store(study), unit)(path.name)
    return path


def _picture(name: str, path: Path) -> Picture:
    """A figure ready for the page."""
    part, caption = captions().get(name, (MORE, f"{name.replace('_', ' ').capitalize()}."))
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        dots = image.info.get("dpi", (_PIXELS_AN_INCH,))[0]
        width, height = (round(side / dots * _PIXELS_AN_INCH) for side in image.size)
    address = f"data:{_KINDS[path.suffix]};base64,{base64.b64encode(content).decode()}"
    return Picture(name, part, caption, address, width, height)
