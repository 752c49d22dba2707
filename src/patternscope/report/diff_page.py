"""The page of a difference between two checkpoints or studies: verdicts, tables, flows, and images that changed."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from patternscope.figures.drawing.annotations import Figure
from patternscope.figures.drawing.moments import draw_moments
from patternscope.figures.drawing.style import figure_style
from patternscope.report.diff_patterns import draw_pattern_changes, patterns_part
from patternscope.report.formatting import compared, counted, difference_text, listed, verdict
from patternscope.report.page import Part, render_template
from patternscope.report.parts.ledger import ledger_table
from patternscope.report.pictures import Picture
from patternscope.report.tables import Table
from patternscope.results.conditions import Verdict
from patternscope.results.difference import ChangedImage, Paired, Side, StudyDifference
from patternscope.results.formatting import number, percent, with_interval
from patternscope.results.images import ImagesResult, visible_channels
from patternscope.results.ledger import LayerLedger

_DPI, _THUMB = 150, 112
_PIXELS_AN_INCH = 96 * 1.2


@dataclass(frozen=True)
class DiffPage:
    """All that the template shows."""

    title: str
    about: str
    parts: Sequence[Part]
    thumbs: Sequence[Picture]


def read_diff_page(difference: StudyDifference, sides: tuple[Side, Side], verdicts: Sequence[Verdict] = ()) -> DiffPage:
    """Return the page of a difference between two sides, with the verdicts on its conditions."""
    images = sides[0].results.images
    changes = draw_pattern_changes(difference, sides)
    caption = "The most typical regions of the patterns that are lost and gained, those with the most evidence first."
    pictures = [] if changes is None else [_picture(changes, "patterns", "patterns", caption)]
    parts = [
        *([_conditions_part(verdicts)] if verdicts else []),
        Part("accuracy", "Accuracy", accuracy_sentences(difference), [], []),
        Part("evidence", "Evidence", evidence_sentences(difference), _tables(difference), []),
        _ledger_part(difference),
        replace(patterns_part(difference), pictures=pictures),
        Part("noise", "What the intervals include", noise_sentences(difference), [], []),
    ]
    return DiffPage(
        title=f"From {difference.first} to {difference.second}",
        about=f"{counted(difference.images, 'image')}, {counted(len(difference.layers), 'layer')}; every difference is "
        f"{difference.second} minus {difference.first} on the same images.",
        parts=parts,
        thumbs=[_thumb(each, images) for each in difference.changed.images],
    )


def render_diff(page: DiffPage) -> str:
    """Return the page as one HTML text that requests nothing."""
    return render_template("diff.html", page=page)


def accuracy_sentences(difference: StudyDifference) -> list[str]:
    """Return how accuracy and decisions differ."""
    changed, told = difference.changed, []
    for paired, what in ((difference.accuracy, "these images"), (difference.held_out, "all held-out images")):
        if paired is not None:
            told.append(
                f"The accuracy on {what} went from {with_interval(paired.first)} to {with_interval(paired.second)}; "
                f"the difference, {difference_text(paired.difference)}, is {verdict(paired.difference)}."
            )
    told.append(
        f"Both predict the same class for {percent(difference.agreement)} of the images; {changed.broken:,} are "
        f"misclassified that were not, {changed.corrected:,} are corrected, and {changed.still_wrong:,} are "
        "misclassified in another way."
    )
    return told


def evidence_sentences(difference: StudyDifference) -> list[str]:
    """Return how evidence differs, layer by layer, and which classes lost and gained most in the last layer."""
    told = [
        f"{each.layer}: {_change(each.evidence, 'bits per region more', 'bits per region less')}; reliable points per "
        f"image: {_change(each.reliable)}."
        for each in difference.layers
    ]
    last = difference.layers[-1]
    classes = sorted(last.classes, key=lambda each: each.evidence.difference.value or 0.0)
    if len(classes) > 1:
        ends = [f"{each.name} by {difference_text(each.evidence.difference)}" for each in (classes[0], classes[-1])]
        told.append(
            f"Of the classes, {last.layer}'s evidence changed least favourably for {ends[0]}, and most favourably for "
            f"{ends[1]}; intervals of classes are over images alone."
        )
    return told


def _change(paired: Paired, more: str = "more", less: str = "fewer") -> str:
    """A difference with its verdict."""
    return f"{compared(paired.difference, more, less)}, {verdict(paired.difference)}"


def noise_sentences(difference: StudyDifference) -> list[str]:
    """Return what the intervals include, and what they do not."""
    told = [f"Intervals are at 95 % and include {listed(list(difference.noise))}."]
    if difference.not_measured:
        told.append(f"They do not include {listed(list(difference.not_measured))}: such a difference may be larger.")
    return told


def _conditions_part(verdicts: Sequence[Verdict]) -> Part:
    """The verdict on the conditions."""
    failed = [each for each in verdicts if each.holds]
    sentence = (
        f"{counted(len(failed), 'condition is met', 'conditions are met')} beyond the noise: this comparison fails."
        if failed
        else "No condition is met beyond the noise: this comparison passes."
    )
    rows = [
        [each.condition, each.layer or "network", difference_text(each.difference), "fails" if each.holds else "passes"]
        for each in verdicts
    ]
    columns = ["condition", "of", "difference", ""]
    named = [
        f"{each.condition} fails{'' if each.layer is None else f' in {each.layer}'}: the difference is "
        f"{difference_text(each.difference)}."
        for each in failed
    ]
    return Part("conditions", "Conditions", [sentence, *named], [Table("Conditions of --fail-on.", columns, rows)], [])


def _tables(difference: StudyDifference) -> list[Table]:
    """A row per layer and number, and one per layer and class."""
    numbers = [
        [each.layer, name, *_cells(paired)]
        for each in difference.layers
        for name, paired in (
            ("evidence, bits per region", each.evidence),
            ("points per image", each.total),
            ("reliable points per image", each.reliable),
            ("reliable share", each.ratio),
        )
    ]
    classes = [[each.layer, row.name, *_cells(row.evidence)] for each in difference.layers for row in each.classes]
    columns = [difference.first, difference.second, "difference", ""]
    return [
        Table("Each layer.", ["layer", "number", *columns], numbers),
        Table("Evidence by class, bits per region; intervals are over images.", ["layer", "class", *columns], classes),
    ]


def _cells(paired: Paired) -> list[str]:
    values = [with_interval(each) for each in (paired.first, paired.second)]
    return [*values, difference_text(paired.difference), verdict(paired.difference)]


def _ledger_part(difference: StudyDifference) -> Part:
    """What became of the knowledge points."""
    ledgers = [each.ledger for each in difference.layers if each.ledger is not None]
    if not ledgers:
        return Part("ledger", "Ledger", ["The grids of the layers differ: regions cannot be followed."], [], [])
    told = [
        f"{each.layer} keeps {percent(each.kept_share.value)} of its points with their class"
        + (
            ""
            if each.refit_share is None or each.refit_share.value is None
            else f" (a refit of the first network keeps {percent(each.refit_share.value)})"
        )
        + f"; {number(each.points.changed.value)} per image change class, {number(each.points.forgotten.value)} are "
        f"forgotten, {number(each.points.learnt.value)} are learnt."
        for each in ledgers
    ]
    lines = [f"Points per image, mean over {difference.images} images."]
    figure = draw_moments(f"From {difference.first} to {difference.second}", lines, {"diff": _renamed(ledgers)})
    caption = "Knowledge points of each layer before (left) and after (right)."
    table = ledger_table("Ledger", ledgers)
    return Part("ledger", "Ledger", told, [table] if table else [], [_picture(figure, "ledger", "ledger", caption)])


def _renamed(ledgers: Sequence[LayerLedger]) -> list[LayerLedger]:
    """Ledgers between "before" and "after": names of studies are too long below a panel."""
    return [replace(each, start="before", end="after") for each in ledgers]


def _picture(figure: Figure, name: str, part: str, caption: str) -> Picture:
    """A drawing inside the page."""
    stream = io.BytesIO()
    with figure_style():
        figure.savefig(stream, format="png", dpi=_DPI)
    width, height = (round(side * _PIXELS_AN_INCH) for side in figure.get_size_inches())
    return Picture(name, part, caption, _address(stream), width, height)


def _thumb(changed: ChangedImage, images: ImagesResult) -> Picture:
    """An image whose predicted class differs, in a few words."""
    pixels = visible_channels(images.images[changed.sample : changed.sample + 1].numpy())[0]
    shown = Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    scale = _THUMB / max(shown.size)
    stream = io.BytesIO()
    shown.save(stream, format="png")
    caption = f"{changed.true}: {changed.first} → {changed.second}, {number(changed.bits)} bits per region"
    width, height = (round(side * scale) for side in shown.size)
    return Picture(changed.name, "examples", caption, _address(stream), width, height)


def _address(stream: io.BytesIO) -> str:
    """A picture as a data address."""
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
