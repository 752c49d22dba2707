"""The stages of a study, in the order of the theory."""

from patternscope.study.stage import Stage
from patternscope.study.stages.features import FEATURES
from patternscope.study.stages.images import IMAGES
from patternscope.study.stages.importance import IMPORTANCE
from patternscope.study.stages.knowledge import KNOWLEDGE
from patternscope.study.stages.region import REGION
from patternscope.study.stages.sample import SAMPLE
from patternscope.study.stages.summary import SUMMARY
from patternscope.study.stages.training import TRAINING

STAGES: tuple[Stage, ...] = (IMAGES, TRAINING, FEATURES, SAMPLE, IMPORTANCE, REGION, KNOWLEDGE, SUMMARY)
