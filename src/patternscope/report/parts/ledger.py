"""Sentences on the ledger: what layers keep and forget over training, over depth, under attack and in students."""

from collections.abc import Mapping, Sequence

from patternscope.report.contents import Contents
from patternscope.report.formatting import compared, listed
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import Table
from patternscope.results.formatting import number, percent, with_interval
from patternscope.results.ledger import Draws, LayerLedger
from patternscope.results.study_ledger import Pace, StudyLedger, study_ledger
from patternscope.workflow.cache_keys import unit_seed

_FLOWS = ("before", "kept", "changed", "forgotten", "relearnt", "learnt", "after")
_WITHIN_ONE_NETWORK = "Intervals of the ledger are over images; the regions are those of the study's own network."


def ledger_sentences(ledger: StudyLedger) -> list[str]:
    """Return the report's findings from the ledgers of a study."""
    return [
        *([lasting_points(ledger.paces), first_evidence(ledger.paces)] if ledger.paces else []),
        *([most_forgotten(ledger.training)] if ledger.training else []),
        *([last_step(list(ledger.training.values())[-1][-1])] if ledger.training else []),
        *([passed_on(ledger.depth)] if ledger.depth else []),
        *[what_became(each, "under the attack") for each in ledger.attack[-1:]],
        *[
            what_became(each[-1], f"from the teacher to the student of {name}")
            for name, each in ledger.students.items()
            if each
        ],
        *([_WITHIN_ONE_NETWORK] if ledger.training or ledger.depth else []),
    ]


def lasting_points(paces: Sequence[Pace]) -> str:
    """Return which share of the regions that ever were a point are one at the end, layer by layer."""
    known = [f"{_share_text(pace)} in {pace.layer}" for pace in paces if pace.lasting.value is not None]
    if not known:
        return "No region is a knowledge point at any checkpoint."
    return f"Of the regions that are a knowledge point at any checkpoint, {listed(known)} are one at the last."


def _share_text(pace: Pace) -> str:
    """A share in percent with its interval."""
    share = pace.lasting
    ends = "" if share.low is None else f" ({percent(share.low)} to {percent(share.high)})"
    return f"{percent(share.value)}{ends}"


def first_evidence(paces: Sequence[Pace]) -> str:
    """Return when images first have evidence of their class, layer by layer."""
    unit = "training step" if paces[0].by_steps else "checkpoint number"
    known = [
        f"{with_interval(pace.first, 0)} in {pace.layer} (standard deviation over images {number(pace.spread, 0)}; "
        f"{percent(pace.never)} of the images never do)"
        for pace in paces
        if pace.first.value is not None
    ]
    if not known:
        return "No image has evidence of its class at any checkpoint."
    return f"Images first have evidence of their class at {unit} {listed(known)}."


def most_forgotten(training: Mapping[str, Sequence[LayerLedger]]) -> str:
    """Return between which checkpoints the most points were forgotten, of all layers."""
    worst = max(
        (each for steps in training.values() for each in steps), key=lambda each: each.points.forgotten.value or 0
    )
    if not worst.points.forgotten.value:
        return "No knowledge point is forgotten between successive checkpoints."
    return (
        f"Most points are forgotten by {worst.layer} from {worst.start} to {worst.end}: "
        f"{with_interval(worst.points.forgotten)} of {number(worst.points.before.value)} per image{_bits(worst)}."
    )


def last_step(ledger: LayerLedger) -> str:
    """Return what the last layer keeps in the last step of training, compared with what a refit keeps."""
    return what_became(ledger, f"from {ledger.start} to {ledger.end}")


def passed_on(depth: Sequence[LayerLedger]) -> str:
    """Return what each layer that has points, or whose next layer has some, passes on to the next."""
    with_points = [each for each in depth if each.points.before.value or each.points.after.value]
    if not with_points:
        return "No layer has knowledge points to pass on to the next."
    steps = [
        f"from {each.layer}, {with_interval(each.points.kept)} points per image are passed on at the same position, "
        f"{number(each.points.changed.value)} with another class, {number(each.points.learnt.value)} are new and "
        f"{number(each.points.forgotten.value)} are lost"
        for each in with_points
    ]
    text = "; ".join(steps)
    return f"{text[0].upper()}{text[1:]}."


def what_became(ledger: LayerLedger, when: str) -> str:
    """Return what a layer keeps, changes, forgets and learns between two states."""
    points = ledger.points
    if not (points.before.value or points.after.value):
        return f"{ledger.layer} has no knowledge points {when}{_bits(ledger)}."
    refit = ledger.refit_share
    beside = (
        f" (a refit of the same network keeps {percent(refit.value)})"
        if refit is not None and refit.value is not None
        else ""
    )
    again = f", {number(points.relearnt.value)} relearnt" if points.relearnt.value else ""
    return (
        f"{ledger.layer} keeps {with_interval(points.kept)} of {number(points.before.value)} points per image {when}, "
        f"{percent(ledger.kept_share.value)}{beside}; {number(points.changed.value)} change class, "
        f"{number(points.forgotten.value)} are forgotten, {number(points.learnt.value)} are learnt{again}"
        f"{_bits(ledger)}."
    )


def _bits(ledger: LayerLedger) -> str:
    """By how much evidence changed, as the end of a sentence."""
    if ledger.bits is None or ledger.bits.total.value is None:
        return ""
    change = ledger.bits.total
    return f"; evidence is {compared(change, 'bits per region higher', 'bits per region lower')}"


def ledger_table(name: str, ledgers: Sequence[LayerLedger]) -> Table | None:
    """Return a row per layer and step: points in each flow, shares and bits; None without any.

    A ledger over depth is named by its two layers, which are its step as well.
    """
    over_depth = all(each.layer == f"{each.start} to {each.end}" for each in ledgers)
    rows = [
        [
            *([each.layer] if over_depth else [each.layer, f"{each.start} to {each.end}"]),
            *[number(value.value) for value in (vars(each.points)[flow] for flow in _FLOWS)],
            percent(each.kept_share.value),
            percent(None if each.refit_share is None else each.refit_share.value),
            "–" if each.bits is None else with_interval(each.bits.total),
        ]
        for each in ledgers
    ]
    caption = f"{name}: knowledge points per image in each flow; kept + changed + forgotten = before."
    places = ["layers"] if over_depth else ["layer", "step"]
    heads = [*places, *_FLOWS, "share kept", "kept by a refit", "evidence grows by"]
    return Table(caption, heads, rows) if rows else None


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    draws = Draws(contents.setup.resamples, unit_seed(contents.results.seed, "report"))
    ledger = study_ledger(contents.results, draws)
    sentences = ledger_sentences(ledger)
    if not sentences:
        return None
    steps = [each for several in ledger.training.values() for each in several]
    students = [ledger_table(f"Student of {name}", each) for name, each in ledger.students.items()]
    tables = [ledger_table(*pair) for pair in (("Training", steps), ("Depth", ledger.depth), ("Attack", ledger.attack))]
    return sentences, [*tables, *students]


PART = ReportPart(
    "ledger",
    "Ledger: learnt, kept, forgotten",
    25,
    _read,
    captions={
        "ledger": "What each layer learns, keeps and forgets from checkpoint to checkpoint.",
        "ledger_depth": "Knowledge points that each layer passes on to the next, that are new, and that are lost.",
        "ledger_attack": "Knowledge points of each layer before and after the attack.",
        "ledger_students": "Knowledge points of the teacher that each student has, and its own.",
    },
)
