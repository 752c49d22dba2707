"""The cost of a run, estimated before it starts: units still to be made, time, disk and memory."""

import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import cast

import torch

from patternscope.embeddings.settings import dimensions
from patternscope.errors import InputError
from patternscope.images import open_images
from patternscope.networks import list_layers, record, resolve_device
from patternscope.networks.capture.forward_pass import images_at_once
from patternscope.results.images import ImagesResult
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import dry_network
from patternscope.study.cost_model import NUMBER, Cost, Facts
from patternscope.study.network_factory import recording_options
from patternscope.workflow.event_log import EventLog, unit_times
from patternscope.workflow.intermediates import dropped_inputs
from patternscope.workflow.manifest import MANIFEST_FILE
from patternscope.workflow.plan import Plan, until_stage
from patternscope.workflow.programs import limited_threads
from patternscope.workflow.stages import Axes, Unit
from patternscope.workflow.status import study_status
from patternscope.workflow.store import Store
from patternscope.workflow.verification import UnitCheck

_TRIAL = (512, 2048, 392)  # a product of the match's shape
_COPIED = 1 << 23  # numbers: more than the caches hold
_LONG = 0.1  # seconds after which a trial of the network is not repeated with more images
_MOST_TRIED = 32
_HELD_OUTPUTS = 3  # of a network without gradients: input, inside and output of a block
_AT_ONCE = 2  # recorded checkpoints on disk at a time if features are not kept
_FIGURE_BYTES, _FIGURE_HELD = 2e6, 10 * NUMBER  # of a file, and for each region and checkpoint
# Of a figure of weight 1, its png and svg: alone, for each layer at each checkpoint, and for each image.
_FIGURE_SECONDS, _PANEL_SECONDS, _IMAGE_SECONDS = 0.7, 0.05, 3e-4
_MOST_SHOWN = 48
_SHORTEST = 1e-3  # seconds


@dataclass(frozen=True)
class ImageCounts:
    """Numbers of samples, held-out images and images to train on, the classes, and how many samples maps are fitted to.

    `fitted` is None while only the settings are known.
    """

    samples: int
    held_out: int
    train: int
    classes: tuple[str, ...]
    fitted: int | None = None


@dataclass(frozen=True)
class Budget:
    """The remaining work of a study, and its estimated cost.

    units still to be made; seconds on this machine; additional bytes on disk; the largest memory of a process,
    including the program; bytes free on disk; the cost of each stage.
    """

    units: int
    seconds: float
    disk: int
    memory: int
    free: int
    stages: Mapping[str, Cost]

    def check_disk(self, folder: Path) -> None:
        """Raise InputError if the disk of `folder` has no room for what would be written."""
        if self.disk > self.free:
            raise InputError(
                f"{folder}: expected {self.disk / 1e9:.1f} GB free for what this run will write, got "
                f"{self.free / 1e9:.1f} GB; make room, choose another --out, or set keep_features = false, fewer "
                "layers or checkpoints"
            )


def pending_units(folder: Path, plan: Plan) -> list[Unit]:
    """Return the units that a run would make: missing, stale or damaged, and dropped ones that these read.

    Units that depend on a stale one are counted too, although they may turn out to be unchanged. Cost: that of
    `study_status`.
    """
    status = study_status(folder, plan)
    pending = {state.unit for state in status if not state.up_to_date}
    store = Store(folder)
    manifests = {state.unit: store.manifest(state.unit) for state in status if state.unit not in pending}
    known = {unit: manifest for unit, manifest in manifests.items() if manifest is not None}
    for unit in list(pending):
        if all(source in known for _, source in plan.needs[unit]):
            pending.update(dropped_inputs(plan, unit, known))
    return [unit for unit in plan.units if unit in pending]


