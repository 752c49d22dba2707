"""Distillation: the losses by loops, a student that learns what its teacher does, networks given back as found."""

import naive
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, TrainingSettings, distil_features, distil_logits, evaluate, record, train
from patternscope.networks.training.distillation import feature_distance, softened_divergence

SETTINGS = TrainingSettings(epochs=12, batch_size=16, lr=0.02, augmentation=False)


def network(seed=0, channels=8, pool=1, classes=2):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        conv = nn.Conv2d(3, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        last = nn.Conv2d(channels, channels, 3, stride=pool, padding=1), nn.ReLU(inplace=True)
        end = nn.Dropout(0.1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, classes)
        return Normalised(nn.Sequential(*conv, *last, *end), 0.5, 0.25)


def blobs(count=48, seed=0):
    """Bright upper or lower halves."""
    source = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 128, (count, 3, 12, 12), dtype=torch.uint8, generator=source)
    labels = torch.arange(count) % 2
    images[labels == 0, :, :6] += 100
    images[labels == 1, :, 6:] += 100
    return images, labels


@pytest.fixture(scope="module")
def teacher():
    model = network(seed=1)
    model.load_state_dict(train(model, *blobs(), SETTINGS, seed=0).network)
    return model


def loaded(student, found):
    student.load_state_dict(found.network)
    return student


numbers = st.lists(st.floats(-8, 8), min_size=6, max_size=6)


@given(own=numbers, wanted=numbers, temperature=st.floats(0.5, 20), shift=st.floats(-5, 5))
def test_softened_divergence_is_the_loops_and_knows_no_common_shift(own, wanted, temperature, shift):
    student, target = (torch.tensor(each, dtype=torch.float64).reshape(2, 3) for each in (own, wanted))
    found = softened_divergence(student, target, temperature).item()
    assert found == pytest.approx(naive.softened_divergence(student, target, temperature), abs=1e-9)
    assert found >= -1e-12
    assert softened_divergence(student + shift, target, temperature).item() == pytest.approx(found, abs=1e-9)
    assert softened_divergence(target, target + shift, temperature).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("grids", [((4, 6), (4, 6)), ((4, 6), (2, 3)), ((2, 3), (4, 6)), ((4, 2), (2, 4))])
def test_feature_distance_is_the_loops_on_the_smaller_grid(grids):
    source = torch.Generator().manual_seed(0)
    own, wanted = (torch.randn(2, 3, *grid, generator=source, dtype=torch.float64) for grid in grids)
    expected = naive.feature_distance(own.numpy(), wanted.numpy())
    assert feature_distance(own, wanted).item() == pytest.approx(expected)
    assert feature_distance(3 * own, 3 * wanted).item() == pytest.approx(expected)
    assert feature_distance(wanted, wanted).item() == 0


def test_a_student_learns_from_logits_alone_what_labels_do_not_say(teacher):
    images, labels = blobs()
    wrong = 1 - labels
    found = distil_logits(network(seed=2), teacher, images, wrong, SETTINGS, weight=1.0, seed=0)
    held_out, truth = blobs(seed=9)
    wanted = evaluate(teacher, held_out, truth).logits.argmax(1)
    own = evaluate(loaded(network(seed=2), found), held_out, truth).logits.argmax(1)
    assert (own == wanted).double().mean() > 0.9
    assert found.losses[-6:].mean() < 0.2 * found.losses[:3].mean()


def test_without_the_soft_term_distillation_is_training(teacher):
    images, labels = blobs()
    settings = SETTINGS.model_copy(update={"epochs": 2, "label_smoothing": 0.1, "augmentation": True})
    plain = train(network(seed=2), images, labels, settings, seed=4)
    found = distil_logits(network(seed=2), teacher, images, labels, settings, weight=0.0, seed=4)
    assert all(torch.equal(each, plain.network[name]) for name, each in found.network.items())
    assert torch.equal(found.losses, plain.losses)
    features = distil_features(
        network(seed=2), teacher, images, labels, settings, layers=("4", "4"), weight=0.0, seed=4
    )
    assert features.network.keys() == found.network.keys()
    torch.testing.assert_close(features.network, found.network)


