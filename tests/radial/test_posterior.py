"""Posterior and mean directions: the naive writing and the laws they obey."""

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.radial import concentrated, log_posterior, mean_directions, procrustes

SEEDS = st.integers(0, 10_000)
CASES = settings(max_examples=15)


def case(seed: int, n=9, c=4, dim=3):
    generator = torch.Generator().manual_seed(seed)
    embedding = 2 * torch.randn(n, dim, generator=generator, dtype=torch.float64)
    probs = torch.softmax(3 * torch.randn(n, c, generator=generator, dtype=torch.float64), 1)
    return embedding, probs, mean_directions(embedding, probs, 10.0)


def rotation(seed: int, dim: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    q, _ = torch.linalg.qr(torch.randn(dim, dim, generator=generator, dtype=torch.float64))
    return q * torch.cat([torch.linalg.det(q).sign()[None], torch.ones(dim - 1)])


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_agree_with_the_naive_writing(dim):
    embedding, probs, directions = case(1, n=6, dim=dim)
    embedding[0] = 0
    directions = mean_directions(embedding, probs, 10.0)
    np.testing.assert_allclose(directions, naive.mean_directions(embedding.numpy(), probs.numpy(), 10.0), rtol=1e-5)
    prior = probs.mean(0)
    seen = log_posterior(embedding, directions, 10.0, prior.log()).exp()
    wanted = [naive.posterior(x.numpy(), directions.numpy(), 10.0, prior.tolist()) for x in embedding]
    np.testing.assert_allclose(seen, wanted, rtol=1e-5)


@CASES
@given(SEEDS, st.integers(2, 6))
def test_rotations_leave_the_posterior_and_turn_the_directions(seed, dim):
    embedding, probs, directions = case(seed, dim=dim)
    turn = rotation(seed + 1, dim)
    torch.testing.assert_close(mean_directions(embedding @ turn, probs, 10.0), directions @ turn)
    torch.testing.assert_close(
        log_posterior(embedding @ turn, directions @ turn, 10.0), log_posterior(embedding, directions, 10.0)
    )


@CASES
@given(SEEDS)
def test_relabelling_classes_relabels_the_posterior(seed):
    embedding, probs, directions = case(seed)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(mean_directions(embedding, probs[:, order], 10.0), directions[order])
    prior = probs.mean(0).log()
    torch.testing.assert_close(
        log_posterior(embedding, directions[order], 10.0, prior[order]),
        log_posterior(embedding, directions, 10.0, prior)[:, order],
    )


@CASES
@given(SEEDS, st.sampled_from([0.1, 10.0, 1e3, 1e5]))
def test_sums_to_one_and_sharpens_with_strength(seed, kappa_max):
    embedding, _, directions = case(seed)
    posterior = log_posterior(embedding, directions, kappa_max).exp()
    torch.testing.assert_close(posterior.sum(1), torch.ones(9, dtype=torch.float64))
    stronger = log_posterior(2 * embedding, directions, kappa_max).exp()
    assert torch.equal(stronger.argmax(1), posterior.argmax(1))
    assert (stronger.max(1).values >= posterior.max(1).values - 1e-12).all()


def test_nothing_is_known_at_the_origin():
    _, probs, directions = case(0)
    prior = probs.mean(0)
    at_origin = log_posterior(torch.zeros(1, 3).double(), directions, 10.0, prior.log()).exp()[0]
    torch.testing.assert_close(at_origin, prior / prior.sum())
    assert mean_directions(torch.zeros(2, 3), torch.full((2, 2), 0.5), 10.0).abs().max() == 0


@CASES
@given(SEEDS)
def test_doubling_every_sample_leaves_the_directions(seed):
    embedding, probs, directions = case(seed)
    torch.testing.assert_close(mean_directions(embedding.repeat(2, 1), probs.repeat(2, 1), 10.0), directions)


def test_gradient_holds_strength_constant_unless_asked():
    embedding, _, directions = case(3)
    embedding.requires_grad_()
    (held,) = torch.autograd.grad(log_posterior(embedding, directions, 10.0)[0, 0], embedding)
    strength = embedding.detach()[0].norm()
    probs = log_posterior(embedding, directions, 10.0).exp().detach()[0]
    pull = (concentrated(embedding.detach()[0], 10.0) / embedding.detach()[0])[0]
    torch.testing.assert_close(held[0], pull * (directions[0] - probs @ directions))
    assert strength > 0
    assert torch.autograd.gradcheck(
        lambda x: log_posterior(x, directions, 10.0, exact_gradient=True), embedding, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mean_directions(torch.ones(2, 3), torch.ones(3, 2), 10.0), r"\(2, 3\) and \(3, 2\)"),
        (lambda: mean_directions(torch.ones(3), torch.ones(3, 2), 10.0), "of the same n"),
        (
            lambda: log_posterior(torch.ones(2, 3), torch.ones(4, 2), 10.0),
            r"mean_directions: expected shape \(c, e\) = \(any, 3\), got \(4, 2\)",
        ),
        (lambda: log_posterior(torch.ones(2, 3), torch.ones(3), 10.0), "mean_directions"),
        (
            lambda: log_posterior(torch.ones(2, 3), torch.ones(4, 3), 10.0, torch.ones(3)),
            r"log_prior: expected shape \(c,\) = \(4,\), got \(3,\)",
        ),
    ],
)
def test_refuse_shapes_that_disagree(call, said):
    with pytest.raises(InputError, match=said):
        call()


