"""The cost model of a study: seconds, bytes on disk and memory of each unit, from sizes alone (docs/scaling.md)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from patternscope.networks import checkpoint_steps, total_steps
from patternscope.settings.study import StudySettings
from patternscope.study.stages.attack import kept_steps
from patternscope.study.stages.images import trains_here
from patternscope.workflow.stages import Unit

NUMBER = 4  # bytes of a float32
# Share of an image's regions that carry its weight, between all of an untrained network's and a fifth.
WEIGHTY = 0.5
# The search for the best of many scores costs as much as so many channels of the product that makes them.
_SEARCH_CHANNELS = 40
# Bytes of traffic for one matched region and dimension in an evaluation of the regional objective and its gradient.
_LOOK_UP_BYTES = 50
# Evaluations beyond one an iteration: the line search, the halvings of the start, the closing one.
_MORE_EVALUATIONS = 6
_SAMPLE_EVALUATIONS = 250
_CALL = 2e-4  # seconds of an evaluation that has next to nothing to do
_TRAIN_PASSES, _ATTACK_PASSES = (
    2.5,
    2.5,
)  # forward passes that a training step, and a step of an attack, cost an image
_ORDERS = 6  # at most, in which regions are taken away
_DRAW_SECONDS = 2.2e-3  # of a pictogram of 64 x 64 pixels
_HELD = 4 * 64 * 2**20  # bytes of the blocks in which estimators work


@dataclass(frozen=True)
class Sizes:
    """What the cost of a study depends on besides its settings.

    samples n, held_out and train are numbers of images; numbers those of one image (channels x side^2);
    classes c; features d of the sample feature; weights those of the network; activations the numbers of all
    its outputs for one image; layers (k, r) of each analysed layer.
    """

    samples: int
    held_out: int
    train: int
    numbers: int
    classes: int
    features: int
    weights: int
    activations: int
    layers: Mapping[str, tuple[int, int]]
    checkpoints: int

    @property
    def regions(self) -> int:
        """Regions of all layers together."""
        return sum(r for _, r in self.layers.values())


@dataclass(frozen=True)
class Speed:
    """How fast a machine is: operations a second of matrix products, bytes a second copied (read and written),
    and seconds of the network's forward pass for one image.
    """

    products: float
    copies: float
    forward: float


@dataclass(frozen=True)
class Cost:
    """Seconds, bytes on disk, and bytes of memory beside the program itself."""

    seconds: float = 0.0
    disk: float = 0.0
    memory: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        """One after the other: time and files add up, memory is that of the larger."""
        return Cost(self.seconds + other.seconds, self.disk + other.disk, max(self.memory, other.memory))


def unit_cost(unit: Unit, sizes: Sizes, speed: Speed, settings: StudySettings, weight: float = 1.0) -> Cost:
    """Return what one unit costs.

    A stage without a formula of its own (figures) is taken to last `weight` seconds.
    """
    family = unit.stage.split("/")[0]
    formula = _FORMULAS.get(family)
    return _drawing(sizes, weight) if formula is None else formula(unit, sizes, speed, settings)


def _features_bytes(sizes: Sizes, layer: str | None = None) -> int:
    """Bytes of the regional features, n k r numbers, of one layer or of all."""
    chosen = sizes.layers.values() if layer is None else [sizes.layers[layer]]
    return NUMBER * sizes.samples * sum(k * r for k, r in chosen)


def _images(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    trains = trains_here(settings) or settings.distillation.enabled
    count = s.samples + s.held_out + (s.train if trains else 0)
    masks = s.samples * s.numbers / settings.images.channels
    drawn = _DRAW_SECONDS * (s.held_out + (s.train if trains else 0)) * (settings.images.image_size / 64) ** 2
    return Cost(drawn, count * s.numbers + masks, 2 * count * s.numbers)


def _training(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    tested = s.held_out * v.forward
    here = trains_here(settings)
    if not here:
        return Cost(tested, NUMBER * s.weights, 3 * NUMBER * s.weights)
    steps = checkpoint_steps(total_steps(settings.training, s.train), settings.training.checkpoint_count)
    checkpoint = min(unit.checkpoint or 0, len(steps) - 1)
    done = steps[checkpoint] - (steps[checkpoint - 1] if checkpoint else 0)
    batch = settings.training.batch_size
    return Cost(
        tested + done * batch * _TRAIN_PASSES * v.forward,
        NUMBER * s.weights * (4 if steps[checkpoint] else 2),
        NUMBER * (6 * s.weights + 2 * batch * s.activations),
    )


def _features(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    written = _features_bytes(s) + NUMBER * s.samples * (s.features + 2 * s.classes)
    # Shards of up to 64 MB of each layer are joined before they are written.
    shards = sum(min(_features_bytes(s, layer), 2**26) for layer in s.layers)
    batch = NUMBER * min(64, s.samples) * s.activations
    return Cost(s.samples * v.forward + 2 * written / v.copies, written, 2 * shards + batch)


def _sample(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    e, n = settings.sample.out_dim, s.samples
    read = 8 * n * (s.features + 3 * s.classes)
    kept = NUMBER * (e * s.features + n * (e + s.classes) + s.classes * (e + 1))
    evaluations = settings.sample.n_step or _SAMPLE_EVALUATIONS
    return Cost(evaluations * (4 * _CALL + 3 * read / v.copies), kept, 6 * read)


def _importance(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    (k, r), n, asked = s.layers[unit.layer or ""], s.samples, settings.importance
    m = min(asked.kl_sample_num, n - 1)
    steps, a = asked.n_step, WEIGHTY * r
    match = _match(n, m, r, r, k) + 2 * _match(n, m, a, r, k)
    # Each step of Adam reads the scores twice: n m r of them for w, n m k twice for v.
    passes = 2 * steps * NUMBER * n * m * (r + 2 * k)
    by_channel = 2 * 2 * NUMBER * n * m * a * k
    if asked.solver == "joint":
        match, by_channel = _match(n, m, r, r, k) * (1 + steps // asked.match_every), 0.0
        passes = 4 * steps * NUMBER * n * m * r * k
    memory = _features_bytes(s, unit.layer) * 1.25 + NUMBER * (m + 1) * k * r + _HELD
    return Cost(match / v.products + (passes + by_channel) / v.copies, NUMBER * n * (r + k), memory)


def _region(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    (k, r), n, asked, e = s.layers[unit.layer or ""], s.samples, settings.region, settings.sample.out_dim
    m = min(asked.kl_sample_num, n - 1)
    sgd = asked.solver == "sgd"
    a = r if sgd else WEIGHTY * r
    evaluations = asked.n_step + (1 if sgd else _MORE_EVALUATIONS)
    features = _features_bytes(s, unit.layer)
    # Two passes over the features, and a look-up for each match, forward and backward.
    traffic = 2 * features + _LOOK_UP_BYTES * n * m * a * e
    calls = n if sgd else max(1, n * m * a / 2**18)
    seconds = _match(n, m, a, r, k) / v.products + evaluations * (traffic / v.copies + 10 * _CALL * calls)
    embedding = NUMBER * n * r * e
    memory = 1.25 * features + NUMBER * (m + 1) * k * r + 2 * n * m * a + 6 * embedding + _HELD
    return Cost(seconds, embedding + NUMBER * e * k, memory)


def _match(n: int, m: int, a: float, r: int, k: int) -> float:
    """Operations of the match of `a` regions of n anchors with m + 1 candidates: 2 n m a r k, and the search."""
    return 2 * n * (m + 1) * a * r * (k + _SEARCH_CHANNELS)


def _knowledge(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    (_, r), n = s.layers[unit.layer or ""], s.samples
    asked = settings.knowledge
    posterior = NUMBER * n * r * s.classes
    resampled = (2 + len(asked.taus)) * asked.bootstrap * n * 8
    seconds = 0.05 + (8 * (1 + len(asked.taus)) * posterior + 4 * resampled) / v.copies
    return Cost(seconds, 18 * n * r, 5 * posterior)


def _emergence(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    mask = s.samples * s.regions * s.checkpoints
    return Cost(0.1 + 8 * mask / v.copies, 1.2 * mask, 18 * mask)


def _spread(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    """Weights and maps as often as neighbours are drawn; nothing of them is kept but counts."""
    each = _importance(unit, s, v, settings) + _region(unit, s, v, settings)
    return Cost(settings.spread.draws * each.seconds, 300.0 * (1 + settings.spread.draws), each.memory)


def _faithfulness(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    (_, r), asked = s.layers[unit.layer or ""], settings.faithfulness
    n, steps = min(asked.images_per_class * s.classes, s.samples), min(asked.steps, r)
    passes = n * (2 + _ORDERS * (steps - 1)) + n * _ATTACK_PASSES
    batch = NUMBER * min(64, n) * s.activations
    return Cost(
        passes * v.forward, NUMBER * _ORDERS * n * (steps + 1), 3 * NUMBER * n * s.numbers + 2 * batch
    )


def _attack(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    n, e, steps = s.samples, settings.sample.out_dim, len(kept_steps(settings.attack.n_step))
    way = NUMBER * steps * n * (s.regions * e + s.classes + e)
    images = NUMBER * n * s.numbers
    seconds = n * v.forward * (settings.attack.n_step * _ATTACK_PASSES + steps)
    return Cost(seconds, way + images, way + 2 * images + 2 * NUMBER * 64 * s.activations)


def _adversarial(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    (_, r), n, e = s.layers[unit.layer or ""], s.samples, settings.sample.out_dim
    way = NUMBER * len(kept_steps(settings.attack.n_step)) * n * r * e
    return Cost(0.05 + 16 * way / v.copies, 29 * n * r, 4 * way + 10 * NUMBER * n * r * s.classes)


def _distillation(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    epochs = settings.distillation.epochs or settings.training.epochs
    seen = epochs * s.train * (1 + _TRAIN_PASSES) + 2 * s.held_out
    batch = settings.training.batch_size
    memory = NUMBER * (6 * s.weights + 3 * batch * s.activations)
    return Cost(seen * v.forward, NUMBER * s.weights, memory)


def _distilled(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    """A student's layers are recorded, and fitted as the teacher's are unless they are seen through its maps."""
    recorded = _features(unit, s, v, settings)
    total = Cost(recorded.seconds, 0.0, recorded.memory)
    for layer in s.layers:
        own = Unit(unit.stage, None, layer)
        for formula in (_importance, _region, _knowledge):
            each = formula(own, s, v, settings)
            total += Cost(each.seconds, 0.0, 2 * each.memory)
        total += _knowledge(own, s, v, settings)
    return total


def _atlas(unit: Unit, s: Sizes, v: Speed, settings: StudySettings) -> Cost:
    conditions = s.checkpoints
    conditions += len(kept_steps(settings.attack.n_step)) if settings.attack.enabled else 0
    conditions += len(settings.distillation.students) if settings.distillation.enabled else 0
    points = conditions * s.samples * s.regions
    store = points * (2 * settings.sample.out_dim + 1) + 2500 * s.samples
    one_file = min(4 / 3 * store, 1e6 * settings.atlas.max_mb)
    return Cost(0.3 + 1e-7 * store, store + one_file, 6 * store)


def _drawing(s: Sizes, seconds: float) -> Cost:
    """A figure: about two megabytes, and the embeddings of all checkpoints in memory."""
    return Cost(seconds, 2e6, 40 * s.checkpoints * s.samples * s.regions)


_Formula = Callable[[Unit, Sizes, Speed, StudySettings], Cost]
_FORMULAS: dict[str, _Formula] = {
    "images": _images,
    "training": _training,
    "features": _features,
    "sample": _sample,
    "importance": _importance,
    "region": _region,
    "knowledge": _knowledge,
    "emergence": _emergence,
    "summary": lambda *_: Cost(0.01, 3e4),
    "spread": _spread,
    "faithfulness": _faithfulness,
    "attack": _attack,
    "adversarial": _adversarial,
    "distillation": _distillation,
    "distilled": _distilled,
    "atlas": _atlas,
}
