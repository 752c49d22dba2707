"""Every formula of the method a second time: loops, float64, no cleverness, nothing from the package."""

import fractions
import itertools
import math

import mpmath
import numpy as np
from scipy import stats


def bessel_ratio(kappa: float, dim: int) -> float:
    with mpmath.workdps(40):
        kappa = mpmath.mpf(kappa)
        order = mpmath.mpf(dim) / 2
        return float(mpmath.besseli(order, kappa) / mpmath.besseli(order - 1, kappa))


def noisy_resultant(strength: float, dim: int) -> float:
    """Mean cosine between l o + noise and o, by the series' own definition."""
    with mpmath.workdps(40):
        e, length = mpmath.mpf(dim), mpmath.mpf(strength)
        factor = length / mpmath.sqrt(2) * mpmath.gamma((e + 1) / 2) / mpmath.gamma(e / 2 + 1)
        return float(factor * mpmath.hyp1f1(0.5, e / 2 + 1, -(length**2) / 2))


def concentration(strength: float, kappa_max: float, dim: int = 3) -> float:
    """The concentration of the wanted mean resultant length, by bisection."""
    if strength == 0:
        return 0.0
    wanted = noisy_resultant(strength, dim) * bessel_ratio(kappa_max, dim)
    low, high = 0.0, kappa_max
    for _ in range(60):
        middle = (low + high) / 2
        if bessel_ratio(middle, dim) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def softmax(scores) -> np.ndarray:
    top = max(scores)
    powers = [math.exp(each - top) for each in scores]
    return np.array([each / sum(powers) for each in powers])


def norm(vector) -> float:
    return math.sqrt(sum(float(each) ** 2 for each in vector))


def unit(vector) -> np.ndarray:
    length = norm(vector)
    return np.array([float(each) / length if length else 0.0 for each in vector])


def dot(first, second) -> float:
    return sum(float(a) * float(b) for a, b in zip(first, second, strict=True))


def posterior(point, directions, kappa_max: float, prior=None) -> np.ndarray:
    """p(c | x) for one x, the densities' common normaliser left out."""
    kappa = concentration(norm(point), kappa_max, len(point))
    scores = []
    for c, direction in enumerate(directions):
        score = kappa * dot(unit(point), direction)
        scores.append(score + (math.log(prior[c]) if prior is not None else 0.0))
    return softmax(scores)


def mean_directions(embedding, target_probs, kappa_max: float) -> np.ndarray:
    n, classes = target_probs.shape
    kappas = [concentration(norm(point), kappa_max, len(point)) for point in embedding]
    rows = []
    for c in range(classes):
        total = np.zeros(embedding.shape[1])
        for i in range(n):
            total += float(target_probs[i, c]) * kappas[i] * unit(embedding[i])
        rows.append(unit(total))
    return np.array(rows)


def divergence(p, q) -> float:
    return sum(float(a) * math.log(float(a) / float(b)) for a, b in zip(p, q, strict=True) if a > 0)


def sample_loss(weight, features, target_probs, scale: float, kappa_max: float) -> float:
    embedding = np.array([[dot(row, f) / scale for row in weight] for f in features])
    directions = mean_directions(embedding, target_probs, kappa_max)
    prior = [sum(target_probs[:, c]) / len(target_probs) for c in range(target_probs.shape[1])]
    return sum(
        divergence(target_probs[i], posterior(embedding[i], directions, kappa_max, prior)) for i in range(len(features))
    )


def target_similarity(target_probs, anchor: int, neighbours, kappa: float = 5.0) -> np.ndarray:
    return softmax([kappa * dot(unit(target_probs[anchor]), unit(target_probs[j])) for j in neighbours])


def weighted_score(features, channel_weights, anchor: int, r: int, other: int, s: int) -> float:
    """Similarity of region r of the anchor and region s of another sample, features (n, r, k)."""
    a, b = unit(features[anchor, r]), unit(features[other, s])
    return sum(float(channel_weights[anchor, k]) * a[k] * b[k] for k in range(len(a)))


