"""The page: parts with sentences, tables and figures, rendered by the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from patternscope.report.citing import PAPER, project_entry
from patternscope.report.contents import Contents, read_contents
from patternscope.report.formatting import counted
from patternscope.report.pictures import MORE, Picture, Pictures
from patternscope.report.sentences.attack import attack_sentences
from patternscope.report.sentences.depth import depth_sentences
from patternscope.report.sentences.faithfulness import faithfulness_sentences
from patternscope.report.sentences.students import student_sentences
from patternscope.report.sentences.training import training_sentences
from patternscope.report.sentences.trust import omitted_images, trust_sentences
from patternscope.report.tables import (
    Table,
    attack_table,
    checkpoint_table,
    faithfulness_table,
    layer_table,
    step_table,
    student_table,
    sweep_table,
)
from patternscope.results.formatting import number
from patternscope.results.study import StudyResults


@dataclass(frozen=True)
class Setup:
    """What was asked of a study, as far as its results do not say it.

    Attributes:
        architecture: of the network. images: what the images are called.
        samples_per_class: that were asked for. resamples: draws of the images for each interval.
    """

    architecture: str
    images: str
    samples_per_class: int
    resamples: int


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
    contents = read_contents(results, setup.resamples)
    parts = _parts(contents, setup, pictures.drawn)
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


def _parts(contents: Contents, setup: Setup, drawn: Sequence[Picture]) -> list[Part]:
    """The parts that the study has."""

    def part(key: str, title: str, sentences: list[str], *tables: Table | None, headlines: int = 1) -> Part:
        own = [picture for picture in drawn if picture.part == key]
        return Part(key, title, sentences, [table for table in tables if table is not None], own, headlines)

    depth, training, attack, students = contents.depth, contents.training, contents.attack, contents.students
    counts = layer_table(depth), step_table(depth)
    parts = [part("depth", "Layers", depth_sentences(depth), *counts, headlines=2)]
    if training is not None:
        parts.append(part("training", "Training", training_sentences(training), checkpoint_table(training)))
    if tested := contents.faithfulness:
        sentences = faithfulness_sentences(tested)
        parts.append(part("faithfulness", "Deletion test", sentences, faithfulness_table(tested)))
    if attack is not None:
        parts.append(part("attack", "Adversarial attack", attack_sentences(attack), attack_table(attack)))
    if students is not None:
        sentences = student_sentences(students)
        parts.append(part("students", "Distilled students", sentences, student_table(students)))
    sentences = [
        *omitted_images(contents.images, setup.samples_per_class),
        *trust_sentences(contents, setup.resamples),
    ]
    parts.append(part("trust", "Reliability", sentences, sweep_table(depth), headlines=0))
    more = part(MORE, "More figures", [], headlines=0)
    return [*parts, more] if more.pictures else parts


def _about(contents: Contents) -> str:
    """What was analysed, in numbers."""
    _, known = contents.depth.best
    training, trained = contents.training, contents.trained
    numbers = [
        counted(known.images, "image"),
        counted(len(contents.images.classes), "class", "classes"),
        counted(len(contents.depth.layers), "layer"),
        counted(len(training.checkpoints) if training else 1, "checkpoint"),
    ]
    accuracy = (
        ""
        if trained.held_out_accuracy is None
        else f" The network at {trained.title} has a held-out accuracy of {number(trained.held_out_accuracy)} on "
        f"{counted(trained.held_out_images, 'image')}."
    )
    return (
        f"{', '.join(numbers)}. A knowledge point is a region to which a class is assigned with p > {known.tau:g}."
        f"{accuracy}"
    )
