"""Fits of any shapes, types, strides, values and options, drawn by a seed: what holds of each, whatever it is given.

A fit is refused in one line, or all that it leaves is finite; its inputs are as before, a repetition gives the same to
the last bit, and two threads to 1e-4 of the largest number.
"""

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from odd_input import PROBS, TYPES, target_probs
from torch import Tensor

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.errors import InputError
from patternscope.knowledge import probe_evidence

DIMENSIONS = 3
BAD = {
    "nan": lambda values, rng: spoilt(values, rng, float("nan")),
    "inf": lambda values, rng: spoilt(values, rng, float("inf")),
    "an axis less": lambda values, rng: values[..., 0],
    "an axis more": lambda values, rng: values[None],
    "a row less": lambda values, rng: values[1:],
    "no rows": lambda values, rng: values[:0],
    "negative": lambda values, rng: -values,
    "doubled": lambda values, rng: values * 2,
    "whole numbers": lambda values, rng: values.to(torch.int8),
    "bool": lambda values, rng: values > 0,
    "complex": lambda values, rng: values.to(torch.complex64),
    "sparse": lambda values, rng: values.to_sparse(),
    "meta": lambda values, rng: values.to("meta"),
    "a list": lambda values, rng: values.tolist(),
    "nothing": lambda values, rng: None,
}
OPTIONS = {
    "n_step": (1, 2, 3, 0, -1, None, 2.5, "2", 10**9, True),
    "lr": (0.01, 1.0, 100.0, 0.0, -1.0, 1e300, float("nan")),
    "wd": (0.0, 1e-4, 1.0, 1e6, -1.0, float("inf")),
    "seed": (0, 5, -1, 2**70),
    "momentum": (0.0, 0.9, 1.0),
    "kl_sample_num": (1, 3, 10**6, 0),
    "lambda_kl": (0.0, 1.0, 1e6),
    "lambda_mi": (0.0, 1.0, 1e6),
    "sharpening": (0.1, 2.0, 1000.0, 0.0),
    "match_every": (1, 2, 0),
    "match_dtype": ("full", "bfloat16", "auto", "half"),
    "n_steps": (3,),
}
OF = {
    "sample": ("lr", "wd", "seed", "momentum"),
    "importance": ("lr", "seed", "kl_sample_num", "match_every", "match_dtype"),
    "region": ("lr", "wd", "seed", "momentum", "kl_sample_num", "lambda_kl", "lambda_mi", "sharpening"),
}
KAPPAS = (0.01, 1.0, 10.0, 1000.0, 1e9, 0.0, float("nan"))
SCALES = ("auto", "auto", "auto", 1.0, 1e-30, 1e300, -1.0)


def spoilt(values: Tensor, rng: random.Random, value: float) -> Tensor:
    values = values.clone(memory_format=torch.contiguous_format)
    values.view(-1)[rng.randrange(values.numel())] = value
    return values


def numbers(rng: random.Random, generator: torch.Generator, *shape: int) -> Tensor:
    """Features of any type and strides: one magnitude of its whole range, or several at once."""
    dtype = rng.choice(TYPES)
    end = torch.finfo(dtype)
    low, high = torch.tensor([end.smallest_normal * end.eps, end.max / 8], dtype=torch.float64).log2().tolist()
    values = torch.randn(shape, generator=generator, dtype=torch.float64)
    kind = rng.choice(["usual", "usual", "relu", "signed", "mixed", "zeros", "one", "denormal", "huge"])
    power = {"denormal": low + 3, "huge": high, "zeros": 0.0, "one": 0.0}.get(kind, rng.uniform(low, high))
    if kind == "mixed":
        values = values * 2.0 ** (torch.rand(shape, generator=generator, dtype=torch.float64) * (high - low) + low - 2)
    elif kind in {"zeros", "one"}:
        values = torch.full_like(values, float(kind == "one"))
    else:
        values = (values.relu() if kind in {"relu", "usual"} else values) * 2.0 ** (
            rng.uniform(-3, 3) if kind == "usual" else power
        )
    return strided(rng, values.clamp(-end.max, end.max).to(dtype))


def strided(rng: random.Random, values: Tensor) -> Tensor:
    """The same numbers in another order of memory."""
    kind = rng.choice(["as it is", "turned", "every other", "one for all"])
    if kind == "turned":
        return values.transpose(0, 1).contiguous().transpose(0, 1)
    if kind == "every other":
        return torch.stack([values, torch.zeros_like(values)], dim=-1)[..., 0]
    if kind == "one for all" and rng.random() < 0.3:
        return values[:1].expand(values.shape)
    return values


