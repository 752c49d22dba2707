"""Hyperparameters of the three estimators: names, defaults, ranges and meanings, in one place."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from patternscope.errors import InputError, explain
from patternscope.radial.defaults import MOST_KAPPA, REGION_KAPPA_MAX, SAMPLE_KAPPA_MAX, TARGET_KAPPA

MatchPrecision = Literal["full", "bfloat16", "auto"]
Objective = Literal["likelihood", "paper"]
Auto = Literal["auto"]

# Dimensions for viewing, and the maximum for counting: docs/defaults.md.
LOOKING = 3
MOST_DIMENSIONS = 16
# Beyond these, no fit stays finite or ends.
_MOST_STEPS = 1_000_000
_MOST_RATE = 1000
_MOST_WEIGHT = 1e6
_SAMPLE_STEPS = {"lbfgs": 200, "sgd": 2000}
_SAMPLE_RATE = 1e-3
_REGION_STEPS = {"likelihood": 12, "paper": 20}

# Fields that several sections have.
_SCALE: Any = Field(default="auto", description='divides features; "auto" = their mean strength')
_KAPPA_PROB: Any = Field(default=TARGET_KAPPA, gt=0, le=MOST_KAPPA, description="kappa_p of the target similarity")
_NEIGHBOURS: Any = Field(default=100, ge=1, description="neighbours of an anchor, at most n - 1")
_MOMENTUM: Any = Field(default=0.9, ge=0, lt=1, description="momentum of sgd")
_DECAY: Any = Field(default=5e-4, ge=0, le=_MOST_WEIGHT, description="weight decay on the map, part of the objective")


class Params(BaseModel):
    """Base of the parameter sets: immutable, and an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

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
        le=_MOST_STEPS,
        description=f"most steps; default {_SAMPLE_STEPS['lbfgs']} (lbfgs) or {_SAMPLE_STEPS['sgd']} (sgd)",
    )
    lr: float | None = Field(
        default=None, gt=0, le=_MOST_RATE, description="step size; default 1 (lbfgs, with line search) or 1e-3 (sgd)"
    )
    momentum: float = _MOMENTUM
    wd: float = _DECAY
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="seed of the random start of sgd; lbfgs starts from the probabilities"
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
    n_step: int = Field(default=20, ge=1, le=_MOST_STEPS, description="Adam steps of each solve")
    lr: float = Field(default=0.3, gt=0, le=_MOST_RATE, description="Adam step size on the logits of the two simplices")
    kl_sample_num: int = _NEIGHBOURS
    match_every: int = Field(
        default=7, ge=1, le=_MOST_STEPS, description="joint: steps between two refreshments of the match"
    )
    match_dtype: MatchPrecision = Field(
        default="full",
        description="products that find matches: full, bfloat16, or auto for bfloat16 where it is native",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="seed of the choice of neighbours")


class RegionParams(Params):
    """How the regional embedding is fitted (Sec. 3.3; docs/method.md).

    >>> RegionParams().objective, RegionParams().lambda_mi
    ('paper', 1.0)
    """

    objective: Objective = Field(
        default="paper",
        description="paper: similarities of samples; likelihood: what each region tells about the network's decision",
    )
    solver: Literal["lbfgs", "sgd"] = Field(
        default="lbfgs", description="lbfgs; or, for the paper's objective, its protocol: sgd, one anchor per step"
    )
    sharpening: float = Field(
        default=2.0, gt=0, le=1000, description="likelihood: power to which the target probabilities are raised"
    )
    lambda_kl: float = Field(default=1.0, ge=0, le=_MOST_WEIGHT, description="paper: weight of the similarity loss")
    lambda_mi: float = Field(
        default=1.0,
        ge=0,
        le=_MOST_WEIGHT,
        description="paper: weight of the alignment with the sample embedding (published: 0.1)",
    )
    kl_sample_num: int = _NEIGHBOURS
    n_step: int | None = Field(
        default=None,
        ge=1,
        le=_MOST_STEPS,
        description="most iterations (lbfgs), or passes over all anchors (sgd); default "
        f"{_REGION_STEPS['likelihood']} (likelihood) or {_REGION_STEPS['paper']} (paper)",
    )
    lr: float = Field(default=0.01, gt=0, le=_MOST_RATE, description="step size of sgd; lbfgs searches for its own")
    momentum: float = _MOMENTUM
    wd: float = _DECAY
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**63,
        description="seed of neighbours; for sgd of the random start and of the order as well",
    )

    @property
    def steps(self) -> int:
        """Most steps: as given, or the objective's default."""
        return self.n_step or _REGION_STEPS[self.objective]

    @model_validator(mode="after")
    def _protocol_of_the_paper(self) -> Self:
        """The published protocol takes one anchor per step, and the likelihood has no anchors."""
        if self.solver == "sgd" and self.objective != "paper":
            raise ValueError('solver: expected "lbfgs" for the likelihood, got "sgd"; objective = "paper" has it')
        return self


