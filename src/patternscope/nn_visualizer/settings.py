"""The settings of the scripts: those of a study, with the published defaults."""

from typing import Annotated

from pydantic import Field

from patternscope.embeddings.settings import LOOKING, Auto, Objective, RegionSettings, SampleSettings

# Fields of a study's [region] that the published fit does not have.
_OF_A_STUDY = ("objective", "sharpening", "folds", "splits")


class ScriptSampleSettings(SampleSettings):
    """Hyperparameters of `train_sample_emb.py`.

    >>> ScriptSampleSettings().constructor()["out_dim"]
    3
    """

    out_dim: Annotated[int, Field(ge=2)] | Auto = Field(default=LOOKING, description="embedding dimensions e")


class ScriptRegionSettings(RegionSettings):
    """Hyperparameters of `train_region_emb.py`.

    >>> ScriptRegionSettings().params().objective
    'paper'
    """

    objective: Objective = Field(default="paper", description="that of the paper")


REGION_OPTIONS = tuple(name for name in ScriptRegionSettings.model_fields if name not in _OF_A_STUDY)
"""Options of `train_region_emb.py`."""
