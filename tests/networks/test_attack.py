"""Attacks: perturbations stay within bounds, foolbox ends at the same images, the network is given back as found."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, attack_success, attack_targets, pgd_steps, second_class


class Small(nn.Module):
    """Two convolutions, a batch norm, dropout, an activation in place; broken after some calls on request."""

    def __init__(self, classes=4, breaks_at=math.inf):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.again = nn.Conv2d(6, 8, 3, stride=2)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(8, classes)
        self.calls, self.breaks_at = 0, breaks_at

    def forward(self, x):
        self.calls += 1
        if self.calls >= self.breaks_at:
            raise RuntimeError("broken on purpose")
        x = F.relu(self.norm(self.conv(x)), inplace=True)
        return self.head(self.drop(F.silu(self.again(x))).mean(dim=(2, 3)))


def make(dtype=torch.float32, **options):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        network = Small(**options)
        # An untrained head hardly tells classes apart; a steeper one makes an attack's work visible.
        network.head.weight.data.mul_(20)
    return Normalised(network, 0.5, 0.25).to(dtype)


def draw(n=6, size=9, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 3, size, size, generator=generator, dtype=dtype)


def labels_of(model, images):
    with torch.no_grad():
        return model.eval()(images).argmax(1)


def lengths(offset, norm):
    order = math.inf if norm == "linf" else 2
    return torch.linalg.vector_norm(offset.double().flatten(1), ord=order, dim=1)


def last(steps):
    return list(steps)[-1][1]


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize(("norm", "epsilon"), [("linf", 0.05), ("l2", 0.6)])
def test_the_last_step_is_where_foolbox_ends(norm, epsilon, targeted, monkeypatch):
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "quiet")  # foolbox loads GitPython, which looks for git
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # foolbox imports from old places in scipy
        import foolbox
    model, images = make(torch.float64).eval(), draw(dtype=torch.float64)
    labels = labels_of(model, images)
    aims = (labels + 1) % 4 if targeted else labels
    attack = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm]
    theirs = attack(abs_stepsize=epsilon / 5, steps=12, random_start=False)
    wanted = foolbox.criteria.TargetedMisclassification if targeted else foolbox.criteria.Misclassification
    bounded = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")
    _, ended, succeeded = theirs(bounded, images, wanted(aims), epsilons=epsilon)
    ours = last(
        pgd_steps(model, images, aims, epsilon=epsilon, step_size=epsilon / 5, n_step=12, norm=norm, targeted=targeted)
    )
    assert (ended - images).abs().amax() > 0.4 * epsilon / (1 if norm == "linf" else 9)
    assert torch.allclose(ours, ended, rtol=0, atol=1e-9)
    with torch.no_grad():
        assert torch.equal(attack_success(model(ours), aims, targeted=targeted), succeeded)
    assert succeeded.any()


@given(
    norm=st.sampled_from(["linf", "l2"]),
    epsilon=st.floats(1e-4, 1.0),
    step=st.floats(0.05, 3.0),
    start=st.booleans(),
    targeted=st.booleans(),
    seed=st.integers(0, 10_000),
    double=st.booleans(),
)
@settings(max_examples=60)
def test_no_image_leaves_the_ball_or_the_pixels(norm, epsilon, step, start, targeted, seed, double):
    model, images = make(), draw(3, 6, seed, torch.float64 if double else torch.float32)
    # Pixels at the ends of the range, where a step is cut.
    images[0], images[1, 0] = images[0].round(), 1.0
    labels = torch.tensor([0, 1, 2])
    generator = torch.Generator().manual_seed(seed) if start else False
    steps = list(
        pgd_steps(
            model,
            images,
            labels,
            epsilon=epsilon,
            step_size=step * epsilon,
            n_step=3,
            norm=norm,
            targeted=targeted,
            random_start=generator,
        )
    )
    assert [number for number, _ in steps] == [0, 1, 2, 3]
    for _, moved in steps:
        assert moved.dtype == images.dtype
        assert moved.amin() >= 0
        assert moved.amax() <= 1
        # float64 has no room to spare for the length's own rounding.
        assert (lengths(moved.double() - images.double(), norm) <= epsilon * (1 + 1e-12)).all()
    assert torch.equal(steps[0][1], images) == (not start)


def test_an_attack_does_what_it_is_for():
    model, images = make(), draw(24)
    labels = labels_of(model, images)
    aims = (labels + 1) % 4
    options = {"epsilon": 0.2, "step_size": 0.02, "n_step": 25}
    away = last(pgd_steps(model, images, labels, **options))
    towards = last(pgd_steps(model, images, aims, targeted=True, **options))
    with torch.no_grad():
        assert attack_success(model.eval()(away), labels).double().mean() > 0.9
        assert attack_success(model(towards), aims, targeted=True).double().mean() > 0.9
        losses = [F.cross_entropy(model(each), labels) for each in (images, away)]
    assert losses[1] > losses[0]


def test_each_image_is_its_own_problem():
    model, images = make(torch.float64), draw(5, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 0])
    options = {"epsilon": 0.1, "step_size": 0.03, "n_step": 4, "norm": "l2"}
    together = last(pgd_steps(model, images, labels, **options))
    alone = [last(pgd_steps(model, images[i : i + 1], labels[i : i + 1], **options)) for i in range(5)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-9)


def test_a_sure_network_still_has_a_gradient():
    class Sure(nn.Module):
        def forward(self, x):
            total = x.flatten(1).sum(1)
            return torch.stack([20 * total, -20 * total], dim=1)

    # The other class has probability exp(-80): in float32 the loss is flat here.
    images = torch.full((1, 1, 2, 2), 0.5)
    assert F.cross_entropy(Sure()(images), torch.tensor([0])) == 0
    moved = last(pgd_steps(Sure(), images, torch.tensor([0]), epsilon=0.1, step_size=0.1, n_step=1))
    assert torch.allclose(moved, torch.full_like(images, 0.4))


def snapshot(model):
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]
    return (
        hooks,
        [m.training for m in model.modules()],
        [(p.requires_grad, p.grad) for p in model.parameters()],
        {name: value.clone() for name, value in model.state_dict().items()},
        torch.get_rng_state(),
        torch.is_grad_enabled(),
    )


def assert_as_found(model, before):
    now = snapshot(model)
    assert now[:3] == before[:3]
    assert all(torch.equal(before[3][name], value) for name, value in now[3].items())
    assert torch.equal(now[4], before[4])
    assert now[5] == before[5]


@pytest.mark.parametrize("end", ["finished", "dropped", "broken"])
def test_the_network_is_given_back_as_found(end):
    model = make(breaks_at=3 if end == "broken" else math.inf)
    model.network.drop.eval()
    model.network.conv.weight.requires_grad_(False)
    images, labels = draw(), torch.tensor([0, 1, 2, 3, 0, 1])
    kept, before = images.clone(), snapshot(model)
    assert model.training
    steps = pgd_steps(model, images, labels, epsilon=0.1, step_size=0.03, n_step=4, random_start=True)
    if end == "finished":
        for _, moved in steps:
            assert_as_found(model, before)
            moved.zero_()  # what the caller does to the images of a step changes no other step
    elif end == "dropped":
        next(steps), next(steps)
        assert_as_found(model, before)
        steps.close()
    else:
        with pytest.raises(InputError, match="on purpose"):
            list(steps)
    assert_as_found(model, before)
    assert torch.equal(images, kept)


def test_changing_a_step_changes_no_other():
    model, images, labels = make(), draw(2), torch.tensor([0, 1])
    options = {"epsilon": 0.1, "step_size": 0.03, "n_step": 3}
    plain = last(pgd_steps(model, images, labels, **options))
    for _, moved in pgd_steps(model, images, labels, **options):
        ended = moved.clone()
        moved.zero_()
    assert torch.equal(ended, plain)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_an_attack_runs_where_gradients_are_off(around):
    model, images, labels = make(), draw(2), torch.tensor([0, 1])
    options = {"epsilon": 0.1, "step_size": 0.03, "n_step": 2}
    plain = last(pgd_steps(model, images, labels, **options))
    with around():
        assert torch.equal(last(pgd_steps(model, images.clone(), labels, **options)), plain)


def test_bytes_are_pixels_and_starts_are_seeded():
    model, labels = make(), torch.tensor([0, 1])
    images = (draw(2) * 255).to(torch.uint8)
    options = {"epsilon": 0.1, "step_size": 0.03, "n_step": 2}
    assert torch.equal(
        last(pgd_steps(model, images, labels, **options)),
        last(pgd_steps(model, images.float() / 255, labels, **options)),
    )
    first, again = (next(pgd_steps(model, images, labels, random_start=True, **options))[1] for _ in "12")
    generator = torch.Generator().manual_seed(1)
    other = next(pgd_steps(model, images, labels, random_start=generator, **options))[1]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_random_starts_fill_the_ball_evenly():
    images, labels = torch.full((4000, 1, 1, 2), 0.5), torch.zeros(4000, dtype=torch.long)
    model = nn.Flatten()
    options = {"epsilon": 0.2, "step_size": 0.1, "n_step": 1}
    (_, disc) = next(pgd_steps(model, images, labels, norm="l2", random_start=True, **options))
    radius = lengths(disc - images, "l2") / 0.2
    # In a disc, half of all points lie within 1/sqrt(2) of the radius.
    assert (radius < 0.5**0.5).double().mean().item() == pytest.approx(0.5, abs=0.03)
    (_, square) = next(pgd_steps(model, images, labels, random_start=True, **options))
    assert (square - images).std().item() == pytest.approx(0.2 / 3**0.5, abs=0.004)


class Shapeless(nn.Module):
    def forward(self, x):
        return x


class Cut(nn.Module):
    def forward(self, x):
        return x.detach().flatten(1) if x.shape[-1] == 9 else x


GOOD = {"epsilon": 0.1, "step_size": 0.02, "n_step": 2}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epsilon": 0.0}, r"epsilon: expected a number in \(0, 1\], .*8/255.*, got 0.0"),
        ({"epsilon": -0.1}, r"epsilon: expected .*, got -0.1"),
        ({"epsilon": 8}, r"epsilon: .*8/255 is 0.0314\), got 8"),
        ({"epsilon": math.nan}, r"epsilon: expected .*, got nan"),
        ({"epsilon": math.inf, "norm": "l2"}, r"epsilon: expected a positive finite number, .*, got inf"),
        ({"step_size": 0}, r"step_size: expected a positive finite number, got 0"),
        ({"n_step": 0}, r"n_step: expected at least 1, got 0"),
        ({"norm": "l_inf"}, r"norm: expected the name of a norm, got 'l_inf'; did you mean 'linf'\?"),
        ({"images": draw() * 2}, r"images: expected pixels in \[0, 1\], got"),
        ({"images": draw() - 0.5}, r"images: expected pixels in \[0, 1\], got -0\.\d+ to"),
        ({"images": draw().fill_(math.nan)}, r"images: expected pixels in \[0, 1\], got nan"),
        ({"images": draw()[0]}, r"images: expected shape \(n, channels, h, w\), none of them 0, got \(3, 9, 9\)"),
        ({"labels": torch.tensor([0, 1])}, r"labels: expected 6 integers, got torch.int64 of shape \(2,\)"),
        ({"labels": torch.rand(6)}, r"labels: expected 6 integers, got torch.float32"),
        ({"labels": torch.tensor([0, 1, 2, 3, 4, 0])}, r"labels: expected classes 0 to 3, got 0 to 4"),
        ({"model": Shapeless()}, r"model: expected logits \(6, classes\), got an output of shape \(6, 3, 9, 9\)"),
        ({"model": Cut()}, r"model: expected a differentiable network, got logits without a gradient"),
    ],
)
def test_bad_input_is_one_line(changes, said):
    given = {"model": make(), "images": draw(), "labels": torch.zeros(6, dtype=torch.long), **GOOD, **changes}
    with pytest.raises(InputError, match=said) as caught:
        list(pgd_steps(given.pop("model"), given.pop("images"), given.pop("labels"), **given))
    assert "\n" not in str(caught.value)


def test_what_is_wrong_with_numbers_is_said_before_the_first_step():
    with pytest.raises(InputError, match="epsilon"):
        pgd_steps(make(), draw(), torch.zeros(6, dtype=torch.long), epsilon=0, step_size=1, n_step=1)


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 100))
@settings(max_examples=40)
def test_a_target_is_never_the_own_class(classes, count, seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator)
    labels = torch.randint(classes, (count,), generator=generator)
    for choice in ("second", "random"):
        targets = attack_targets(logits, labels, choice, seed=seed)
        assert ((targets >= 0) & (targets < classes) & (targets != labels)).all()
    for row, label, target in zip(logits.tolist(), labels.tolist(), second_class(logits, labels), strict=True):
        assert row[target] == max(value for place, value in enumerate(row) if place != label)
    assert torch.equal(attack_targets(logits, labels, (labels + 1) % classes), (labels + 1) % classes)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (1, r"target: expected another class than the image's own, got class 1 for image 1 \(and 0 more\)"),
        (torch.tensor([1, 0, 2]), r"target: expected another class .*, got class 2 for image 2"),
        (3, r"target: expected classes 0 to 2, got 3 to 3"),
        (-1, r"target: expected classes 0 to 2, got -1"),
        ("secnod", r"target: expected .*, got 'secnod'; did you mean 'second'\?"),
    ],
)
def test_a_bad_target_is_one_line(target, said):
    with pytest.raises(InputError, match=said):
        attack_targets(torch.eye(3), torch.arange(3), target)


def test_one_class_leaves_nothing_to_aim_at():
    with pytest.raises(InputError, match="logits: expected at least 2 classes, got 1"):
        attack_targets(torch.ones(2, 1), torch.zeros(2, dtype=torch.long))


def test_an_attack_in_the_callers_inference_mode_and_autocast_is_the_same():
    model, images, labels = make(), draw(2), torch.tensor([0, 1])
    options = {"epsilon": 0.1, "step_size": 0.03, "n_step": 2}
    plain = last(pgd_steps(model, images, labels, **options))
    with torch.inference_mode():
        assert torch.equal(last(pgd_steps(model, images.clone(), labels.clone(), **options)), plain)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(last(pgd_steps(model, images, labels, **options)), plain)