def count_images(folder: Path, settings: StudySettings) -> ImageCounts | None:
    """Return how many images a study has, None while that is unknown.

    A user's files are counted by the stage `images`, which reads them; the number of pictograms is known.
    """
    asked = settings.images
    if asked.source == "pictograms":
        drawn = open_images("pictograms", train_per_class=asked.train_per_class, test_per_class=asked.test_per_class)
        classes = tuple(drawn.test.classes)
        samples = min(asked.samples_per_class * len(classes), len(drawn.test))
        return ImageCounts(samples, len(drawn.test), len(drawn.train), classes)
    unit = folder / Unit(ImagesResult.STAGE).path
    if not (unit / MANIFEST_FILE).is_file():
        return None
    known = ImagesResult.load(unit, check=UnitCheck(Store(folder), Unit(ImagesResult.STAGE)))
    try:
        samples, rows = sum(known.counts.values()), known.fitted_rows
        fitted = samples if rows is None else len(rows)
        return ImageCounts(samples, known.held_out_count, known.train_count, known.classes, fitted)
    except InputError:
        # A damaged unit is made again by the run, and named by its readers.
        return None


def make_budget(folder: Path, plan: Plan, *, until: str | None = None, device: str = "auto") -> Budget | None:
    """Return the cost of the rest of a study; None if nothing is to be done, or the images have not been counted.

    The formulas are in docs/scaling.md. Cost: that of `study_status` and `unit_costs`.
    """
    pending = pending_units(folder, until_stage(plan, until))
    costs = unit_costs(folder, plan, pending, device) if pending else None
    if costs is None:
        return None
    stages: dict[str, Cost] = {}
    for unit, cost in costs.items():
        stages[unit.stage] = stages.get(unit.stage, Cost()) + cost
    total = sum(stages.values(), start=Cost())
    dropped = 0.0
    if not cast(StudySettings, plan.settings).keep_features:
        recorded = [costs[unit].disk for unit in pending if plan.stage(unit).bulk]
        dropped = sum(sorted(recorded)[:-_AT_ONCE])
    memory = round(_program_bytes() + total.memory)
    return Budget(len(pending), total.seconds, round(total.disk - dropped), memory, _free_bytes(folder), stages)


def unit_costs(folder: Path, plan: Plan, units: Sequence[Unit], device: str = "auto") -> dict[Unit, Cost] | None:
    """Return the cost of each of some units of a study on this machine; None while its images have not been counted.

    The time of a unit that was made before is the one in the event log. Otherwise it is from the stage's own formula,
    with the sizes and the speed of the network, which is run on a few images, and of the machine, which multiplies
    matrices briefly; if units of that stage are in the event log, it is scaled by the median ratio of their time to the
    formula. A stage without a formula draws a figure. Cost: a tenth of a second, or five runs of the network on two
    images if it is slow. InputError as `record`.
    """
    settings = cast(StudySettings, plan.resolved)
    counts = count_images(folder, settings)
    if counts is None:
        return None
    facts = measure(settings, plan.axes, counts, _device_here(device))
    earlier = unit_times(EventLog(folder)).seconds
    formula = partial(_by_formula, plan, facts)
    pending = set(units)
    paces = _paces([unit for unit in plan.units if unit not in pending], formula, earlier)
    costs = {}
    for unit in units:
        cost = formula(unit)
        seconds = earlier.get(unit.path, cost.seconds * paces.get(unit.stage, 1.0))
        costs[unit] = Cost(seconds, cost.disk, cost.memory)
    return costs


def _by_formula(plan: Plan, facts: Facts, unit: Unit) -> Cost:
    """The cost of a unit by its stage's formula, or by that of a figure."""
    stage = plan.stage(unit)
    if stage.cost is not None:
        return stage.cost(unit, facts, cast(StudySettings, plan.resolved))
    shown = min(_MOST_SHOWN, facts.checkpoints * len(facts.layers))
    seconds = stage.weight * (_FIGURE_SECONDS + _PANEL_SECONDS * shown + _IMAGE_SECONDS * facts.samples)
    held = _FIGURE_HELD * facts.checkpoints * facts.samples * facts.regions
    return Cost(seconds, _FIGURE_BYTES, held)


