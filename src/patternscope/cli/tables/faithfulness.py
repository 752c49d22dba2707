"""The deletion test: how fast the probability of the true class falls as regions are removed."""

from patternscope.cli.printing import new_table, say, show
from patternscope.results.faithfulness import ORDERS, FaithfulnessResult
from patternscope.results.formatting import number
from patternscope.results.study import StudyResults


def print_results(results: StudyResults) -> None:
    """Print the areas below the deletion curves, a row per layer."""
    layers = results.layers(FaithfulnessResult)
    areas = {
        layer: {order.order: order.area.value for order in results.load(FaithfulnessResult, layer=layer).orders}
        for layer in layers
    }
    orders = [order for order in ORDERS if any(order in own for own in areas.values())]
    table = new_table("layer", *[ORDERS[order] for order in orders])
    for layer, own in areas.items():
        table.add_row(layer, *[number(own.get(order)) for order in orders])
    show(table)
    say("area below the probability of the true class as regions are removed in the order")
    say("of the column: the smaller, the more the network depends on those removed first")
