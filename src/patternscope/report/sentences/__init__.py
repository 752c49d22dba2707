"""Results in sentences: pure functions of results; the first sentence of each part is its headline."""

from patternscope.report.sentences.attack import attack_sentences
from patternscope.report.sentences.depth import depth_sentences
from patternscope.report.sentences.faithfulness import faithfulness_sentences
from patternscope.report.sentences.images import omitted_images
from patternscope.report.sentences.students import student_sentences
from patternscope.report.sentences.training import training_sentences
from patternscope.report.sentences.trust import trust_sentences

__all__ = [
    "attack_sentences",
    "depth_sentences",
    "faithfulness_sentences",
    "omitted_images",
    "student_sentences",
    "training_sentences",
    "trust_sentences",
]
