"""The page: parts with sentences, tables and figures, rendered by the template."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from patternscope.report.citing import PAPER, project_entry
from patternscope.report.contents import Contents, Setup, read_contents
from patternscope.report.formatting import counted, listed
from patternscope.report.part import ReportPart, Said, report_parts
from patternscope.report.pictures import MORE, Picture, Pictures
from patternscope.report.tables import Table
from patternscope.results.formatting import at_checkpoint, number, threshold_text
from patternscope.results.provenance import Provenance
from patternscope.results.study import StudyResults

_FINDINGS = 3
_HEROES = ("evidence", "counts")  # the figure of the first screen: the first of these that is drawn


@dataclass(frozen=True)
class Reproduction:
    """How to repeat a study, and how to verify the repetition.

    Attributes:
        command, settings_file, short_settings, settings: settings as TOML, without the defaults and with them.
        provenance: the programs and machines that made the study. seed: of the study.
        digest: SHA-256 of the study's summary, equal when it is repeated with these versions.
        in_memory: whether network and images were in memory, so that no command repeats it.
    """

    command: str
    settings_file: str
    short_settings: str
    settings: str
    provenance: Provenance
    seed: int
    digest: str
    in_memory: bool = False


@dataclass(frozen=True)
class Part:
    """A part of the page; `folded` figures appear with its tables."""

    key: str
    title: str
    sentences: Sequence[str]
    tables: Sequence[Table]
    pictures: Sequence[Picture]
    folded: Sequence[Picture] = ()

    @property
    def contents(self) -> str:
        """A description of the folded content."""
        names = [picture.name.replace("_", " ") for picture in self.folded]
        return listed([*(["Numbers"] if self.tables else []), *names]).capitalize()


class Finding(NamedTuple):
    """A sentence of the first screen, and the part that it belongs to."""

    part: str
    sentence: str


@dataclass(frozen=True)
class Page:
    """All that the template shows.

    Attributes:
        title, about: the subject of the study. findings, hero: the first screen; neither is repeated below.
        parts: in the order of the page.
        omitted_figures: names of figures that are not up to date. reproduction: how to repeat the study.
        paper, project: BibTeX.
    """

    title: str
    about: str
    findings: Sequence[Finding]
    hero: Picture | None
    parts: Sequence[Part]
    omitted_figures: Sequence[str]
    reproduction: Reproduction
    paper: str = PAPER
    project: str = project_entry()


def read_page(results: StudyResults, setup: Setup, reproduction: Reproduction, pictures: Pictures) -> Page:
    """Return the page of a finished study; InputError when a file of its results is missing or damaged."""
    contents = read_contents(results, setup)
    said = [(part, told) for part in report_parts() if (told := part.read(contents)) is not None]
    findings = _findings(said)
    hero = next((picture for name in _HEROES for picture in pictures.drawn if picture.name == name), None)
    return Page(
        title=f"Knowledge points of {setup.architecture} on {setup.images}",
        about=_about(contents),
        findings=findings,
        hero=hero,
        parts=_parts(said, {finding.part for finding in findings}, [each for each in pictures.drawn if each != hero]),
        omitted_figures=pictures.omitted,
        reproduction=reproduction,
    )


def render(page: Page, *, for_print: bool = False) -> str:
    """Return the page as one HTML text that requests nothing.

    With `for_print`, folded content is open and the colours are light.
    """
    return render_template("page.html", page=page, for_print=for_print)


def render_template(name: str, **shown: Any) -> str:
    """Return a template of this folder, filled, with the style of all pages."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (folder / "page.css").read_text(encoding="utf-8")
    return environment.get_template(name).render(style=style, **shown)


def _findings(said: Sequence[tuple[ReportPart, Said]]) -> list[Finding]:
    """The main findings: the first sentences of the parts with the highest rank."""
    ranked = sorted(
        (part.finding, Finding(part.key, sentences[0])) for part, (sentences, _) in said if part.finding is not None
    )
    return [finding for _, finding in ranked[:_FINDINGS]]


def _parts(said: Sequence[tuple[ReportPart, Said]], found: Collection[str], drawn: Sequence[Picture]) -> list[Part]:
    """The parts that the study has, without the content of the first screen, and the figures that belong to none."""
    parts = []
    for part, (sentences, tables) in said:
        own = [picture for picture in drawn if picture.part == part.key]
        rest = sentences[1:] if part.key in found else sentences
        known = [table for table in tables if table is not None]
        parts.append(Part(part.key, part.title, rest, known, own[: part.shown], own[part.shown :]))
    more = [picture for picture in drawn if picture.part == MORE]
    return [*parts, *([Part(MORE, "More figures", [], [], more)] if more else [])]


def _about(contents: Contents) -> str:
    """The size of the analysis."""
    _, known = contents.depth.best
    training = contents.training
    numbers = [
        counted(known.images, "image"),
        counted(len(contents.images.classes), "class", "classes"),
        counted(len(contents.depth.layers), "layer"),
        *([counted(len(training.checkpoints), "checkpoint")] if training else []),
    ]
    return (
        f"{', '.join(numbers)}. A knowledge point is a region to which a class is assigned with p > "
        f"{threshold_text(known.tau)}."
        f"{_accuracy(contents)}"
    )


def _accuracy(contents: Contents) -> str:
    """The accuracy of the network, if labels are known."""
    trained = contents.trained
    if contents.images.labelled is False:
        return " Labels are unknown: the class that the network predicts is used instead of the true class throughout."
    if trained.held_out_accuracy is None:
        return ""
    return (
        f" The network{at_checkpoint(trained.title_of_last)} has a held-out accuracy of "
        f"{number(trained.held_out_accuracy)} on "
        f"{counted(trained.held_out_images, 'image')}."
    )
