"""Results that several figures read."""

from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.result import reads
from patternscope.results.training import TrainingResult

IMAGES = reads(ImagesResult, "images", "labels", "classes", "labelled")
LABELS = reads(ImagesResult, "labels", "classes")
TRAINING = reads(TrainingResult, "name", checkpoint="last")
SAMPLE = reads(SampleResult, checkpoint="last")
IMPORTANCE = reads(ImportanceResult, checkpoint="last", layer="all")
REGION = reads(RegionResult, "embedding", "grid", checkpoint="last", layer="all")
KNOWLEDGE = reads(KnowledgeResult, checkpoint="last", layer="all")
ATTACK = reads(AttackResult, "success", "norm")
ATTACK_ANALYSIS = reads(AttackAnalysisResult, layer="all")

# The same for every checkpoint.
ALL_TRAINING = reads(TrainingResult, "name", checkpoint="all")
ALL_SAMPLES = reads(SampleResult, checkpoint="all")
ALL_REGIONS = reads(RegionResult, "embedding", "grid", checkpoint="all", layer="all")
ALL_KNOWLEDGE = reads(KnowledgeResult, checkpoint="all", layer="all")
