"""What figures read: the findings of a study, and the needs that several of them share."""

from patternscope.study.findings import Findings, findings_of, moment, open_findings
from patternscope.study.stage import Need

IMAGES = Need("images", ("samples.safetensors", "classes.json"))
CLASSES = Need("images", ("samples.safetensors", "classes.json", "images.json"))
TRAINING = Need("training", ("training.json",), checkpoint="last")
KNOWLEDGE = Need("knowledge", ("knowledge.safetensors", "knowledge.json"), layer="all")

__all__ = [
    "CLASSES",
    "IMAGES",
    "KNOWLEDGE",
    "TRAINING",
    "Findings",
    "findings_of",
    "moment",
    "open_findings",
]