def _paces(done: Sequence[Unit], formula: Callable[[Unit], Cost], earlier: Mapping[str, float]) -> dict[str, float]:
    """Return the ratio of each stage's time in this study to the formula: the median of its finished units.

    So the estimate for a run that was stopped, or has another checkpoint, is from this machine, not only a formula.
    """
    ratios: dict[str, list[float]] = {}
    for unit in done:
        if unit.path in earlier:
            ratios.setdefault(unit.stage, []).append(earlier[unit.path] / max(formula(unit).seconds, _SHORTEST))
    return {stage: median(values) for stage, values in ratios.items()}


def _device_here(name: str) -> torch.device:
    """The device of a run, or the CPU if only workers elsewhere have it."""
    try:
        return resolve_device(name)
    except InputError:
        return torch.device("cpu")


def _program_bytes() -> int:
    """Bytes of memory of the program itself: the peak so far; 0 if the system does not report it."""
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:
        return 0
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _free_bytes(folder: Path) -> int:
    """Bytes free on the disk of the folder, which may not exist yet."""
    place = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.exists())
    return shutil.disk_usage(place).free


def measure(settings: StudySettings, axes: Axes, counts: ImageCounts, device: torch.device) -> Facts:
    """Return the sizes of a study and the speed of a machine, by a dry run of its network; InputError as `record`."""
    network, asked = settings.network, settings.images
    model = dry_network(settings, counts.classes).to(device)
    noise = torch.Generator().manual_seed(0)
    shape = (asked.channels, asked.image_size, asked.image_size)
    images = torch.randint(0, 256, (_MOST_TRIED, *shape), dtype=torch.uint8, generator=noise)
    recorded = partial(record, model, layers=axes.layers, grid=network.grid, **recording_options(network))
    trial = recorded(images[:2])
    forward = _fastest(lambda: recorded(images[:2])) / 2
    if 2 * forward < _LONG:
        forward = _fastest(lambda: recorded(images)) / len(images)
    outputs = [torch.Size(layer.shape).numel() for layer in list_layers(model, images[:2]) if layer.outermost]
    products, copies = machine_speed(device)
    return Facts(
        samples=counts.samples,
        fitted=counts.fitted or min(counts.samples, asked.fit_samples),
        held_out=counts.held_out,
        train=counts.train,
        numbers=asked.channels * asked.image_size**2,
        classes=len(counts.classes),
        dimensions=dimensions(settings.sample.out_dim, len(counts.classes)),
        features=trial.sample_features.shape[1],
        weights=sum(tensor.numel() for tensor in model.state_dict().values()),
        activations=sum(outputs),
        largest=sum(sorted(outputs)[-_HELD_OUTPUTS:]),
        at_once=images_at_once(images),
        layers={name: (f.shape[1], f[0, 0].numel()) for name, f in trial.regional_features.items()},
        checkpoints=axes.checkpoints,
        products=products,
        copies=copies,
        forward=forward,
    )


def machine_speed(device: torch.device) -> tuple[float, float]:
    """Return operations per second of a matrix product, and bytes per second read and written by a copy.

    The best of three of each; about a twentieth of a second.
    """
    k, rows, columns = _TRIAL
    a, b = torch.rand(rows, k, device=device), torch.rand(k, columns, device=device)
    block = torch.rand(_COPIED, device=device)
    other = torch.empty_like(block)
    rates = []
    for amount, run in ((2.0 * k * rows * columns, lambda: a @ b), (2.0 * block.nbytes, lambda: other.copy_(block))):
        times = [_seconds(run, device) for _ in range(4)]
        rates.append(amount / max(min(times[1:]), 1e-9))
    return rates[0], rates[1]


def _fastest(run: Callable[[], object]) -> float:
    """Seconds that something takes: the best of three with all threads and with one.

    A busy moment would look like a slow machine, and if others use its cores, threads wait for one another.
    """
    times = []
    for threads in {1, torch.get_num_threads()}:
        with limited_threads(threads):
            times += [_seconds(run) for _ in range(3)]
    return min(times)


def _seconds(run: Callable[[], object], device: torch.device | None = None) -> float:
    """Seconds that the device takes for a function."""
    begun = time.perf_counter()
    run()
    if device is not None and device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun
