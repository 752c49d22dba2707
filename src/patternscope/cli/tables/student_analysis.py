"""Networks side by side: a teacher and its students, or two studies."""

from patternscope.cli.printing import HALF_WIDTH, new_table, say, show
from patternscope.figures.drawing.compared_networks import ComparedNetworks, students_of
from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import plus_minus
from patternscope.results.study import StudyResults


def print_results(results: StudyResults) -> None:
    """Print the teacher and its students."""
    print_networks(students_of(results))


def print_networks(shown: ComparedNetworks) -> None:
    """Print a row per layer and network: evidence, counts, and the difference of each from the first network."""
    say(shown.networks)
    rows = [row for layer in shown.layers for row in shown.counts(layer)]
    measured = all(row.evidence is not None for row in rows)
    first = ("bits", "bits more") if measured else ("points",)  # what fits into 80 columns
    table = new_table("layer", "network", "maps", *first, "reliable", "reliable more", texts=3)
    for row in rows:
        told = [_cell(row.evidence), _cell(row.bits, signed=True)] if measured else [plus_minus(row.counts.total, 1)]
        maps = row.maps.removesuffix(" maps") or "own"
        more = _cell(row.difference and row.difference.reliable, 1, signed=True)
        table.add_row(row.own_layer, row.network, maps, *told, plus_minus(row.counts.reliable, 1), more)
    show(table)
    if measured:
        say("bits: evidence per region, on images that the map was not fitted to")
    say(f"reliable: reliable points per image; more: the difference from {shown.first}")
    say(HALF_WIDTH)
    say("maps: of which network; those of another network show less")
    for noise in shown.noise[1:]:
        say(f"differences include {noise} as well; other numbers are of one network each")


def _cell(interval: Interval | None, digits: int = 2, *, signed: bool = False) -> str:
    return "" if interval is None else plus_minus(interval, digits, signed=signed)
