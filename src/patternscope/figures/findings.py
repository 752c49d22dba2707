"""What figures read: the findings of a study, and the needs that several of them share."""

from patternscope.results.findings import Findings, findings_of, moment, open_findings
from patternscope.workflow.stages import Need

IMAGES = Need("images", ("samples.safetensors", "classes.json"))
CLASSES = Need("images", ("samples.safetensors", "classes.json", "images.json"))
TRAINING = Need("training", ("training.json",), checkpoint="last")
KNOWLEDGE = Need("knowledge", ("knowledge.safetensors", "knowledge.json"), layer="all")
FAITHFULNESS = Need("faithfulness", ("faithfulness.json",), layer="all")
ATTACK = Need("attack", ("attack.safetensors", "attack.json"))
ADVERSARIAL = Need("adversarial", ("adversarial.safetensors", "adversarial.json"), layer="all")

__all__ = [
    "ADVERSARIAL",
    "ATTACK",
    "CLASSES",
    "FAITHFULNESS",
    "IMAGES",
    "KNOWLEDGE",
    "TRAINING",
    "Findings",
    "attack_text",
    "findings_of",
    "moment",
    "open_findings",
]


def attack_text(norm: str, epsilon: float) -> str:
    """Return how an attack is called in a figure.

    >>> attack_text("linf", 8 / 255), attack_text("l2", 0.5)
    ('l∞ attack, ε = 8/255', 'l2 attack, ε = 0.5')
    """
    steps = epsilon * 255
    size = f"{steps:.0f}/255" if norm == "linf" and abs(steps - round(steps)) < 1e-6 else f"{epsilon:.3g}"
    return f"{'l∞' if norm == 'linf' else norm} attack, ε = {size}"