@pytest.mark.parametrize("shape", [{}, {"channels": 5}, {"pool": 2}, {"channels": 5, "pool": 2}])
def test_a_student_learns_features_of_other_channels_and_grids(teacher, shape):
    images, labels = blobs()
    student = network(seed=2, **shape)
    found = distil_features(student, teacher, images, labels, SETTINGS, layers=("4", "4"), weight=1.0, seed=0)
    assert found.network.keys() == student.state_dict().keys()  # the 1 x 1 map is thrown away
    assert found.losses[-6:].mean() < 0.5 * found.losses[0]
    if not shape:
        before = record(student, images, ["4"]).regional_features["4"]
        after = record(loaded(student, found), images, ["4"]).regional_features["4"]
        wanted = record(teacher, images, ["4"]).regional_features["4"]
        assert feature_distance(after, wanted) < 0.5 * feature_distance(before, wanted)


def test_the_same_seed_gives_the_same_student(teacher):
    images, labels = blobs()
    settings = SETTINGS.model_copy(update={"epochs": 1, "augmentation": True})

    def made(seed):
        student = network(seed=2, channels=5)
        return distil_features(student, teacher, images, labels, settings, layers=("4", "4"), seed=seed)

    one, again, other = made(0), made(0), made(1)
    assert all(torch.equal(each, again.network[name]) for name, each in one.network.items())
    assert torch.equal(one.losses, again.losses)
    assert not torch.equal(one.losses, other.losses)


class Broken(nn.Module):
    """A network that gives out something else after some calls."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.calls = inner, 0

    def forward(self, pixels):
        self.calls += 1
        return self.inner(pixels) if self.calls < 4 else pixels


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("kind", ["logits", "features"])
def test_both_networks_are_given_back_as_found(teacher, kind, broken):
    images, labels = blobs()
    lender, student = (Broken(teacher.network) if broken else teacher), network(seed=2)
    lender.train()
    next(module for module in lender.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    models = (lender, student)
    flags = [[module.training for module in model.modules()] for model in models]
    weights = [{name: each.clone() for name, each in model.state_dict().items()} for model in models]
    random_state = torch.get_rng_state()
    options = {} if kind == "logits" else {"layers": ("4", "inner.4" if broken else "4")}
    distil = distil_logits if kind == "logits" else distil_features
    settings = SETTINGS.model_copy(update={"epochs": 2})
    if broken:
        with pytest.raises(InputError, match=r"expected logits .*, got an output of shape \(16, 3, 12, 12\)"):
            distil(student, lender, images, labels, settings, seed=0, **options)
    else:
        distil(student, lender, images, labels, settings, seed=0, **options)
    assert torch.equal(torch.get_rng_state(), random_state)
    for model, was, had in zip(models, flags, weights, strict=True):
        assert [module.training for module in model.modules()] == was
        assert all(torch.equal(had[name], each) for name, each in model.state_dict().items())
        assert all(weight.grad is None and weight.requires_grad for weight in model.parameters())
        assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"temperature": 0}, "temperature: expected a positive number, got 0"),
        ({"temperature": float("nan")}, "temperature: expected a positive number, got nan"),
        ({"weight": 1.5}, "weight: expected a share of the soft term in [0, 1], got 1.5"),
        ({"student": network(classes=3)}, "expected the same number of classes"),
        ({"student": nn.Conv2d(3, 2, 1)}, "expected logits (16, classes), got an output of shape (16, 2, 12, 12)"),
        ({"labels": torch.full((48,), 2)}, "labels: expected classes 0 to 1, got 2 to 2"),
        ({"layers": ("9", "4")}, "layer: expected a layer of the network, got '9'"),
        ({"layers": ("7", "4")}, "expected an output with a region grid"),
        ({"layers": ("4", "4"), "student": network(classes=3)}, "expected the same number of classes"),
        ({"layers": ("4", "4"), "weight": -1.0}, "weight: expected a share of the soft term in [0, 1], got -1.0"),
    ],
)
def test_what_cannot_be_distilled_is_said_in_one_line(teacher, change, said):
    images, labels = blobs()
    given = {"student": network(seed=2), "teacher": teacher, "images": images, "labels": labels, **change}
    with pytest.raises(InputError) as raised:
        (distil_features if "layers" in change else distil_logits)(**given, settings=SETTINGS, seed=0)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
