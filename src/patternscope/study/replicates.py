"""Further networks of a study: its stages repeated for each, under separate names, in the study's frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any

from patternscope.knowledge.network_comparison import align_embeddings
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.result import Result, reads
from patternscope.results.study import OWN_NETWORK, StoredResults, network_variant
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

_KINDS: tuple[type[Result], ...] = (
    TrainingResult,
    FeaturesResult,
    SampleResult,
    ImportanceResult,
    RegionResult,
    EvidenceResult,
    KnowledgeResult,
)
# Results of the study's own network that the others read: its frame, and the steps of its checkpoints.
_FRAME = reads(SampleResult, "embedding", checkpoint="last")
_STEP = reads(TrainingResult, "step")


@dataclass(frozen=True)
class NetworkContext(UnitContext):
    """The context of a unit of a further network, as the stage of the study's own network receives it.

    Units have the same names as for the study's own network; seeds are those of the `variant`.
    """

    variant: str = ""

    @property
    def seed(self) -> int:
        """The unit's own seed, another for each network."""
        return unit_seed(self.settings.seed, *self._names, self.unit.checkpoint, self.unit.layer)

    @property
    def stage_seed(self) -> int:
        """One seed for all units of the stage, another for each network."""
        return unit_seed(self.settings.seed, *self._names)

    @property
    def _names(self) -> tuple[str]:
        return (f"{self.unit.stage}/{self.variant}",)


@dataclass(frozen=True)
class RunForNetwork:
    """The work of a stage for a further network; it is sent to other processes by its parts."""

    stage: Stage
    network: int

    def __call__(self, ctx: UnitContext) -> None:
        """Write the result of the stage; a sample embedding is rotated into the study's frame."""
        self.stage.run(as_own_network(ctx, self.network))
        if self.stage.name == SampleResult.STAGE:
            _turn_into_frame(ctx)


def network_stages(stages: Sequence[Stage], settings: StudySettings) -> tuple[Stage, ...]:
    """Return the stages of the further networks, made from those of the study's own network.

    Every network has all checkpoints: one is trained through them anyway. Images, folds and neighbours are those of the
    study. Weights of regions are estimated only if the objective reads them.
    """
    unread = {ImportanceResult.STAGE} if settings.region.objective != "paper" else set[str]()
    names = {kind.STAGE for kind in _KINDS} - unread
    own = [stage for stage in stages if stage.name in names]
    numbers = range(2, settings.replicates.count + 1)
    more = {SampleResult.STAGE: (_FRAME,)}
    if settings.training.placement == "accuracy" and not settings.replicates.folders:
        more[TrainingResult.STAGE] = (_STEP,)
    return tuple(
        _stage_for(stage, number, (*_needs_of(stage, number, names, unread), *more.get(stage.name, ())))
        for number in numbers
        for stage in own
    )


def as_own_network(ctx: UnitContext, network: int) -> NetworkContext:
    """Return the context of a further network's unit as the stage of the study's own network expects it.

    Its own inputs have the names of the study's; those of the study's own network are the variant OWN_NETWORK.
    """
    variant, end = network_variant(network), f"/{network_variant(network)}"
    names = {kind.STAGE: f"{kind.STAGE}/{OWN_NETWORK}" for kind in _KINDS}

    def named(unit: Unit) -> Unit:
        return replace(unit, stage=names.get(unit.stage, unit.stage.removesuffix(end)))

    inputs = tuple(replace(source, unit=named(source.unit)) for source in ctx.inputs)
    settings = settings_of_network(ctx.settings, network)
    return NetworkContext(named(ctx.unit), ctx.folder, settings, inputs, ctx.report, ctx.device, variant)


def settings_of_network(settings: Any, network: int) -> Any:
    """Return settings with the checkpoints of a further network, for those that read them.

    Takes a study's settings, or the part of them that a stage has declared.
    """
    folders = getattr(getattr(settings, "replicates", None), "folders", ())
    if not folders:
        return settings
    given = SimpleNamespace(folder=folders[network - 2])
    of_network = SimpleNamespace(**{**_values(settings.network), "weights": None})
    return SimpleNamespace(**{**_values(settings), "checkpoints": given, "network": of_network})


def _values(settings: Any) -> dict[str, Any]:
    """The values of a section, or of the part of it that a stage has declared."""
    names = getattr(type(settings), "model_fields", None)
    return vars(settings) if names is None else {name: getattr(settings, name) for name in names}


def _needs_of(stage: Stage, network: int, names: set[str], unread: set[str]) -> list[Need]:
    """The inputs of a stage for a further network: that network's results if it has them, else the study's."""
    variant = network_variant(network)
    return [
        replace(need, stage=f"{need.stage}/{variant}") if need.stage in names else need
        for need in stage.needs
        if need.stage not in unread
    ]


def _stage_for(stage: Stage, network: int, needs: tuple[Need, ...]) -> Stage:
    """A stage for a further network."""
    from_files = stage.name == TrainingResult.STAGE
    return replace(
        stage,
        name=f"{stage.name}/{network_variant(network)}",
        run=RunForNetwork(stage, network),
        settings=(*stage.settings, "replicates.folders") if from_files else stage.settings,
        needs=needs,
        external=None if stage.external is None else partial(_external, stage, network),
        part="replicates",
        cost=None if stage.cost is None else partial(_cost, stage, network),
    )


def _external(stage: Stage, network: int, settings: Any, unit: Unit) -> str:
    """The digest of the files outside the study, for a further network."""
    return "" if stage.external is None else stage.external(settings_of_network(settings, network), unit)


def _cost(stage: Stage, network: int, unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """The cost of the unit for the study's own network."""
    return Cost() if stage.cost is None else stage.cost(unit, facts, settings_of_network(settings, network))


def _turn_into_frame(ctx: UnitContext) -> None:
    """Rotate the sample embedding in a unit's folder to align it with the study's own at the last checkpoint.

    By an orthogonal map, mirrored if that is nearer: since classes are labelled, a mirror image is the same
    arrangement.
    """
    frame = StoredResults.of(ctx).load(SampleResult).embedding
    found = SampleResult.load(ctx.folder)
    rotation = align_embeddings(found.embedding, frame).rotation.to(found.map)
    replace(
        found,
        map=rotation.T @ found.map,
        embedding=found.embedding @ rotation,
        mean_directions=found.mean_directions @ rotation,
    ).save(ctx.folder)