@CASES
@given(SEEDS, st.integers(2, 8))
def test_procrustes_finds_a_planted_rotation(seed, dim):
    source, turn = case(seed, n=3 * dim, dim=dim)[0], rotation(seed, dim)
    for metric, target in (("l2", source @ turn), ("cosine", 3 * source @ turn)):
        torch.testing.assert_close(procrustes(source, target, metric=metric), turn, atol=1e-8, rtol=0)


@CASES
@given(SEEDS, st.integers(2, 5))
def test_procrustes_never_mirrors(seed, dim):
    source = case(seed, n=12, dim=dim)[0]
    mirror = torch.ones(dim, dtype=torch.float64)
    mirror[0] = -1
    found = procrustes(source, source * mirror)
    assert torch.linalg.det(found) == pytest.approx(1.0)
    torch.testing.assert_close(found @ found.T, torch.eye(dim, dtype=torch.float64))


def test_procrustes_is_the_best_of_many_rotations():
    source, target = case(1, n=20)[0], case(2, n=20)[0]
    best = (source @ procrustes(source, target) - target).square().sum()
    assert all((source @ rotation(seed, 3) - target).square().sum() >= best for seed in range(200))


def test_trim_leaves_out_the_farthest():
    source = case(5, n=20)[0]
    turn = torch.eye(3, dtype=torch.float64)
    turn[:2, :2] = torch.tensor([[0.995, 0.0998], [-0.0998, 0.995]], dtype=torch.float64)
    turn = procrustes(torch.eye(3, dtype=torch.float64), turn)
    target = source @ turn
    target[:2] *= -30
    torch.testing.assert_close(procrustes(source, target, trim=0.1), turn, atol=1e-8, rtol=0)
    assert (procrustes(source, target) - turn).abs().max() > 0.1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": torch.ones(3, 3)}, "shapes"),
        ({"source": torch.full((4, 3), torch.nan)}, "NaN"),
        ({"target": torch.full((4, 3), torch.inf)}, "inf"),
        ({"trim": 1.0}, "trim: expected .* got 1.0"),
        ({"trim": -0.1}, "trim"),
        ({"metric": "cosin"}, "did you mean 'cosine'"),
    ],
)
def test_procrustes_refuses(changed, said):
    with pytest.raises(InputError, match=said):
        procrustes(**({"source": torch.ones(4, 3), "target": torch.ones(4, 3)} | changed))
