"""Hyperparameters of the three estimators: names, defaults, ranges and meanings, in one place."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from patternscope.errors import InputError, explain
from patternscope.radial.defaults import REGION_KAPPA_MAX, SAMPLE_KAPPA_MAX, TARGET_KAPPA

MatchPrecision = Literal["full", "bfloat16", "auto"]
Auto = Literal["auto"]

_SAMPLE_STEPS = {"lbfgs": 200, "sgd": 2000}
_SAMPLE_RATE = 1e-3

# Fields that several sections have.
_SCALE: Any = Field(default="auto", description='divides features; "auto" = their mean strength')
_KAPPA_PROB: Any = Field(default=TARGET_KAPPA, gt=0, description="kappa_p of the target similarity")
_NEIGHBOURS: Any = Field(default=100, ge=1, description="neighbours of an anchor, at most n - 1")
_MOMENTUM: Any = Field(default=0.9, ge=0, lt=1, description="momentum of sgd")
_DECAY: Any = Field(default=5e-4, ge=0, description="weight decay on the map, part of the objective")


class Params(BaseModel):
    """Base of the parameter sets: immutable, and an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def read(cls, params: Mapping[str, Any] | None) -> Self:
        """Check the `params` argument of an estimator.

        Raises:
            InputError: an unknown name (the nearest is named) or a value out of range.

        >>> SampleParams.read({"n_step": 5}).n_step
        5
        """
        try:
            return cls.model_validate(dict(params or {}))
        except ValidationError as error:
            raise InputError(f"params: {explain(error, cls)}") from None


class SampleParams(Params):
    """How the sample embedding is fitted (Sec. 3.2; docs/method.md).

    >>> SampleParams().solver
    'lbfgs'
    """

    solver: Literal["lbfgs", "sgd"] = Field(default="lbfgs", description="lbfgs, or sgd for the published protocol")
    n_step: int | None = Field(
        default=None,
        ge=1,
        description=f"most steps; default {_SAMPLE_STEPS['lbfgs']} (lbfgs) or {_SAMPLE_STEPS['sgd']} (sgd)",
    )
    lr: float | None = Field(
        default=None, gt=0, description="step size; default 1 (lbfgs, with line search) or 1e-3 (sgd)"
    )
    momentum: float = _MOMENTUM
    wd: float = _DECAY
    seed: int = Field(
        default=0, ge=0, description="seed of the random start of sgd; lbfgs starts from the probabilities"
    )

    @property
    def steps(self) -> int:
        """Most steps: as given, or the solver's default."""
        return self.n_step or _SAMPLE_STEPS[self.solver]

    @property
    def sgd_rate(self) -> float:
        """Step size of sgd: as given, or its default."""
        return self.lr or _SAMPLE_RATE


class ImportanceParams(Params):
    """How region and channel weights are estimated (Sec. 3.3; docs/method.md).

    >>> ImportanceParams().solver
    'separate'
    """

    solver: Literal["separate", "joint"] = Field(
        default="separate", description="w with uniform v and then v, or both at once"
    )
    n_step: int = Field(default=20, ge=1, description="Adam steps of each solve")
    lr: float = Field(default=0.3, gt=0, description="Adam step size on the logits of the two simplices")
    kl_sample_num: int = _NEIGHBOURS
    match_every: int = Field(default=7, ge=1, description="joint: steps between two refreshments of the match")
    match_dtype: MatchPrecision = Field(
        default="full",
        description="products that find matches: full, bfloat16, or auto for bfloat16 where it is native",
    )
    seed: int = Field(default=0, ge=0, description="seed of the choice of neighbours")


class RegionParams(Params):
    """How the regional embedding is fitted (Sec. 3.3; docs/method.md).

    >>> RegionParams().lambda_mi
    1.0
    """

    solver: Literal["lbfgs", "sgd"] = Field(
        default="lbfgs", description="lbfgs, or sgd for the published protocol, one anchor a step"
    )
    lambda_kl: float = Field(default=1.0, ge=0, description="weight of the similarity loss")
    lambda_mi: float = Field(
        default=1.0, ge=0, description="weight of the alignment with the sample embedding (paper: 0.1)"
    )
    kl_sample_num: int = _NEIGHBOURS
    n_step: int = Field(default=20, ge=1, description="most iterations (lbfgs), or passes over all anchors (sgd)")
    lr: float = Field(default=0.01, gt=0, description="step size of sgd; lbfgs searches for its own")
    momentum: float = _MOMENTUM
    wd: float = _DECAY
    seed: int = Field(
        default=0, ge=0, description="seed of neighbours; for sgd of the random start and of the order as well"
    )


class EstimatorSettings(Params):
    """Base of the sections of a study that configure an estimator: its constructor and its fit.

    >>> SampleSettings(kappa_max=20).constructor()["kappa_max"]
    20.0
    """

    fit_params: ClassVar[type[Params]]

    def params(self) -> Params:
        """Return the part that goes to `fit` or `estimate`."""
        return self.fit_params(**self.model_dump(include=set(self.fit_params.model_fields)))

    def constructor(self) -> dict[str, Any]:
        """Return the arguments of the estimator's constructor."""
        return self.model_dump(exclude=set(self.fit_params.model_fields))


class SampleSettings(EstimatorSettings, SampleParams):
    """[sample] of a study: the estimator's constructor and its fit.

    >>> SampleSettings(kappa_max=20).params() == SampleParams()
    True
    """

    fit_params: ClassVar[type[Params]] = SampleParams

    out_dim: int = Field(default=3, ge=2, description="embedding dimensions e")
    kappa_max: float = Field(default=SAMPLE_KAPPA_MAX, gt=0, description="largest concentration of sample embeddings")
    scale: float | Auto = _SCALE


class ImportanceSettings(EstimatorSettings, ImportanceParams):
    """[importance] of a study: the estimator's constructor and its estimate.

    >>> ImportanceSettings().kappa_max
    'auto'
    """

    fit_params: ClassVar[type[Params]] = ImportanceParams

    kappa_max: float | Auto = Field(default="auto", description='kappa_v; "auto" = twice the channels')
    kappa_prob: float = _KAPPA_PROB


class RegionSettings(EstimatorSettings, RegionParams):
    """[region] of a study: the estimator's constructor and its fit.

    The number of dimensions is that of the sample embedding.

    >>> RegionSettings().kappa_max
    1000.0
    """

    fit_params: ClassVar[type[Params]] = RegionParams

    kappa_max: float = Field(default=REGION_KAPPA_MAX, gt=0, description="largest concentration of regional embeddings")
    kappa_prob: float = _KAPPA_PROB
    scale: float | Auto = _SCALE


# What the constructors take their defaults from.
SAMPLE_DEFAULTS = SampleSettings()
IMPORTANCE_DEFAULTS = ImportanceSettings()
REGION_DEFAULTS = RegionSettings()