@dataclass
class Case:
    """One fit: what it is given, and how it is called."""

    seed: int
    kind: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng, generator = random.Random(self.seed), torch.Generator().manual_seed(self.seed)
        self.kind = rng.choice(["sample", "importance", "region", "region", "probe"])
        n, k, h, w = rng.randrange(2, 10), rng.choice([1, 2, 3, 8, 33]), rng.randrange(1, 4), rng.randrange(1, 4)
        probs = target_probs(rng.choice(PROBS), n, generator)
        probs = strided(rng, probs.to(rng.choice([torch.float32, torch.float32, torch.float64])))
        self.data["target_probs"] = probs
        if self.kind == "sample":
            self.data["sample_features"] = numbers(rng, generator, n, k)
        else:
            self.data["regional_features"] = numbers(rng, generator, n, k, h, w)
        self._choose(rng, (n, k, h, w))
        if self.kind == "region":
            self._frame(generator, probs, (n, k, h, w))
        if rng.random() < 0.25:
            name = rng.choice(sorted(self.data))
            self.data[name] = BAD[rng.choice(sorted(BAD))](self.data[name], rng)
        if rng.random() < 0.05:
            self.data[rng.choice(["target_prob", "images"])] = torch.zeros(1)

    def _choose(self, rng: random.Random, shape: tuple[int, ...]) -> None:
        """Choose options, most of them valid."""
        self.params = {"n_step": rng.choice(OPTIONS["n_step"][:2] if rng.random() < 0.9 else OPTIONS["n_step"])}
        for name in OF.get(self.kind, ()):
            if rng.random() < 0.2:
                self.params[name] = rng.choice(OPTIONS[name][: 2 if rng.random() < 0.6 else None])
        solvers = {"sample": ["lbfgs", "sgd"], "importance": ["separate", "joint"], "region": ["lbfgs", "lbfgs", "sgd"]}
        self.params["solver"] = rng.choice(solvers.get(self.kind, [""]))
        if self.kind == "region" and self.params["solver"] == "lbfgs":
            self.params["objective"] = rng.choice(["paper", "likelihood"])
        kappas = KAPPAS[:5] if rng.random() < 0.9 else KAPPAS
        self.made = {"kappa_max": rng.choice(kappas)} if rng.random() < 0.5 else {}
        if self.kind in {"sample", "region"} and rng.random() < 0.3:
            self.made["scale"] = rng.choice(SCALES)
        self.shape = shape

    def _frame(self, generator: torch.Generator, probs: Tensor, shape: tuple[int, ...]) -> None:
        """Invent the sample embedding that the regional one is fitted to, and the weights."""
        n, k, h, w = shape
        directions = torch.nn.functional.normalize(torch.randn(probs.shape[1], DIMENSIONS, generator=generator), dim=1)
        if self.params.get("objective") == "likelihood":
            self.data["mean_directions"] = directions
            return
        self.data["sample_embs"] = 2 * probs.float() @ directions
        self.data["w_k"] = torch.rand(n, k, generator=generator).softmax(1)
        self.data["w_r"] = torch.rand(n, h * w, generator=generator).softmax(1)

    def fit(self) -> dict[str, Tensor]:
        """Fit, and return all that is left; InputError where it is refused."""
        n, k, h, w = self.shape
        if self.kind == "probe":
            features, probs = self.data["regional_features"], self.data["target_probs"]
            if not isinstance(features, Tensor) or not isinstance(probs, Tensor) or probs.ndim < 2:
                raise InputError("what a probe is given are tensors")
            labels = torch.arange(n) % 2
            told = probe_evidence(features, labels, torch.arange(n) // 2 % 2, classes=2)
            return {"evidence": told.per_region}
        if self.kind == "sample":
            fitted = SampleEmbedding(k, DIMENSIONS, **self.made).fit(self.data, self.params)
            features = self.data["sample_features"]
            posterior = fitted.posterior(features)
            found = {
                "posterior": posterior,
                "others": fitted(torch.as_tensor(features).flip(0)),
                "sums": posterior.sum(dim=1) - 1,
            }
        elif self.kind == "importance":
            fitted, found = ImportanceWeight(n, k, h, w, **self.made).estimate(self.data, self.params), {}
        else:
            fitted = RegionEmbedding(k, DIMENSIONS, **self.made).fit(self.data, self.params)
            found = {"embedding": fitted(self.data["regional_features"])}
        losses = torch.tensor(fitted.trace.losses, dtype=torch.float64)
        return {**dict(fitted.named_buffers()), **found, "losses": losses}


def kept(data: dict[str, Any]) -> dict[str, Any]:
    """A copy of all dense tensors."""
    dense = {name: value for name, value in data.items() if isinstance(value, Tensor) and not value.is_meta}
    return {name: value.to_dense().clone() for name, value in dense.items()}


def on_threads(count: int, call: Callable[[], Any]) -> Any:
    """Call with a number of torch's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        return call()
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Found:
    """Whether a fit was refused, and what is wrong with it, "" where all holds."""

    refused: bool = False
    wrong: str = ""


def complaint(case: Case, *, thoroughly: bool) -> Found:
    """Try a case, `thoroughly` three times."""
    before = kept(case.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a loss that rose is said
        try:
            found = case.fit()
        except InputError as error:
            return Found(refused=True, wrong=f"several lines: {error}" if "\n" in str(error) else "")
        except Exception as error:
            return Found(wrong=f"{type(error).__name__}: {error}")
        return Found(
            wrong=_wrong_numbers(found)
            or _changed(before, case.data)
            or (_differing(case, found) if thoroughly else "")
        )


def _wrong_numbers(found: dict[str, Tensor]) -> str:
    """What is not finite, or no probability."""
    for name, value in found.items():
        if not torch.isfinite(value).all():
            return f"{name} is not finite"
    return "a posterior does not sum to 1" if "sums" in found and found["sums"].abs().max() > 0.02 else ""


def _changed(before: dict[str, Tensor], data: dict[str, Any]) -> str:
    """Which input was changed."""
    changed = [
        name
        for name, value in kept(data).items()
        if not torch.equal(value.nan_to_num(7.0), before[name].nan_to_num(7.0))
    ]
    return f"{changed[0]} was changed" if changed else ""


def _differing(case: Case, found: dict[str, Tensor]) -> str:
    """What another fit gives otherwise, and what one on two threads by more than 1e-4 of its largest number."""
    again, threaded = case.fit(), on_threads(2, case.fit)
    for name, value in found.items():
        if not torch.equal(value, again[name]):
            return f"a repetition differs in {name}"
        most = float((value.double() - threaded[name].double()).abs().max()) if value.numel() else 0.0
        if most > 1e-4 * max(1.0, float(value.double().abs().max())):
            return f"{name} differs by {most:.1e} on two threads"
    return ""
