"""What a run will cost, found before it starts: units still to be made, time, disk and memory."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import cast

import torch

from patternscope.errors import InputError
from patternscope.images import open_images
from patternscope.networks import list_layers, record, resolve_device
from patternscope.results.json_csv import read_json
from patternscope.settings.study import StudySettings
from patternscope.study.costs import Cost, Sizes, Speed, unit_cost
from patternscope.study.network_factory import recording_options, study_network
from patternscope.workflow.intermediates import dropped_inputs
from patternscope.workflow.plan import Plan, until_stage
from patternscope.workflow.stages import Axes, Unit
from patternscope.workflow.status import study_status
from patternscope.workflow.store import Store

_TRIAL = (512, 2048, 392)  # a product of the match's shape
_COPIED = 1 << 23  # numbers: more than the caches hold
_LONG = 0.1  # seconds after which a trial of the network is not repeated with more images
_MOST_TRIED = 32
_AT_ONCE = 2  # recorded checkpoints that are on the disk together where features are not kept


@dataclass(frozen=True)
class Budget:
    """What is still to be done of a study, and what it takes.

    units still to be made; seconds on this machine; bytes that will be on the disk beside those there; the
    most memory of a process, the program included; bytes free on the disk; the cost of each stage.
    """

    units: int
    seconds: float
    disk: int
    memory: int
    free: int
    stages: Mapping[str, Cost]

    def check_disk(self, folder: Path) -> None:
        """Raise InputError when the disk of `folder` has no room for what would be written."""
        if self.disk > self.free:
            raise InputError(
                f"{folder}: this run will write about {self.disk / 1e9:.1f} GB, and the disk has {self.free / 1e9:.1f} "
                "GB free; make room, choose another --out, or set keep_features = false, fewer layers or checkpoints"
            )


def pending_units(folder: Path, plan: Plan) -> list[Unit]:
    """Return the units that a run would make: missing, stale or damaged, and dropped ones that these read.

    What stands on a stale unit is counted too, although it may turn out to be as it was. Cost: that of
    `study_status`.
    """
    status = study_status(folder, plan)
    pending = {each.unit for each in status if not each.up_to_date}
    store = Store(folder)
    manifests = {each.unit: store.manifest(each.unit) for each in status if each.unit not in pending}
    there = {unit: manifest for unit, manifest in manifests.items() if manifest is not None}
    for unit in list(pending):
        if all(source in there for _, source in plan.needs[unit]):
            pending.update(dropped_inputs(plan, unit, there))
    return [unit for unit in plan.units if unit in pending]


def count_images(folder: Path, settings: StudySettings) -> tuple[int, int, int, int] | None:
    """Return numbers of samples, held-out images, images to train on and classes; None while nobody knows them.

    Files of a user's are counted by the stage `images`, which reads them; pictograms are drawn in numbers
    that are known.
    """
    asked = settings.images
    if asked.source == "pictograms":
        counts = asked.train_per_class, asked.test_per_class
        drawn = open_images("pictograms", train_per_class=counts[0], test_per_class=counts[1])
        classes = len(drawn.test.classes)
        samples = min(asked.samples_per_class * classes, len(drawn.test))
        return samples, len(drawn.test), len(drawn.train), classes
    record_file = folder / "images/images.json"
    if not record_file.is_file():
        return None
    found = read_json(record_file)
    counts = found["counts"]
    return sum(counts.values()), found["held_out"], found["train"], len(counts)


def make_budget(folder: Path, plan: Plan, *, until: str | None = None, device: str = "auto") -> Budget | None:
    """Return what the rest of a study takes; None when nothing is to be done, or nobody has counted the images.

    The formulas are in docs/scaling.md. Cost: that of `study_status` and `unit_costs`.
    """
    part = until_stage(plan, until)
    pending = pending_units(folder, part)
    costs = unit_costs(folder, plan, pending, device) if pending else None
    if costs is None:
        return None
    stages: dict[str, Cost] = {}
    for unit, cost in costs.items():
        stages[unit.stage] = stages.get(unit.stage, Cost()) + cost
    total = sum(stages.values(), start=Cost())
    gone = 0.0
    if not cast(StudySettings, plan.settings).keep_features:
        recorded = [costs[unit].disk for unit in pending if plan.stage(unit).bulk]
        gone = sum(sorted(recorded)[:-_AT_ONCE])
    memory = round(_program() + total.memory)
    return Budget(len(pending), total.seconds, round(total.disk - gone), memory, _free(folder), stages)


def unit_costs(
    folder: Path, plan: Plan, units: Sequence[Unit], device: str = "auto"
) -> dict[Unit, Cost] | None:
    """Return what each of some units of a study costs on this machine; None while nobody has counted its images.

    The network is run on a few images to learn the shapes of its layers and how fast it is, and the machine
    multiplies matrices for a moment. Cost: a tenth of a second, or three runs of the network on two images
    where that is slow. InputError as `record`.
    """
    settings = cast(StudySettings, plan.settings)
    counts = count_images(folder, settings)
    if counts is None:
        return None
    here = _device_here(device)
    sizes, forward = try_network(settings, plan.axes, counts, here)
    speed = Speed(*machine_speed(here), forward)
    return {unit: unit_cost(unit, sizes, speed, settings, plan.stage(unit).weight) for unit in units}


def _device_here(name: str) -> torch.device:
    """The device of a run, or the processor where only workers elsewhere have it."""
    try:
        return resolve_device(name)
    except InputError:
        return torch.device("cpu")


def _program() -> int:
    """Bytes of memory that the program itself takes: the most it took so far."""
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _free(folder: Path) -> int:
    """Bytes free where the folder is, or will be."""
    there = next(each for each in (folder.resolve(), *folder.resolve().parents) if each.exists())
    return shutil.disk_usage(there).free


def try_network(
    settings: StudySettings, axes: Axes, counts: tuple[int, int, int, int], device: torch.device
) -> tuple[Sizes, float]:
    """Return the sizes of a study, and the seconds that recording one image takes, by a dry run of its network.

    InputError as `record`.
    """
    network, asked = settings.network, settings.images
    samples, held_out, train, classes = counts
    model = study_network(network, asked, classes, seed=0).to(device)
    noise = torch.Generator().manual_seed(0)
    shape = (asked.channels, asked.image_size, asked.image_size)
    images = torch.randint(0, 256, (_MOST_TRIED, *shape), dtype=torch.uint8, generator=noise)
    recorded = partial(record, model, layers=axes.layers, grid=network.grid, **recording_options(network))
    found = recorded(images[:2])
    forward = _seconds(lambda: recorded(images[:2])) / 2
    if 2 * forward < _LONG:
        # The best of three: a busy moment would be taken for a slow machine.
        forward = min(_seconds(lambda: recorded(images)) for _ in range(3)) / len(images)
    outputs = [each for each in list_layers(model, images[:2]) if each.outermost]
    sizes = Sizes(
        samples=samples,
        held_out=held_out,
        train=train,
        numbers=asked.channels * asked.image_size**2,
        classes=classes,
        features=found.sample_features.shape[1],
        weights=sum(each.numel() for each in model.state_dict().values()),
        activations=sum(torch.Size(each.shape).numel() for each in outputs),
        layers={name: (f.shape[1], f[0, 0].numel()) for name, f in found.regional_features.items()},
        checkpoints=axes.checkpoints,
    )
    return sizes, forward


def machine_speed(device: torch.device) -> tuple[float, float]:
    """Return operations a second of a matrix product, and bytes a second read and written by a copy.

    The best of three of each; about a twentieth of a second.
    """
    k, rows, columns = _TRIAL
    a, b = torch.rand(rows, k, device=device), torch.rand(k, columns, device=device)
    block = torch.rand(_COPIED, device=device)
    other = torch.empty_like(block)
    rates = []
    for amount, run in (
        (2.0 * k * rows * columns, lambda: a @ b),
        (2.0 * block.nbytes, lambda: other.copy_(block)),
    ):
        times = [_seconds(run, device) for _ in range(4)]
        rates.append(amount / max(min(times[1:]), 1e-9))
    return rates[0], rates[1]


def _seconds(run: Callable[[], object], device: torch.device | None = None) -> float:
    """Seconds until the device has done something."""
    begun = time.perf_counter()
    run()
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun
