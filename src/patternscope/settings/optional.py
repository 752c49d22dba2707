"""The sections of a study's optional parts: a part is on where its section is written."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from patternscope.settings.core import CoreSettings, Section
from patternscope.settings.section import LATER, LocatedPath


class ControlsSettings(Section):
    """[controls]: the knowledge points and evidence that a layer has by chance, at the last checkpoint.

    >>> ControlsSettings().enabled
    True
    """

    enabled: bool = Field(
        default=True,
        description="fit the layers to targets permuted over images, and to the features of an untrained network",
    )


class SpreadSettings(Section):
    """[spread]: what another draw of the neighbours would change, at the last checkpoint.

    >>> SpreadSettings().enabled, SpreadSettings().draws
    (False, 2)
    """

    enabled: bool = Field(
        default=False,
        description="fit the layers again; a section [spread] switches it on unless it sets enabled = false",
    )
    draws: int = Field(default=2, ge=1, le=100, description="further draws of the neighbours, each with its own maps")


class ReplicatesSettings(Section):
    """[replicates]: more networks, trained like the study's own from other seeds, at all checkpoints.

    >>> ReplicatesSettings().enabled, ReplicatesSettings().count, ReplicatesSettings(folders=["a"]).count
    (False, 3, 2)
    """

    enabled: bool = Field(
        default=False,
        description="analyse more networks; a section [replicates] switches it on unless it sets enabled = false",
    )
    networks: int | None = Field(
        default=None,
        ge=2,
        le=100,
        description="number of networks, including the study's own; by default 3, or one more than the folders",
    )
    folders: tuple[LocatedPath, ...] = Field(
        default=(),
        max_length=99,
        description="networks trained elsewhere: for each a folder like that of [checkpoints], with as many files",
    )

    @property
    def count(self) -> int:
        """Networks in all, the study's own included."""
        return 1 + len(self.folders) if self.folders else self.networks or 3

    @model_validator(mode="after")
    def _a_folder_each(self) -> Self:
        """Folders are of the networks beside the study's own."""
        if self.folders and self.networks not in (None, self.count):
            raise ValueError(
                f"networks: expected {self.count}, the study's own and {len(self.folders)} in folders, "
                f"got {self.networks}"
            )
        return self


class FaithfulnessSettings(Section):
    """[faithfulness]: whether the last checkpoint depends on the regions that are said to matter.

    Source: the deletion test of Petsiuk et al., BMVC 2018.

    >>> FaithfulnessSettings().enabled, FaithfulnessSettings().replacement
    (False, 'blur')
    """

    enabled: bool = Field(
        default=False,
        description="run the deletion test; a section [faithfulness] switches it on unless it sets enabled = false",
    )
    images_per_class: int = Field(default=10, ge=1, le=100_000, description="samples of each class that are tested")
    steps: int = Field(default=8, ge=2, le=10_000, description="equal shares in which the regions are removed")
    replacement: Literal["blur", "mean"] = Field(
        default="blur", description="what replaces a region: the blurred image, or its mean colour"
    )


class PatternsSettings(Section):
    """[patterns]: clusters of the reliable regions of each class and layer, at the last checkpoint.

    >>> PatternsSettings().enabled, PatternsSettings().most
    (False, 8)
    """

    enabled: bool = Field(
        default=False,
        description="look for patterns; a section [patterns] switches it on unless it sets enabled = false",
    )
    most: int = Field(default=8, ge=1, le=50, description="largest number of patterns of a class in a layer")
    names: LocatedPath | None = Field(
        default=None, description="JSON file with your names of patterns, each given to one of its regions"
    )
    images_per_class: int = Field(
        default=20,
        ge=1,
        le=100_000,
        json_schema_extra=LATER,
        description="samples of each class on which the network is tested without a pattern's regions",
    )


class AttackSettings(Section):
    """[attack]: an adversarial attack on the samples, at the last checkpoint. Source: Sec. 4.

    >>> AttackSettings().enabled, round(AttackSettings().step, 6) == round(2.5 * 8 / 255 / 20, 6)
    (False, True)
    """

    enabled: bool = Field(
        default=False, description="run an attack; a section [attack] switches it on unless it sets enabled = false"
    )
    epsilon: float = Field(
        default=8 / 255, gt=0, description="largest perturbation, for pixels in [0, 1]; 8/255 is 0.0314"
    )
    step_size: float | None = Field(default=None, gt=0, description="length of a step; by default 2.5 epsilon / n_step")
    n_step: int = Field(default=20, ge=2, le=10_000, description="steps; every second one is kept")
    norm: Literal["linf", "l2"] = Field(default="linf", description="norm of the perturbation")
    random_start: bool = Field(
        default=False, description="start from a random perturbation; step 0 is the clean image in any case"
    )
    target: str = Field(
        default="random",
        description='"random" (another class for each image), "second" (the most likely wrong class), "none" '
        "(untargeted), or the name of a class",
    )

    @property
    def step(self) -> float:
        """Length of a step: the one set, or the default."""
        return self.step_size if self.step_size is not None else 2.5 * self.epsilon / self.n_step

    @model_validator(mode="after")
    def _within_the_pixels(self) -> "AttackSettings":
        """A perturbation of 8 is meant to be 8/255."""
        if self.norm == "linf" and self.epsilon > 1:
            raise ValueError(f"epsilon: expected at most 1 for linf (8/255 is 0.0314), got {self.epsilon}")
        return self


