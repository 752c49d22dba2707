"""A linear probe instead of a classifier: multinomial logistic regression with a cross-validated penalty."""

import importlib.util
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import images_at_once
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.device import device_of, pixels_for
from patternscope.networks.models.heads import ProbeHead, image_features
from patternscope.networks.models.normalised import call_once, without_head

# Inverse strengths of the penalty that are tried, on standardised features.
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_MOST_FOLDS = 5
_STEPS = 5000


@dataclass(frozen=True)
class FittedProbe:
    """A probe, and the record of its fit.

    strength: of the penalty, the inverse of scikit-learn's C; folds: of the cross-validation; accuracy: on images that
    the fit had not seen; images: that it was fitted to.
    """

    head: ProbeHead
    strength: float
    folds: int
    accuracy: float
    images: int


def features_of(model: nn.Module, images: Tensor) -> Tensor:
    """Return a network's features (n, d) of images (n, channels, h, w), on the CPU."""
    bare = without_head(model)
    with borrowed(bare):
        parts = [
            image_features(call_once(bare, pixels_for(bare, batch))).float().cpu()
            for batch in images.split(images_at_once(images))
        ]
    return torch.cat(parts)


def fit_probe(features: Tensor, labels: Tensor, classes: int, *, seed: int = 0) -> FittedProbe:
    """Fit a linear probe to features (n, d) of images with labels (n,), by scikit-learn.

    Features are standardised within the fit; the penalty is the one with the least cross-entropy on held-out images,
    in up to five stratified folds.

    Raises:
        InputError: scikit-learn is not installed, or a class has fewer than two images.

    >>> labels = torch.arange(12) % 2
    >>> fit_probe(labels.float()[:, None] + torch.rand(12, 3), labels, 2).accuracy
    1.0
    """
    if importlib.util.find_spec("sklearn") is None:
        raise InputError("network.head = \"probe\": expected scikit-learn; pip install 'patternscope[probe]'")
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if classes < 2:
        raise InputError(f'network.head = "probe": expected at least two classes, got {classes}')
    counts = torch.bincount(labels, minlength=classes)
    if int(counts.min()) < 2:
        few = int(counts.argmin())
        raise InputError(
            f'network.head = "probe": expected two images of each class to fit it to, got {int(counts.min())} of '
            f"class {few}"
        )
    x, y = features.double().numpy(), labels.numpy()
    folds = StratifiedKFold(min(_MOST_FOLDS, int(counts.min())), shuffle=True, random_state=seed % 2**32)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_STEPS))
    grid = {"logisticregression__C": list(_STRENGTHS)}
    search = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=folds).fit(x, y)
    best = search.best_estimator_
    unseen = cross_val_predict(best, x, y, cv=folds)
    return FittedProbe(
        head=_as_head(best[0], best[1]),
        strength=1 / float(search.best_params_["logisticregression__C"]),
        folds=folds.get_n_splits(),
        accuracy=float(accuracy_score(y, unseen)),
        images=len(y),
    )


def _as_head(scaler: object, regression: object) -> ProbeHead:
    """The fit as one linear map of unscaled features; with two classes, the first has the logit 0."""
    weight, bias = (torch.as_tensor(getattr(regression, name)) for name in ("coef_", "intercept_"))
    if len(weight) == 1:
        weight, bias = torch.cat([0 * weight, weight]), torch.cat([0 * bias, bias])
    weight = weight / torch.as_tensor(getattr(scaler, "scale_"))  # noqa: B009
    bias = bias - weight @ torch.as_tensor(getattr(scaler, "mean_"))  # noqa: B009
    return ProbeHead(weight.float(), bias.float())


def blank_probe(model: nn.Module, example: Tensor, classes: int) -> ProbeHead:
    """Return a probe of zeros that fits a network's features, for a dry run on an example (n, c, h, w)."""
    d = features_of(model, example).shape[1]
    return ProbeHead(torch.zeros(classes, d), torch.zeros(classes)).to(device_of(model))
