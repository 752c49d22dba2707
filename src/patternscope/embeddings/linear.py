"""A fitted linear map of features, the common half of the two embeddings."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.embeddings.settings import Auto
from patternscope.errors import InputError
from patternscope.radial.checks import check_at_least, check_kappa, check_positive, working_dtype
from patternscope.radial.units import times_two_to, usual_exponent
from patternscope.solvers import Trace

# Spread of the entries of a random start (reference code).
RANDOM_SPREAD = 0.1
_ROWS_AT_ONCE = 256
_FARTHEST = 1e8  # of a given scale from the mean strength: beyond it, the map's entries lose precision
_FLOOR = 1e-200  # on the diagonal of equations: all-zero features have a map of zeros


class LinearMap(nn.Module):
    """Features times a map, divided by a scale; both are buffers, so that state_dict saves and loads them.

    `in_dim` >= 1, `out_dim` >= 2, `kappa_max` > 0, `scale` > 0 or "auto"; InputError for anything else.
    Nothing is computed and nothing seeded before `fit`.

    >>> LinearMap(4, 3, kappa_max=10.0, scale="auto").is_fitted
    False
    """

    map: Tensor
    scale: Tensor
    trace: Trace

    def __init__(self, in_dim: int, out_dim: int, *, kappa_max: float, scale: float | Auto) -> None:
        super().__init__()
        check_at_least(in_dim, 1, "in_dim")
        check_at_least(out_dim, 2, "out_dim")
        check_kappa(kappa_max, "kappa_max")
        if scale != "auto":
            check_positive(scale, "scale", ' or "auto"')
        self.in_dim, self.out_dim, self.kappa_max = int(in_dim), int(out_dim), float(kappa_max)
        self._given_scale = None if scale == "auto" else float(scale)
        self.register_buffer("map", torch.zeros(0))
        self.register_buffer("scale", torch.ones(()))

    @property
    def is_fitted(self) -> bool:
        """Whether it has a map, from `fit` or from a saved state."""
        return self.map.numel() > 0

    def fitted_map(self) -> Tensor:
        """Return the map (e, d or k); InputError before `fit`."""
        if not self.is_fitted:
            name = type(self).__name__
            raise InputError(f"{name}: expected a fitted one, got one without a map; call fit or load_state_dict")
        return self.map

    def random_map(self, seed: int) -> Tensor:
        """Return a map with entries from N(0, 0.1^2), the start of the reference code."""
        generator = torch.Generator().manual_seed(seed)
        return RANDOM_SPREAD * torch.randn(self.out_dim, self.in_dim, generator=generator)

    def _set_scale(self, features: Tensor, exponent: int) -> None:
        """Fix s for features that were divided by 2 to `exponent`, as `in_usual_unit` does.

        As given, or the mean strength of the features over axis 1; 1 if all are zero. InputError for a given scale that
        is far from that strength.
        """
        strength = mean_strength(features)
        if self._given_scale is None:
            self.scale = torch.where(strength > 0, strength, torch.ones_like(strength))
            return
        given = float(times_two_to(torch.tensor(self._given_scale, dtype=torch.float64), -exponent))
        range_of = torch.finfo(strength.dtype)
        near = 1 / _FARTHEST <= float(strength) / max(given, _FLOOR) <= _FARTHEST
        if float(strength) == 0:
            near = usual_exponent(given) == 0  # its square is a number
        if not (near and range_of.tiny <= given <= range_of.max):
            raise InputError(
                f'scale: expected "auto", or a number within a factor of {_FARTHEST:g} of the mean strength of the '
                f"features, got {self._given_scale:g} for {math.ldexp(float(strength), exponent):.3g}"
            )
        self.scale = strength.new_tensor(given)

    def _leave_unit(self, exponent: int) -> None:
        """Convert s to that of the features as given, which float32 may not represent."""
        if exponent:
            self.scale = times_two_to(self.scale if self.scale.device.type == "mps" else self.scale.double(), exponent)

    def _in_unit(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and s, both divided by the power of two that brings s into the usual range."""
        exponent = usual_exponent(float(self.scale))
        return times_two_to(features, -exponent), times_two_to(self.scale, -exponent).to(self.fitted_map().dtype)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        # Buffers have no shape before the fit: take those of the saved ones.
        for name, buffer in self.named_buffers():
            saved = state_dict.get(prefix + name)
            if saved is not None and (saved.shape, saved.dtype) != (buffer.shape, buffer.dtype):
                setattr(self, name, torch.empty_like(saved))
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def mean_strength(features: Tensor) -> Tensor:
    """Return the mean norm over axis 1, a few samples at a time: the scale "auto".

    (n, d) or (n, k, ...) -> scalar in float32 or float64.

    >>> mean_strength(torch.tensor([[3.0, 4.0], [0.0, 1.0]]))
    tensor(3.)
    """
    dtype = working_dtype(features)
    sums = [torch.linalg.vector_norm(block.to(dtype), dim=1).double().sum() for block in features.split(_ROWS_AT_ONCE)]
    return (torch.stack(sums).sum() / (features.numel() / features.shape[1])).to(dtype)


def ridge(features: Tensor, target: Tensor, penalty: float = 1e-3) -> Tensor:
    """Return the map that brings features nearest to a target embedding: (n, d), (n, e) -> (e, d).

    ``argmin_M sum_i |M f_i - y_i|^2 + lambda |M|^2``, lambda = penalty times the mean feature variance.

    Cost: with fewer samples than features the equations are those of the samples, n x n instead of d x d.

    >>> ridge(torch.eye(2), torch.eye(2), penalty=0.0)
    tensor([[1., 0.],
            [0., 1.]])
    """
    n, d = features.shape
    tall = n >= d
    gram = (features.T @ features if tall else features @ features.T).double()
    gram.diagonal().add_(penalty * gram.diagonal().sum() / d + _FLOOR)
    if tall:
        return _solve(gram, (features.T @ target).double()).T.to(features.dtype)
    return _solve(gram, target.double()).T.matmul(features.double()).to(features.dtype)


def _solve(gram: Tensor, wanted: Tensor) -> Tensor:
    """Solve symmetric equations, by least squares if they are not positive definite."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    if failed:
        return torch.linalg.lstsq(gram, wanted).solution
    return torch.cholesky_solve(wanted, factor)
