"""The adversarial attack: how often it succeeded, and what it did to each layer."""

from patternscope.cli.printing import HALF_WIDTH, new_table, say, show
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.formatting import percent, plus_minus
from patternscope.results.study import StudyResults


def print_results(results: StudyResults) -> None:
    """Print the success of the attack, and a row per layer that was analysed."""
    attack = results.load(AttackResult)
    images = f"{attack.succeeded_count} of {attack.attacked_count} correctly classified images"
    say(f"attack: {images} (success rate {percent(attack.success_share)}),")
    say(f"norm {attack.norm}, epsilon {attack.epsilon:.4f}, {attack.n_step} steps")
    table = new_table(
        "layer", "turn (1\N{NO-BREAK SPACE}−\N{NO-BREAK SPACE}cos)", "strength change", "target points", "share new"
    )
    for layer in results.layers(AttackAnalysisResult):
        analysis = results.load(AttackAnalysisResult, layer=layer)
        intervals = (analysis.orientation_change, analysis.strength_change, analysis.target_points, analysis.below_tau)
        table.add_row(layer, *map(plus_minus, intervals))
    if table.row_count:
        show(table)
        say("target points: knowledge points of the target class per image, after the attack;")
        say(f"new: below the threshold before it; {HALF_WIDTH}")
