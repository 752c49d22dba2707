"""How a network is trained: the settings of a study's [training] section."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingSettings(BaseModel):
    """Training by one-cycle AdamW or SGD with light augmentation.

    >>> TrainingSettings(optimizer="sgd").maximum_lr
    0.1
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(10, ge=0, le=10_000, description="passes over the training images; 0 does not train")
    batch_size: int = Field(64, ge=2, le=65_536, description="images a step")
    optimizer: Literal["adamw", "sgd"] = Field("adamw", description="AdamW, or SGD with Nesterov momentum")
    lr: float | None = Field(
        None, gt=0, le=100, description="largest learning rate of the cycle; by default 0.004 (adamw), 0.1 (sgd)"
    )
    weight_decay: float = Field(5e-4, ge=0, le=10, description="weight decay (decoupled for adamw)")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of sgd; first moment's decay of adamw")
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    augmentation: bool = Field(True, description="random crop, horizontal flip and mild colour jitter")
    checkpoints: int = Field(8, ge=1, le=1000, description="networks kept, untrained to trained; 1 keeps only the last")
    placement: Literal["log", "accuracy"] = Field(
        "log", description="networks kept evenly in log time, or where the accuracy on held-out images changes as well"
    )

    @property
    def checkpoint_count(self) -> int:
        """Networks kept: only one if nothing is trained."""
        return self.checkpoints if self.epochs else 1

    @property
    def maximum_lr(self) -> float:
        """Largest learning rate: the one set, or the optimizer's default."""
        return self.lr if self.lr is not None else {"adamw": 4e-3, "sgd": 0.1}[self.optimizer]