def match(features, channel_weights, anchor: int, neighbours) -> np.ndarray:
    regions = features.shape[1]
    return np.array(
        [
            [
                int(np.argmax([weighted_score(features, channel_weights, anchor, r, j, s) for s in range(regions)]))
                for r in range(regions)
            ]
            for j in neighbours
        ]
    )


def combine(scores, region_weights) -> np.ndarray:
    """q(j) by the definition: a softmax over samples for each region, then one over their weighted logs."""
    samples, regions = len(scores), len(region_weights)
    by_region = [softmax([scores[j][r] for j in range(samples)]) for r in range(regions)]
    logs = [sum(float(region_weights[r]) * math.log(by_region[r][j]) for r in range(regions)) for j in range(samples)]
    return softmax(logs)


def feature_similarity(features, channel_weights, region_weights, matches, anchor: int, neighbours, kappa: float):
    regions = features.shape[1]
    scores = [
        [kappa * weighted_score(features, channel_weights, anchor, r, j, int(matches[row][r])) for r in range(regions)]
        for row, j in enumerate(neighbours)
    ]
    return combine(scores, region_weights[anchor])


def embedding_similarity(embedding, region_weights, matches, anchor: int, neighbours, kappa_max: float):
    regions, dim = embedding.shape[1:]
    kappas = [concentration(norm(embedding[anchor, r]), kappa_max, dim) for r in range(regions)]
    scores = [
        [kappas[r] * dot(unit(embedding[anchor, r]), unit(embedding[j, int(matches[row][r])])) for r in range(regions)]
        for row, j in enumerate(neighbours)
    ]
    return combine(scores, region_weights[anchor])


def align_loss(embedding, region_weights, sample_embedding) -> float:
    total = 0.0
    for i in range(len(embedding)):
        for r in range(embedding.shape[1]):
            total -= float(region_weights[i, r]) * dot(unit(embedding[i, r]), unit(sample_embedding[i]))
    return total / len(embedding)


def knowledge_points(embedding, directions, labels, tau: float, kappa_max: float, unit_strength=None):
    """Mask, reliable and category of each region."""
    n, regions = embedding.shape[:2]
    if unit_strength is None:
        unit_strength = sum(norm(embedding[i, r]) for i in range(n) for r in range(regions)) / (n * regions)
    mask, reliable = np.zeros((n, regions), bool), np.zeros((n, regions), bool)
    category = np.zeros((n, regions), int)
    for i in range(n):
        for r in range(regions):
            p = posterior(embedding[i, r] / unit_strength, directions, kappa_max)
            category[i, r] = int(np.argmax(p))
            mask[i, r] = max(p) > tau
            reliable[i, r] = mask[i, r] and category[i, r] == labels[i]
    return mask, reliable, category


def bootstrap_means(counts, resamples: int, seed: int) -> list[float]:
    """Means of images drawn with replacement, one image at a time."""
    generator = np.random.default_rng(seed)
    drawn = generator.integers(len(counts), size=(resamples, len(counts)))
    return [sum(counts[i] for i in row) / len(counts) for row in drawn.tolist()]


def interval(value: float, draws, images: int, level: float, low=-math.inf, high=math.inf):
    """Ends of the interval: quantiles of the draws, farther away from the value for fewer images."""
    end = (1 + level) / 2
    farther = math.sqrt(images / (images - 1)) * stats.t.ppf(end, images - 1) / stats.norm.ppf(end)
    ends = [value + farther * (np.quantile(draws, share) - value) for share in (1 - end, end)]
    return tuple(min(high, max(low, each)) for each in ends)


def turned(before, after) -> float:
    """1 - cos of two regions, NaN where one has no orientation."""
    if norm(before) == 0 or norm(after) == 0:
        return math.nan
    return 1 - dot(unit(before), unit(after))