StudentName = Literal["logits", "features"]


class DistillationSettings(Section):
    """[distillation]: students of the last checkpoint's network, and their evidence.

    >>> DistillationSettings().enabled, DistillationSettings().students
    (False, ('logits', 'features'))
    """

    enabled: bool = Field(
        default=False,
        description="distil the network; a section [distillation] switches it on unless it sets enabled = false",
    )
    students: tuple[StudentName, ...] = Field(
        default=("logits", "features"),
        min_length=1,
        description="what students learn from: the teacher's logits, or the features of its last analysed layer",
    )
    architecture: str | None = Field(default=None, description="of the students; by default the teacher's")
    arguments: dict[str, Any] | None = Field(
        default=None,
        description="further arguments of the architecture; by default the teacher's, if the architecture is the same",
    )
    layers: tuple[str, ...] = Field(
        default=(),
        description="the students' layers, one for each of the teacher's; by default those of the same names, or "
        "as many spread over the depth of another architecture",
    )
    temperature: float = Field(default=4.0, gt=0, le=1000, description="T of the softened probabilities")
    weight: float = Field(
        default=0.9, ge=0, le=1, description="weight of the teacher's outputs; the rest is cross-entropy with labels"
    )
    epochs: int | None = Field(
        default=None, ge=1, le=10_000, description="epochs of a student's training; by default the teacher's"
    )
    maps: Literal["auto", "own", "teacher"] = Field(
        default="auto",
        description="maps that embed a student's layer: the teacher's, its own, or (auto) the teacher's if its "
        "channels mean the same",
    )

    @field_validator("students")
    @classmethod
    def _each_once(cls, students: tuple[StudentName, ...]) -> tuple[StudentName, ...]:
        """A student has one folder."""
        if len(set(students)) < len(students):
            raise ValueError(f"expected each student once, got {list(students)}")
        return students

    @property
    def variants(self) -> tuple[StudentName, ...]:
        """The students, each with its own stages."""
        return self.students


class OptionalParts(CoreSettings):
    """The optional parts of a study beside what every study has; a new part is a section above and a field here."""

    controls: ControlsSettings = Field(default_factory=ControlsSettings, description="what a layer has by chance")
    spread: SpreadSettings = Field(
        default_factory=SpreadSettings, description="what another draw of the neighbours would change"
    )
    replicates: ReplicatesSettings = Field(
        default_factory=ReplicatesSettings, description="networks trained from other seeds"
    )
    faithfulness: FaithfulnessSettings = Field(
        default_factory=FaithfulnessSettings, description="whether the network depends on what the figures show"
    )
    patterns: PatternsSettings = Field(
        default_factory=PatternsSettings, description="the patterns of each class and layer"
    )
    attack: AttackSettings = Field(default_factory=AttackSettings, description="an adversarial attack")
    distillation: DistillationSettings = Field(
        default_factory=DistillationSettings, description="students of the network"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _on_where_written(cls, section: Any, info: ValidationInfo) -> Any:
        """An optional part is on where its section is written, unless the section says it is off."""
        is_part = info.field_name in _part_names()
        return {"enabled": True, **section} if is_part and isinstance(section, Mapping) else section

    @model_validator(mode="after")
    def _patterns_of_calibrated_points(self) -> Self:
        """Patterns are of calibrated points: those of the paper's rule hold chance as well."""
        if self.patterns.enabled and self.knowledge.rule != "calibrated":
            raise ValueError(f'patterns: expected knowledge.rule = "calibrated", got "{self.knowledge.rule}"')
        return self

    @property
    def parts(self) -> dict[str, Section]:
        """The sections of the optional parts, by name."""
        return {name: getattr(self, name) for name in _part_names()}

    def with_all_parts(self) -> Self:
        """Return these settings with every optional part enabled."""
        return self.model_copy(
            update={name: part.model_copy(update={"enabled": True}) for name, part in self.parts.items()}
        )


def _part_names() -> list[str]:
    """Names of the optional parts."""
    return [name for name in OptionalParts.model_fields if name not in CoreSettings.model_fields]
