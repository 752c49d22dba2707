"""The figures of a study as a report shows them: in which part, with what caption, inside the page."""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from patternscope.workflow.stages import Unit
from patternscope.workflow.status import UnitStatus

_PIXELS_AN_INCH = 96 * 1.2  # of a page: a fifth larger than on paper, so that small letters are legible
_KINDS = {".png": "image/png", ".gif": "image/gif"}
MORE = "more"
# Part of the report and caption, in the order in which they are shown.
CAPTIONS: dict[str, tuple[str, str]] = {
    "counts": ("depth", "Knowledge points an image in each layer, and the reliable ones among them."),
    "knowledge_points": (
        "depth",
        "Knowledge points of some images, a row a layer: regions that say the image's own class and regions that say "
        "another.",
    ),
    "importance": ("depth", "The importance weights of regions on the same images."),
    "regional_embedding": (
        "depth",
        "Regional embeddings of each layer; knowledge points have the colours of the classes that they say.",
    ),
    "region_paths": ("depth", "Some regions on their ways through the layers and through training."),
    "emergence": ("training", "Knowledge points through training, layer by layer, and by class below."),
    "training_strip": (
        "training",
        "The sample embedding at each checkpoint, all in one frame and on one scale.",
    ),
    "training_animation": ("training", "The same as an animation."),
    "faithfulness": (
        "faithfulness",
        "The network's probability of the true class as regions are taken away, the most important first.",
    ),
    "attack_regions": ("attack", "Knowledge points of some images before the attack and after it."),
    "attack_change": (
        "attack",
        "How far regions turned, and how much their strength changed, layer by layer.",
    ),
    "attack_histogram": (
        "attack",
        "How probable the target was, before the attack, at regions that are knowledge points of it afterwards.",
    ),
    "attack_trajectories": ("attack", "Ways of regions under the attack, by type."),
    "distilled_counts": (
        "students",
        "Knowledge points of the teacher and its students, and their differences.",
    ),
    "distilled_histograms": (
        "students",
        "How far the students' regional embeddings turned from the teacher's, and how much stronger they are.",
    ),
    "sample_embedding": (
        "trust",
        "The sample embedding: an image's direction says of which class it is, its strength how sure the network is.",
    ),
    "losses": ("trust", "How training and the fits went."),
}


@dataclass(frozen=True)
class Picture:
    """A figure in the page: name, part, caption, the picture as a data address, and its width in pixels of a page."""

    name: str
    part: str
    caption: str
    address: str
    width: int

    @property
    def moving(self) -> bool:
        """Whether it is an animation, of which paper shows nothing."""
        return self.address.startswith("data:image/gif")


def pictures(study: Path, units: Iterable[UnitStatus]) -> tuple[list[Picture], list[str]]:
    """Return the figures of a study that are up to date, in the order of `CAPTIONS`, and the names of those not.

    A figure without a caption comes last, under its name. Cost: memory for all pictures.
    """
    known = {each.unit: each.state for each in units if each.unit.stage.startswith("figures/")}
    names = {_name(unit): unit for unit in known}
    order = [*[name for name in CAPTIONS if name in names], *[name for name in names if name not in CAPTIONS]]
    drawn = [name for name in order if known[names[name]] == "done"]
    shown = [_picture(name, path) for name in drawn if (path := _file(study, names[name])) is not None]
    return shown, [name for name in order if name not in drawn]


def _name(unit: Unit) -> str:
    return unit.stage.partition("/")[2]


def _file(study: Path, unit: Unit) -> Path | None:
    """The picture of a figure, a still one before a moving one; None where it has neither."""
    files = (study / unit.path / f"{_name(unit)}{kind}" for kind in _KINDS)
    return next((path for path in files if path.is_file()), None)


def _picture(name: str, path: Path) -> Picture:
    """A figure ready for the page."""
    part, caption = CAPTIONS.get(name, (MORE, f"{name.replace('_', ' ').capitalize()}."))
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        dots = image.info.get("dpi", (_PIXELS_AN_INCH,))[0]
        width = round(image.width / dots * _PIXELS_AN_INCH)
    address = f"data:{_KINDS[path.suffix]};base64,{base64.b64encode(content).decode()}"
    return Picture(name, part, caption, address, width)
