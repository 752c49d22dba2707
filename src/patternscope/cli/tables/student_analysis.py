"""Networks side by side: a teacher and its students, or two studies."""

from patternscope.cli.printing import HALF_WIDTH, new_table, say, show
from patternscope.figures.drawing.compared_networks import ComparedNetworks, students_of
from patternscope.results.formatting import plus_minus
from patternscope.results.study import StudyResults


def print_results(results: StudyResults) -> None:
    """Print the teacher and its students."""
    print_networks(students_of(results))


def print_networks(shown: ComparedNetworks) -> None:
    """Print a row per layer and network: counts, and how many more reliable points there are than in the first."""
    say(shown.networks)
    points = ("total per image", "reliable per image", "reliable / total", "reliable more")
    table = new_table("layer", "network", "maps", *points, texts=3)
    for layer in shown.layers:
        for row in shown.counts(layer):
            counts = (row.counts.total, row.counts.reliable, row.counts.ratio)
            more = "" if row.difference is None else plus_minus(row.difference.reliable, signed=True)
            maps = row.maps.removesuffix(" maps") or "own"
            table.add_row(layer, row.network, maps, *map(plus_minus, counts), more)
    show(table)
    say(f"knowledge points per image; reliable more: than {shown.first}, on the same images;")
    say(f"{HALF_WIDTH}; maps: whose maps show the network")
    for noise in shown.noise[1:]:
        say(f"differences hold {noise} as well")