def relative_strength_change(before, after) -> float:
    """Of one image's regions (r, e)."""
    changed = sum(abs(norm(b) - norm(a)) for a, b in zip(before, after, strict=True))
    strength = sum(norm(each) for each in before)
    return changed / strength if strength else math.nan


def trajectory(path, label: int, target: int, directions, unit_strength: float, kappa_max: float) -> int:
    """Type of one region's trajectory (t, e): the rules of `knowledge.trajectory_types`, one after the other."""
    lengths = [norm(point) / unit_strength for point in path]
    first, last, least = lengths[0], lengths[-1], min(lengths)
    original = first > 1 and dot(unit(path[0]), directions[label]) > 0.9
    reached = posterior(np.array(path[-1]) / unit_strength, directions, kappa_max)[target] > 0.5
    if original and first < 1.5 and reached and least > 1.2:
        return 1
    if original and first < 1.5 and reached and least < 1.0:
        return 2
    if first < 0.5 and reached:
        return 3
    if original and last < 1.0:
        return 4
    return 0


def softened_divergence(student, teacher, temperature: float) -> float:
    """T^2 times the mean divergence of the student's softened probabilities from the teacher's."""
    rows = [
        divergence(softmax([t / temperature for t in wanted]), softmax([s / temperature for s in own]))
        for own, wanted in zip(student, teacher, strict=True)
    ]
    return temperature**2 * sum(rows) / len(rows)


