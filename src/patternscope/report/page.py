"""The page: parts with sentences, tables and figures, rendered by the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patternscope.report.citing import PAPER, project_entry
from patternscope.report.contents import Contents, Setup, read_contents
from patternscope.report.formatting import counted
from patternscope.report.part import report_parts
from patternscope.report.pictures import MORE, Picture, Pictures
from patternscope.report.tables import Table
from patternscope.results.formatting import at_checkpoint, number, threshold_text
from patternscope.results.study import StudyResults


@dataclass(frozen=True)
class Reproduction:
    """How to repeat a study, and how to tell that it worked.

    Attributes:
        command, settings_file, short_settings, settings: settings as TOML, without the defaults and with them.
        versions: of the programs that made the study. seed: of the study.
        digest: SHA-256 of the study's summary, equal when it is repeated with these versions.
    """

    command: str
    settings_file: str
    short_settings: str
    settings: str
    versions: Mapping[str, str]
    seed: int
    digest: str


@dataclass(frozen=True)
class Part:
    """A part of the page; the first `headlines` of its sentences are in the summary as well."""

    key: str
    title: str
    sentences: Sequence[str]
    tables: Sequence[Table]
    pictures: Sequence[Picture]
    headlines: int = 1


@dataclass(frozen=True)
class Page:
    """All that the template shows.

    Attributes:
        title, about: what was studied. headlines: the summary. parts: in the order of the page.
        omitted_figures: names of figures that are not up to date. reproduction: how to repeat the study.
        paper, project: BibTeX.
    """

    title: str
    about: str
    headlines: Sequence[str]
    parts: Sequence[Part]
    omitted_figures: Sequence[str]
    reproduction: Reproduction
    paper: str = PAPER
    project: str = project_entry()


def read_page(results: StudyResults, setup: Setup, reproduction: Reproduction, pictures: Pictures) -> Page:
    """Return the page of a finished study; InputError when a file of its results is missing or damaged."""
    contents = read_contents(results, setup)
    parts = _parts(contents, pictures.drawn)
    return Page(
        title=f"Knowledge points of {setup.architecture} on {setup.images}",
        about=_about(contents),
        headlines=[sentence for part in parts for sentence in part.sentences[: part.headlines]],
        parts=parts,
        omitted_figures=pictures.omitted,
        reproduction=reproduction,
    )


def render(page: Page, *, for_print: bool = False) -> str:
    """Return the page as one HTML text that requests nothing.

    With `for_print` what is folded up is open, and colours are those of paper.
    """
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
    return environment.get_template("page.html").render(page=page, style=style, for_print=for_print)


def _parts(contents: Contents, drawn: Sequence[Picture]) -> list[Part]:
    """The parts that the study has, and the figures that belong to none."""
    found = []
    for part in report_parts():
        said = part.read(contents)
        if said is not None:
            own = [picture for picture in drawn if picture.part == part.key]
            tables = [table for table in said[1] if table is not None]
            found.append(Part(part.key, part.title, said[0], tables, own, part.headlines))
    more = [picture for picture in drawn if picture.part == MORE]
    return [*found, *([Part(MORE, "More figures", [], [], more, 0)] if more else [])]


def _about(contents: Contents) -> str:
    """What was analysed, in numbers."""
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
    """How accurate the network is, where labels tell."""
    trained = contents.trained
    if contents.images.labelled is False:
        return " Labels are unknown: the class that the network predicts stands for the true class in all that follows."
    if trained.held_out_accuracy is None:
        return ""
    return (
        f" The network{at_checkpoint(trained.title_of_last)} has a held-out accuracy of "
        f"{number(trained.held_out_accuracy)} on "
        f"{counted(trained.held_out_images, 'image')}."
    )