class EstimatorSettings(Params):
    """Base of the sections of a study that configure an estimator: its constructor and its fit.

    >>> SampleSettings(kappa_max=20).constructor()["kappa_max"]
    20.0
    """

    fit_params: ClassVar[type[Params]]
    # Fields that belong to neither the constructor nor the fit.
    of_the_study: ClassVar[frozenset[str]] = frozenset()

    def params(self) -> Params:
        """Return the part that goes to `fit` or `estimate`."""
        return self.fit_params(**self.model_dump(include=set(self.fit_params.model_fields)))

    def constructor(self) -> dict[str, Any]:
        """Return the arguments of the estimator's constructor."""
        return self.model_dump(exclude={*self.fit_params.model_fields, *self.of_the_study})


def dimensions(out_dim: int | Auto, classes: int) -> int:
    """Return e, or for "auto" one less than the classes, so that all pairs of classes can have the same angle.

    >>> [dimensions("auto", classes) for classes in (2, 4, 10, 100)], dimensions(5, 10)
    ([3, 3, 9, 16], 5)
    """
    return min(max(LOOKING, classes - 1), MOST_DIMENSIONS) if out_dim == "auto" else out_dim


class SampleSettings(EstimatorSettings, SampleParams):
    """[sample] of a study: the estimator's constructor and its fit.

    >>> SampleSettings(kappa_max=20).params() == SampleParams()
    True
    """

    fit_params: ClassVar[type[Params]] = SampleParams

    out_dim: Annotated[int, Field(ge=2, le=1024)] | Auto = Field(
        default="auto",
        description=f'embedding dimensions e; "auto" is one less than the classes, {LOOKING} to {MOST_DIMENSIONS}',
    )
    kappa_max: float = Field(
        default=SAMPLE_KAPPA_MAX, gt=0, le=MOST_KAPPA, description="largest concentration of sample embeddings"
    )
    scale: Annotated[float, Field(gt=0)] | Auto = _SCALE


class ImportanceSettings(EstimatorSettings, ImportanceParams):
    """[importance] of a study: the estimator's constructor and its estimate.

    >>> ImportanceSettings().kappa_max
    'auto'
    """

    fit_params: ClassVar[type[Params]] = ImportanceParams

    kappa_max: Annotated[float, Field(gt=0, le=MOST_KAPPA)] | Auto = Field(
        default="auto", description='kappa_v; "auto" = twice the channels'
    )
    kappa_prob: float = _KAPPA_PROB


class RegionSettings(EstimatorSettings, RegionParams):
    """[region] of a study: the estimator's constructor and its fit.

    The number of dimensions is that of the sample embedding. Each image is judged by a map that was fitted without it:
    images are divided into `folds`, `splits` times. The first division judges the images; all of them give the
    stability of a knowledge point.

    >>> RegionSettings().kappa_max, RegionSettings().objective
    (1000.0, 'likelihood')
    """

    fit_params: ClassVar[type[Params]] = RegionParams
    of_the_study: ClassVar[frozenset[str]] = frozenset({"folds", "splits"})

    objective: Objective = Field(
        default="likelihood",
        description="likelihood: what each region tells about the network's decision; paper: similarities of samples",
    )
    folds: int = Field(default=2, ge=2, le=100, description="parts into which images are divided")
    splits: int = Field(default=3, ge=1, le=100, description="divisions of the images into such parts")

    kappa_max: float = Field(
        default=REGION_KAPPA_MAX, gt=0, le=MOST_KAPPA, description="largest concentration of regional embeddings"
    )
    kappa_prob: float = _KAPPA_PROB
    scale: Annotated[float, Field(gt=0)] | Auto = _SCALE


# The source of the constructors' defaults.
SAMPLE_DEFAULTS = SampleSettings()
IMPORTANCE_DEFAULTS = ImportanceSettings()
REGION_DEFAULTS = RegionSettings()