def block_means(features, height: int, width: int) -> np.ndarray:
    """Features (n, k, h, w) averaged over equal blocks to a grid whose sides divide theirs."""
    n, k, h, w = features.shape
    found = np.zeros((n, k, height, width))
    for a in range(height):
        for b in range(width):
            rows = range(a * h // height, (a + 1) * h // height)
            columns = range(b * w // width, (b + 1) * w // width)
            cells = [features[:, :, y, x] for y in rows for x in columns]
            found[:, :, a, b] = sum(cells) / len(cells)
    return found


def feature_distance(student, teacher) -> float:
    height, width = (min(a, b) for a, b in zip(student.shape[2:], teacher.shape[2:], strict=True))
    own, wanted = block_means(student, height, width), block_means(teacher, height, width)
    return norm((own - wanted).ravel()) ** 2 / norm(wanted.ravel()) ** 2


def channel_agreement(first, second) -> float:
    """Mean correlation of equal channels of features (n, k, ...), those that vary in both."""
    found = []
    for k in range(first.shape[1]):
        own, other = (np.asarray(each[:, k], float).ravel() for each in (first, second))
        own, other = own - sum(own) / len(own), other - sum(other) / len(other)
        if norm(own) and norm(other):
            found.append(dot(own, other) / (norm(own) * norm(other)))
    return sum(found) / len(found)


def bin_shares(values, edges) -> list[float]:
    """Share of the values that exist in each bin; beyond the ends they count in the end bins."""
    counts = [0] * (len(edges) - 1)
    for value in np.ravel(values):
        if not math.isnan(value):
            inner = [each for each in edges[1:-1] if value >= each]
            counts[len(inner)] += 1
    return [count / sum(counts) for count in counts]


def first_appearance(history) -> int:
    """First checkpoint of one thing's history, -1 for never."""
    for checkpoint, present in enumerate(history):
        if present:
            return checkpoint
    return -1


def lasting_appearance(history) -> int:
    """The checkpoint from which it is there to the end, -1 where it is not there at last."""
    for checkpoint in range(len(history)):
        if all(history[checkpoint:]):
            return checkpoint
    return -1


def class_appearance(first, checkpoints: int) -> tuple[float, int | None, float]:
    """Share that ever appears, checkpoint by which half has, mean with never as one after the last."""
    seen = [each for each in first if each != -1]
    median = None
    for checkpoint in reversed(range(checkpoints)):
        if 2 * sum(each <= checkpoint for each in seen) >= len(first):
            median = checkpoint
    mean = sum(checkpoints if each == -1 else each for each in first) / len(first)
    return len(seen) / len(first), median, mean


def corresponding_regions(grid, other) -> list[int]:
    """The region of the other grid that holds the centre of each region."""
    found = []
    for row in range(grid[0]):
        for column in range(grid[1]):
            y = fractions.Fraction(2 * row + 1, 2 * grid[0]) * other[0]
            x = fractions.Fraction(2 * column + 1, 2 * grid[1]) * other[1]
            found.append(math.floor(y) * other[1] + math.floor(x))
    return found


def best_turn(source, target) -> float:
    """Degrees by which a source (n, e), as a long vector, turns to come nearest to a target, by Kabsch's method."""
    u, _, vt = np.linalg.svd(source.T @ target)
    turned = source @ u @ np.diag([1] * (len(u) - 1) + [np.sign(np.linalg.det(u @ vt))]) @ vt
    cosine = dot(source.ravel(), turned.ravel()) / (norm(source.ravel()) * norm(turned.ravel()))
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def deletion(shares, order) -> list[float]:
    """What is left of a sum as its terms go one after another."""
    left, curve = sum(shares), [sum(shares)]
    for region in order:
        left -= shares[region]
        curve.append(left)
    return curve


def area(curve, shares) -> float:
    """Area under a curve over the shares of regions gone, by trapezoids."""
    pieces = zip(itertools.pairwise(curve), itertools.pairwise(shares), strict=True)
    return sum((a + b) / 2 * (end - start) for (a, b), (start, end) in pieces)


def seeds_agree(verdicts) -> float:
    """Share of regions, over all pairs of seeds, on which two seeds say the same."""
    pairs = list(itertools.combinations(verdicts, 2))
    return sum(x == y for a, b in pairs for x, y in zip(a, b, strict=True)) / (len(pairs) * len(verdicts[0]))


def jaccard(a, b) -> float:
    """Common points of two lists of verdicts as a share of the points of either."""
    return sum(x and y for x, y in zip(a, b, strict=True)) / sum(x or y for x, y in zip(a, b, strict=True))


def drpr_loss(weight, features, target_probs) -> float:
    """KL from a mixture of Gaussians of unit variance, sample by sample, densities written out."""
    (n, classes), dim = target_probs.shape, len(weight)
    places = [[dot(row, feature) for row in weight] for feature in features]
    centres, prior = [], []
    for c in range(classes):
        mass = sum(target_probs[i][c] for i in range(n))
        prior.append(mass / n)
        centres.append([sum(target_probs[i][c] * places[i][e] for i in range(n)) / mass for e in range(dim)])
    total = 0.0
    for i in range(n):
        densities = [
            prior[c]
            * math.prod(
                math.exp(-((places[i][e] - centres[c][e]) ** 2) / 2) / math.sqrt(2 * math.pi) for e in range(dim)
            )
            for c in range(classes)
        ]
        for c in range(classes):
            p = target_probs[i][c]
            total += p * math.log(p * sum(densities) / densities[c]) if p > 0 else 0.0
    return total


def shares_of(labels, classes: int) -> list[float]:
    return [sum(label == c for label in labels) / len(labels) for c in range(classes)]


def tempered(scores, inverse: float, prior) -> list[float]:
    """p_T of one region, T = 1 / inverse; a class without a share has none, a posterior of 0 is e^-708 or less."""
    least = min([-708.0, *(each - max(scores) for each in scores if each > -math.inf)])
    powers = [
        prior[c] * math.exp(inverse * max(scores[c] - max(scores), least)) if prior[c] else 0.0
        for c in range(len(scores))
    ]
    return [each / sum(powers) for each in powers]


def surprise(scores, labels, inverse: float, prior, unknown: float = 0.5) -> float:
    """Mean -log p_T over regions (n, r, c), of the true class, and of half an image of an unknown class."""
    total, n = 0.0, len(scores)
    for image, label in zip(scores, labels, strict=True):
        for region in image:
            p = tempered(region, inverse, prior)
            for c, share in enumerate(prior):
                wanted = (n * (c == label) + unknown * share) / (n + unknown)
                total -= wanted * math.log(p[c]) if wanted else 0.0
    return total / (n * len(scores[0]))


def best_inverse(scores, labels, classes: int, most: float = 64.0) -> float:
    """1 / T by halving an interval in thirds: the surprise is convex in it."""
    prior, low, high = shares_of(labels, classes), 0.0, most
    for _ in range(70):
        first, second = low + (high - low) / 3, high - (high - low) / 3
        if surprise(scores, labels, first, prior) <= surprise(scores, labels, second, prior):
            high = second
        else:
            low = first
    return low


def evidence(scores, labels, fold, classes: int) -> list[list[float]]:
    """Bits of each region, at the temperature of the images of other folds."""
    prior, bits = shares_of(labels, classes), []
    for own, label, image in zip(fold, labels, scores, strict=True):
        others = [i for i, each in enumerate(fold) if each != own]
        inverse = best_inverse([scores[i] for i in others], [labels[i] for i in others], classes)
        bits.append([math.log2(tempered(region, inverse, prior)[label] / prior[label]) for region in image])
    return bits


def calibration_error(posterior, labels, bins: int = 15) -> float:
    """Of p (n, r, c): the mean over regions of |confidence - share that is right| of the region's bin."""
    held = [[] for _ in range(bins)]
    for image, label in zip(posterior, labels, strict=True):
        for p in image:
            top = max(p)
            held[min(bins - 1, int(top * bins))].append((top, list(p).index(top) == label))
    regions = sum(len(each) for each in held)
    return sum(abs(sum(top for top, _ in each) - sum(right for _, right in each)) for each in held if each) / regions


def stability(masks, categories, category) -> list[list[float]]:
    """Share of refits in which each region is a point of its class."""
    return [
        [
            sum(masks[f][i][r] and categories[f][i][r] == category[i][r] for f in range(len(masks))) / len(masks)
            for r in range(len(category[0]))
        ]
        for i in range(len(category))
    ]


def shared_points(masks, categories) -> float | None:
    """Points of two refits with the same class as a share of the points of either."""
    places = list(itertools.product(range(len(masks[0])), range(len(masks[0][0]))))
    either = [(i, r) for i, r in places if masks[0][i][r] or masks[1][i][r]]
    both = [
        (i, r) for i, r in either if masks[0][i][r] and masks[1][i][r] and categories[0][i][r] == categories[1][i][r]
    ]
    return len(both) / len(either) if either else None


def regional_likelihood(weight, features, targets, directions, scale: float, kappa_max: float, decay: float) -> float:
    """-mean over regions of sum_c t_c log p(c | h) of features (n, k, r), and the decay."""
    n, _, regions = features.shape
    total = 0.0
    for i in range(n):
        for r in range(regions):
            p = posterior([dot(row, features[i, :, r]) / scale for row in weight], directions, kappa_max)
            total -= sum(t * math.log(each) for t, each in zip(targets[i], p, strict=True))
    return total / (n * regions) + decay / 2 * sum(float(each) ** 2 for each in np.ravel(weight))


def batch_statistics(values) -> tuple[list[float], list[float]]:
    """Mean and unbiased variance of each channel of values (n, k, ...)."""
    columns = [np.ravel(values[:, k]).tolist() for k in range(values.shape[1])]
    means = [sum(each) / len(each) for each in columns]
    pairs = zip(columns, means, strict=True)
    return means, [sum((value - mean) ** 2 for value in each) / (len(each) - 1) for each, mean in pairs]
