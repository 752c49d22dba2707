"""A linear probe: how much of the class can be read from the regions of a layer."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.calibration import at_temperature, calibrate_folds, class_shares
from patternscope.knowledge.folds import assign_folds
from patternscope.knowledge.region_evidence import Evidence, evidence
from patternscope.radial.checks import check_finite, check_real, check_shape, class_labels, working_dtype
from patternscope.radial.units import in_usual_unit, times_two_to
from patternscope.solvers import minimise_lbfgs, preconditioned

_IMAGES_AT_ONCE = 256
# Added to the second moment of the features, in units of its mean eigenvalue.
_RIDGE = 1e-2
_DECAY = 1e-3
_STEPS = 20


def probe_evidence(
    regional_features: Tensor,
    labels: Tensor,
    folds: Tensor | int = 2,
    *,
    classes: int | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Evidence:
    """Measure the evidence of a linear probe: what is readable, whether or not the map keeps it.

    Multinomial logistic regression of the class on the standardised features of a region, fitted without the image's
    fold and calibrated like the radial posterior (docs/method.md, "Evidence").

    Args:
        regional_features: (n, k, h, w).
        labels: true classes (n,), integers.
        folds: the fold of each image (n,), or their number.
        classes: c, by default one more than the largest label.
        resamples, seed: of the interval, as `evidence`.

    Raises:
        InputError: shapes that disagree, NaN or inf, fewer images than folds.

    Cost: for each fold some 25 passes over the features, 4 n h w k c operations each.

    >>> labels = torch.arange(12) % 2
    >>> features = labels.float()[:, None, None, None] + torch.zeros(12, 3, 2, 2)
    >>> round(probe_evidence(features, labels).bits, 1)
    0.9
    """
    check_shape(regional_features, "regional_features", (None, None, None, None), "(n, k, h, w)")
    n = len(regional_features)
    count = int(labels.max()) + 1 if classes is None and labels.numel() else classes or 1
    own = class_labels(labels, n, count).to(regional_features.device)
    fold = assign_folds(own.cpu(), folds) if isinstance(folds, int) else folds
    probes = fit_probes(regional_features, own, fold, count)
    posterior = probes.log_posterior(regional_features, fold, class_shares(own, count))
    return evidence(posterior, own, resamples=resamples, seed=seed)


@dataclass(frozen=True)
class FoldProbes:
    """Probes that lack a fold of the images each, with the temperatures of the folds (docs/method.md, "Evidence").

    Attributes:
        probes: by fold. temperatures: of each fold, chosen on the others (folds,) float64. classes: c.
        exponent: features are divided by two to this power.
    """

    probes: "dict[int, _Probe]"
    temperatures: Tensor
    classes: int
    exponent: int

    def scores(self, regional_features: Tensor, fold: Tensor) -> Tensor:
        """Return the scores of classes of each region, by the probe that lacks its image's fold: (n, r, c).

        Features (n, k, h, w) and folds (n,) of any images.
        """
        features = times_two_to(regional_features.detach().flatten(2), -self.exponent)
        size = (len(features), features.shape[2], self.classes)
        scores = features.new_zeros(size, dtype=working_dtype(features))
        for number in fold.unique().tolist():
            unseen = (fold == number).to(features.device)
            scores[unseen] = self.probes[number].scores(features[unseen])
        return scores

    def log_posterior(self, regional_features: Tensor, fold: Tensor, class_prior: Tensor) -> Tensor:
        """Return log p_T of each region with the shares of the classes (c,): (n, r, c) float64."""
        return at_temperature(self.scores(regional_features, fold), self.temperatures[fold], class_prior)


def fit_probes(regional_features: Tensor, labels: Tensor, fold: Tensor, classes: int) -> FoldProbes:
    """Fit a probe without each fold of the images, and choose its temperature on the other folds.

    The first part of `probe_evidence`: the probes can judge other images, each as one of its fold. Features
    (n, k, h, w), labels and folds (n,) integers; errors and cost as there.

    >>> labels = torch.arange(12) % 2
    >>> features = labels.float()[:, None, None, None] + torch.zeros(12, 3, 2, 2)
    >>> probes = fit_probes(features, labels, assign_folds(labels), 2)
    >>> probes.log_posterior(features[:2], torch.tensor([0, 1]), torch.ones(2) / 2).argmax(dim=2)[:, 0]
    tensor([0, 1])
    """
    check_shape(regional_features, "regional_features", (None, None, None, None), "(n, k, h, w)")
    check_real(regional_features, "regional_features")
    check_finite(regional_features, "regional_features")
    n = len(regional_features)
    own = class_labels(labels, n, classes).to(regional_features.device)
    if fold.shape != (n,) or fold.is_floating_point() or len(fold.unique()) < 2:
        raise InputError(f"folds: expected their number, or two or more of {n} images, got {tuple(fold.shape)}")
    features, exponent = in_usual_unit(regional_features.detach().flatten(2))
    probes = dict[int, _Probe]()
    for number in fold.unique().tolist():
        seen = (fold != number).to(own.device)
        probes[number] = _fit(features[seen], own[seen], classes)
    fitted = FoldProbes(probes, torch.zeros(0), classes, exponent)
    temperatures, _ = calibrate_folds(fitted.scores(regional_features, fold), own, fold)
    return replace(fitted, temperatures=temperatures)


@dataclass(frozen=True)
class _Probe:
    """Weights (c, k) and offsets (c, 1) of unscaled features."""

    weight: Tensor
    offset: Tensor

    def scores(self, features: Tensor) -> Tensor:
        """Scores of classes: (n, k, r) -> (n, r, c)."""
        return (self.weight @ features.to(self.weight.dtype) + self.offset).transpose(1, 2)


def _fit(features: Tensor, labels: Tensor, classes: int) -> _Probe:
    """The probe of features (n, k, r): the least mean cross-entropy with weight decay, by L-BFGS from zero."""
    dtype, (n, k, r) = working_dtype(features), features.shape
    blocks = [block.to(dtype).transpose(0, 1).reshape(k, -1) for block in features.split(_IMAGES_AT_ONCE)]
    mean = torch.stack([block.double().sum(dim=1) for block in blocks]).sum(dim=0) / (n * r)
    spread = torch.stack([(block - mean[:, None]).square().sum(dim=1) for block in blocks]).sum(dim=0) / (n * r)
    # A constant channel carries no information: it stays 0.
    unit = torch.where(spread > 0, spread.sqrt(), torch.inf).to(dtype)
    mean = mean.to(dtype)
    standard = [torch.cat([(block - mean[:, None]) / unit[:, None], block.new_ones(1, block.shape[1])])
                for block in blocks]  # fmt: skip
    targets = [torch.nn.functional.one_hot(own, classes).T.to(dtype).repeat_interleave(r, dim=1)
               for own in labels.split(_IMAGES_AT_ONCE)]  # fmt: skip
    second = torch.stack([block @ block.T for block in standard]).sum(dim=0) / (n * r)
    second.diagonal().add_(_RIDGE * second.diagonal().mean())
    factor = torch.linalg.cholesky(second.double()).to(dtype)

    def evaluate(weight: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = torch.zeros((), dtype=torch.float64, device=weight.device), torch.zeros_like(weight)
        for block, target in zip(standard, targets, strict=True):
            logits = weight @ block
            normaliser = logits.logsumexp(dim=0)
            loss += (normaliser - (target * logits).sum(dim=0)).double().sum()
            gradient += (logits - normaliser).exp_().sub_(target) @ block.T
        decayed = loss.to(dtype) / (n * r) + _DECAY / 2 * weight.square().sum()
        return decayed, gradient / (n * r) + _DECAY * weight

    point, _ = minimise_lbfgs(preconditioned(evaluate, factor), second.new_zeros(classes, k + 1), _STEPS)
    weight = torch.linalg.solve_triangular(factor, point, upper=False, left=False)
    slopes = weight[:, :-1] / unit
    return _Probe(slopes, (weight[:, -1] - slopes @ mean)[:, None])
