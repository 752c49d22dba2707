"""A difference between two studies as tables: accuracy, each layer, and the conditions."""

from collections.abc import Sequence
from textwrap import fill

from patternscope.cli.printing import HALF_WIDTH, WIDTH, new_table, say, show
from patternscope.report.formatting import verdict
from patternscope.results.conditions import Verdict
from patternscope.results.difference import StudyDifference
from patternscope.results.formatting import number, percent, plus_minus
from patternscope.results.pattern_difference import PatternDifference


def print_difference(difference: StudyDifference, verdicts: Sequence[Verdict]) -> None:
    """Print what changed from the first to the second, and which conditions are met."""
    say(f"from {difference.first} to {difference.second}, {difference.images:,} images")
    accuracy = difference.accuracy
    if accuracy is not None:
        change = plus_minus(accuracy.difference, signed=True)
        say(f"accuracy {number(accuracy.first.value)} to {number(accuracy.second.value)}: {change}")
    table = new_table("layer", "evidence", "change", "", "kept", texts=1)
    for layer in difference.layers:
        evidence, ledger = layer.evidence, layer.ledger
        values = f"{number(evidence.first.value)} to {number(evidence.second.value)}"
        kept = "–" if ledger is None else percent(ledger.kept_share.value)
        change = plus_minus(evidence.difference, signed=True)
        table.add_row(layer.layer, values, change, verdict(evidence.difference), kept)
    show(table)
    say("evidence: bits per region; kept: knowledge points that keep their class")
    for layer in difference.layers:
        if layer.patterns is not None:
            say(f"{layer.layer}: {_patterns(layer.patterns)}")
    say(f"{HALF_WIDTH.removesuffix(' over images')}, which includes:")
    for source in [*difference.noise, *[f"not {source}" for source in difference.not_measured]]:
        say(fill(source, WIDTH, initial_indent="- ", subsequent_indent="  "))
    for each in verdicts:
        where, change = "" if each.layer is None else f" in {each.layer}", plus_minus(each.difference, signed=True)
        say(f"{'FAILS' if each.holds else 'passes'}: {each.condition}{where}: {change}")


def _patterns(found: PatternDifference) -> str:
    """How many patterns are kept, lost and gained."""
    refit = "" if found.refit_kept is None else f" (a refit {found.refit_kept})"
    return f"keeps {found.kept} of {len(found.first)} patterns{refit}, gains {len(found.gained)}"
