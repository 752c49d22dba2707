"""Several networks at the last checkpoint: the numbers of each, and the points that they share."""

from patternscope.cli.printing import new_table, say, show
from patternscope.results.formatting import number
from patternscope.results.replicates import NetworkNumbers, NetworksResult
from patternscope.results.study import StudyResults

_MOST = 6  # networks whose numbers fit into a row


def print_results(results: StudyResults) -> None:
    """Print a row per layer: evidence and reliable points of each network, and the share of points in all of them."""
    layers = {layer: results.load(NetworksResult, layer=layer) for layer in results.layers(NetworksResult)}
    first = next(iter(layers.values()))
    say(f"{len(first.networks)} networks, held-out accuracy {_accuracies(first.networks)}")
    table = new_table("layer", "bits of each", "reliable of each", "shared by all", "by chance", texts=3)
    for layer, several in layers.items():
        bits = _each([network.evidence.value for network in several.networks], 2)
        reliable = _each([network.counts.reliable.value for network in several.networks], 1)
        table.add_row(layer, bits, reliable, number(several.consensus), number(several.chance))
    show(table)
    say("bits of evidence per region; reliable knowledge points per image; shared: of the")
    say("points of any network those that all have, the same region and class;")
    say("by chance: the same with the points of other images")


def _accuracies(networks: tuple[NetworkNumbers, ...]) -> str:
    return _each([network.held_out_accuracy for network in networks], 2)


def _each(values: list[float | None], digits: int) -> str:
    """Values side by side; of many the smallest and the largest."""
    known = sorted(value for value in values if value is not None)
    if len(values) > _MOST and known:
        return f"{number(known[0], digits)} to {number(known[-1], digits)}"
    return " ".join(number(value, digits) for value in values)
