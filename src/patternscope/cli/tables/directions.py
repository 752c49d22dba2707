"""Directions of classes removed from layers: the fall of the probability of the true class."""

from patternscope.cli.printing import new_table, say, show
from patternscope.report.directions import is_used
from patternscope.results.directions import DirectionsResult
from patternscope.results.formatting import plus_minus
from patternscope.results.study import StudyResults


def print_results(results: StudyResults) -> None:
    """Print the falls over all images, a row per layer, and for how many classes they are beyond the noise."""
    table = new_table("layer", "its direction", "another class's", "random", "used", "classes")
    for layer in results.layers(DirectionsResult):
        removed = results.load(DirectionsResult, layer=layer)
        fall, used = removed.all_images, sum(map(is_used, removed.classes))
        falls = [plus_minus(interval) for interval in (fall.own, fall.other, fall.random)]
        table.add_row(layer, *falls, "yes" if is_used(fall) else "not visibly", f"{used} of {len(removed.classes)}")
    show(table)
    say("fall of the probability of the true class where its direction, that of another")
    say("class or random ones of the same length are removed from the layer")
