"""Opening what `patternscope diff` compares: two finished studies of the same images, or checkpoints of them."""

from pathlib import Path

from patternscope.errors import InputError, nearest
from patternscope.results.difference import Side, StudyDifference, differ
from patternscope.results.evidence import EvidenceResult
from patternscope.results.ledger import Draws
from patternscope.study.comparison import (
    FinishedStudy,
    check_same_images,
    check_settings,
    open_finished,
    warn_of_other_machines,
)

AT = "@"


def diff_studies(first: str | Path, second: str | Path) -> tuple[StudyDifference, tuple[Side, Side]]:
    """Return the difference of two studies of the same images, and its sides: STUDY, or STUDY@STEP of a checkpoint.

    Without a step, the last checkpoint of a study is used. InputError for a folder that is not a finished study, a step
    without a checkpoint, other images, classes, rules or dimensions, studies of the paper's rule or without common
    layers.
    """
    places = [_folder_and_step(str(each)) for each in (first, second)]
    studies = [open_finished(places[0][0])]
    same = places[0][0].resolve() == places[1][0].resolve()
    studies.append(studies[0] if same else open_finished(places[1][0]))
    if not same:
        check_same_images(*studies)
        check_settings(*(study.settings for study in studies))
        warn_of_other_machines(*studies)
    sides = (_side(studies[0], places[0][1]), _side(studies[1], places[1][1]))
    if same and sides[0].checkpoint == sides[1].checkpoint:
        raise InputError(
            f"{first} and {second}: expected two studies or two checkpoints, got the same checkpoint twice"
        )
    layers = [
        name for name in studies[0].results.layers(EvidenceResult) if name in sides[1].results.layers(EvidenceResult)
    ]
    if not layers:
        raise InputError(f"{first} and {second}: expected layers of the same names with evidence, got none in common")
    asked = studies[0].settings
    return differ(*sides, layers, Draws(asked.knowledge.bootstrap, asked.seed)), sides


def _folder_and_step(text: str) -> tuple[Path, str | None]:
    """A folder, and the step after @, unless a folder has that full name."""
    folder, at, step = text.rpartition(AT)
    return (Path(text), None) if not at or Path(text).exists() else (Path(folder), step)


def _side(study: FinishedStudy, step: str | None) -> Side:
    """A study at a training step, or at a checkpoint of some name."""
    trained = {number: study.results.training(number) for number in study.results.checkpoints(EvidenceResult)}
    names = {str(each.step) if each.step is not None else each.name: number for number, each in trained.items()}
    if not names:
        raise InputError(f"{study.folder}: expected a study with evidence, got one of an earlier version; run it again")
    if step is None:
        return Side(study.folder.resolve().name, study.results, max(trained))
    number = names.get(step) if step in names else {each.name: n for n, each in trained.items()}.get(step)
    if number is None:
        raise InputError(f"{study.folder}{AT}{step}: expected a step of the study; {nearest(step, list(names))}")
    return Side(f"{study.folder.resolve().name}{AT}{step}", study.results, number)
