"""The page: parts with sentences, tables and figures, put into the template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from patternscope.errors import InputError
from patternscope.figures import figure_stages
from patternscope.report.citing import PAPER, project_entry
from patternscope.report.contents import Contents
from patternscope.report.formatting import counted, number
from patternscope.report.pictures import MORE, Picture, pictures
from patternscope.report.reading import read_contents
from patternscope.report.repeating import SETTINGS_FILE, command, settings_toml
from patternscope.report.sentences import (
    attack_sentences,
    depth_sentences,
    faithfulness_sentences,
    left_out,
    student_sentences,
    training_sentences,
    trust_sentences,
)
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
from patternscope.results.findings import moment, open_findings
from patternscope.settings.study import StudySettings
from patternscope.study.run import saved_settings, saved_status
from patternscope.study.stages import study_stages
from patternscope.workflow.stages import Unit
from patternscope.workflow.status import UnitStatus, study_record_of
from patternscope.workflow.store import Store

_TEMPLATE = "page.html"


@dataclass(frozen=True)
class Part:
    """A part of the page; the first `headlines` of its sentences stand at the top as well."""

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
        title, about: what was studied.
        headlines: what is said in short.
        parts: in the order of the page.
        not_drawn: names of figures that are not up to date, which the page leaves out.
        command, settings_file, short_settings, settings: how to repeat the study; settings as TOML.
        versions: of the programs that made it.
        seed: of the study.
        digest: SHA-256 of the study's summary, equal when it is repeated with these versions.
        paper, project: BibTeX.
    """

    title: str
    about: str
    headlines: Sequence[str]
    parts: Sequence[Part]
    not_drawn: Sequence[str]
    command: str
    settings_file: str
    short_settings: str
    settings: str
    versions: Mapping[str, str]
    seed: int
    digest: str
    paper: str = PAPER
    project: str = project_entry()


def read_page(folder: Path) -> Page:
    """Return the page of a study: of findings that are finished, with the figures that are up to date.

    InputError for a folder that is no study, and for one that is not finished.
    """
    settings, axes = saved_settings(folder)
    stages = (*study_stages(settings), *figure_stages(settings))
    units = saved_status(folder, stages)
    _check_finished(folder, units)
    contents = read_contents(open_findings(folder), settings)
    shown, not_drawn = pictures(folder, units)
    parts = _parts(contents, shown)
    manifest = Store(folder).manifest(Unit("summary"))
    return Page(
        title=f"What {settings.network.architecture} knows of {_images(settings)}",
        about=_about(contents),
        headlines=[sentence for part in parts for sentence in part.sentences[: part.headlines]],
        parts=parts,
        not_drawn=not_drawn,
        command=command(settings, axes),
        settings_file=SETTINGS_FILE,
        short_settings=settings_toml(settings),
        settings=settings_toml(settings, everything=True),
        versions=study_record_of(folder)["versions"],
        seed=settings.seed,
        digest="" if manifest is None else manifest.files["summary.json"][1],
    )


def render(page: Page, *, for_print: bool = False) -> str:
    """Return the page as one HTML text that asks nobody for anything.

    With `for_print` what is folded up is open, and colours are those of paper.
    """
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
    return environment.get_template(_TEMPLATE).render(page=page, style=style, for_print=for_print)


def _check_finished(folder: Path, units: Sequence[UnitStatus]) -> None:
    """Findings have to be there and to belong together; figures are left out where they do not."""
    for each in units:
        if not each.unit.stage.startswith("figures/") and not each.up_to_date:
            raise InputError(
                f"{folder}: not finished ({each.unit.path} is {each.state}); run the study to its end first"
            )


def _parts(contents: Contents, shown: Sequence[Picture]) -> list[Part]:
    """The parts that the study has."""

    def part(key: str, title: str, said: Sequence[str], *tables: Table | None, headlines: int = 1) -> Part:
        own = [each for each in shown if each.part == key]
        return Part(key, title, said, [each for each in tables if each is not None], own, headlines)

    depth, training, attack, students = contents.depth, contents.training, contents.attack, contents.students
    counts = layer_table(depth), step_table(depth)
    parts = [part("depth", "What the layers know", depth_sentences(depth), *counts, headlines=2)]
    if training is not None:
        said = training_sentences(training)
        parts.append(part("training", "When they learnt it", said, checkpoint_table(training)))
    if asked := contents.faithfulness:
        said = faithfulness_sentences(asked)
        parts.append(part("faithfulness", "Does the network depend on it?", said, faithfulness_table(asked)))
    if attack is not None:
        parts.append(part("attack", "What the attack did", attack_sentences(attack), attack_table(attack)))
    if students is not None:
        said = student_sentences(students)
        parts.append(part("students", "What the students learnt", said, student_table(students)))
    said = [*left_out(contents.images, contents.samples_per_class), *trust_sentences(contents)]
    parts.append(part("trust", "How far to trust this", said, sweep_table(depth), headlines=0))
    more = part(MORE, "More figures", [], headlines=0)
    return [*parts, more] if more.pictures else parts


def _images(settings: StudySettings) -> str:
    """What the images are called."""
    asked = settings.images
    return asked.source if asked.folder is None else asked.folder.name


def _about(contents: Contents) -> str:
    """How much was looked at."""
    layers, checkpoints = contents.depth.layers, contents.training
    accuracy = contents.trained["held_out_accuracy"]
    said = [
        counted(layers[0]["images"], "image"),
        counted(len(contents.classes), "class", "classes"),
        counted(len(layers), "layer"),
        counted(len(checkpoints.checkpoints) if checkpoints else 1, "checkpoint"),
        f"a knowledge point says a class with p > {layers[0]['tau']:g}",
    ]
    right = (
        ""
        if accuracy is None
        else f" The network, at {moment(contents.trained)}, is right on {number(accuracy)} of "
    )
    held_out = "" if accuracy is None else f"{contents.trained['held_out_images']:,} held-out images."
    return f"{', '.join(said)}.{right}{held_out}"
