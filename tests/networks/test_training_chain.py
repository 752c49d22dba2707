"""Training: a chain of segments ends with the same bytes as one, and everything depends on seed and step."""

import itertools
from collections import OrderedDict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import (
    Normalised,
    TrainingSettings,
    TrainingState,
    build_network,
    checkpoint_steps,
    evaluate,
    load_state,
    load_weights,
    save_state,
    save_weights,
    total_steps,
    train,
)
from patternscope.networks.models import weight_files
from patternscope.networks.models.weights import check_weights
from patternscope.networks.training.augmentation import augmented
from patternscope.networks.training.schedule import batch_indices, derived_seed, one_cycle
from patternscope.tensor_files import read_tensors, write_tensors


def tiny_network(channels=3):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        layers = nn.Conv2d(channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2)
        inner = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2))
    return Normalised(inner, 0.5, 0.25)


def blobs(count=48, channels=3, seed=0):
    """Bright upper or lower halves: a task a few steps solve."""
    source = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 128, (count, channels, 12, 12), dtype=torch.uint8, generator=source)
    labels = torch.arange(count) % 2
    images[labels == 0, :, :6] += 100
    images[labels == 1, :, 6:] += 100
    return images, labels


def same(one: TrainingState, other: TrainingState):
    assert (one.step, list(one.network), list(one.optimizer)) == (
        other.step,
        list(other.network),
        list(other.optimizer),
    )
    assert all(torch.equal(one.network[name], other.network[name]) for name in one.network)
    assert all(torch.equal(one.optimizer[name], other.optimizer[name]) for name in one.optimizer)
    assert torch.equal(one.losses, other.losses)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_chain_of_saved_segments_ends_with_the_same_bytes_as_one(tmp_path, optimizer):
    images, labels = blobs()
    settings = TrainingSettings(epochs=4, batch_size=16, optimizer=optimizer)
    whole = train(tiny_network(), images, labels, settings, seed=3)
    save_state(whole, tmp_path / "whole.safetensors")
    state = None
    for stop in (0, 1, 5, 12):
        torch.rand(1)  # the caller's random state plays no part
        state = train(tiny_network(), images, labels, settings, seed=3, start=state, until_step=stop)
        save_state(state, tmp_path / "state.safetensors")
        state = load_state(tmp_path / "state.safetensors")
    same(state, whole)
    assert (tmp_path / "state.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert whole.losses.shape == (12,)


def test_the_built_in_network_resumes_to_the_same_bytes():
    images = torch.randint(0, 256, (16, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels, settings = torch.arange(16) % 4, TrainingSettings(epochs=2, batch_size=8)
    network = build_network("vgg16_slim", classes=4)
    whole = train(network, images, labels, settings, seed=0)
    half = train(network, images, labels, settings, seed=0, until_step=2)
    same(train(network, images, labels, settings, seed=0, start=half), whole)


def test_training_learns_and_leaves_network_images_and_random_state_as_found():
    images, labels = blobs()
    network, pixels = tiny_network(), images.clone()
    network.network[1].eval()
    flags = [module.training for module in network.modules()]
    weights = {name: each.clone() for name, each in network.state_dict().items()}
    strides = [each.stride() for each in network.parameters()]
    random_state = torch.get_rng_state()
    seen = []
    settings = TrainingSettings(epochs=12, batch_size=16, lr=0.02)
    state = train(network, images, labels, settings, seed=0, report=lambda *each: seen.append(each))
    assert torch.equal(torch.get_rng_state(), random_state)
    assert [module.training for module in network.modules()] == flags
    assert [each.stride() for each in network.parameters()] == strides
    assert all(torch.equal(weights[name], each) for name, each in network.state_dict().items())
    assert torch.equal(images, pixels)
    assert [each[:2] for each in seen] == [(step + 1, 36) for step in range(36)]
    assert [each[2] for each in seen] == state.losses.tolist()
    network.load_state_dict(state.network)
    held_out, truth = blobs(seed=9)
    assert evaluate(network, held_out, truth).accuracy > 0.9


def test_step_zero_is_the_untrained_network():
    network = tiny_network()
    state = train(network, *blobs(), TrainingSettings(), seed=0, until_step=0)
    assert state.step == 0
    assert not state.optimizer
    assert all(torch.equal(state.network[name], each) for name, each in network.state_dict().items())


def test_another_seed_gives_another_network_and_images_may_be_any_store():
    images, labels = blobs(channels=1)

    class Store:
        def __len__(self):
            return len(images)

        def __getitem__(self, indices):
            return images[indices]

    settings = TrainingSettings(epochs=1, batch_size=16)
    one = train(tiny_network(1), images, labels, settings, seed=0)
    same(train(tiny_network(1), Store(), labels, settings, seed=0), one)
    assert not torch.equal(train(tiny_network(1), images, labels, settings, seed=1).losses, one.losses)


def test_frozen_weights_stay():
    network = tiny_network()
    network.network[0].weight.requires_grad_(False)
    state = train(network, *blobs(), TrainingSettings(epochs=1, batch_size=16), seed=0)
    assert torch.equal(state.network["network.0.weight"], network.network[0].weight)
    assert not torch.equal(state.network["network.6.weight"], network.network[6].weight)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labels": torch.arange(47)}, "expected the same number, at least 2, got 48 and 47"),
        ({"labels": torch.full((48,), 2)}, "labels: expected classes 0 to 1, got 2 to 2"),
        ({"labels": torch.full((48,), -1)}, "labels: expected classes 0 to 1, got -1 to -1"),
        ({"labels": torch.zeros(48)}, "labels: expected int64 (n,), got torch.float32"),
        ({"until_step": 99}, "until_step: expected 0 to 12, got 99"),
        (
            {"settings": TrainingSettings(epochs=4, batch_size=16, lr=100, optimizer="sgd", weight_decay=10)},
            "lower training.lr",
        ),
        ({"network": nn.Sequential(nn.Conv2d(3, 2, 1))}, "network: expected logits"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(change, said):
    images, labels = blobs()
    settings = TrainingSettings(epochs=4, batch_size=16)
    given = {"network": tiny_network(), "images": images, "labels": labels, "settings": settings, **change}
    before = torch.get_rng_state()
    with pytest.raises(InputError) as raised:
        train(**given, seed=0)
    assert said in str(raised.value)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_state_of_another_network_is_refused():
    settings = TrainingSettings(epochs=1, batch_size=16)
    state = train(tiny_network(1), *blobs(channels=1), settings, seed=0, until_step=1)
    with pytest.raises(InputError, match="start: "):
        train(build_network("vgg16_slim", classes=2), *blobs(), settings, seed=0, start=state)


def test_evaluation_matches_a_loop_and_gives_the_network_back_as_found():
    network, (images, labels) = tiny_network(), blobs(9)
    found = evaluate(network, images, labels, batch_size=4)
    assert all(module.training for module in network.modules())
    with torch.no_grad():
        logits = torch.cat([network.eval()(image[None].float() / 255) for image in images])
    torch.testing.assert_close(found.logits, logits)
    assert found.accuracy == sum(int(a == b) for a, b in zip(logits.argmax(1), labels, strict=True)) / 9
    with pytest.raises(InputError, match="expected the same number, at least 1, got 9 and 8"):
        evaluate(network, images, labels[:8])


@given(total=st.integers(0, 200_000), count=st.integers(1, 60))
def test_checkpoints_start_at_zero_end_at_the_last_step_and_increase(total, count):
    steps = checkpoint_steps(total, count)
    assert steps[-1] == total
    assert count == 1 or steps[0] == 0
    assert all(before < after for before, after in itertools.pairwise(steps))
    assert len(steps) == (1 if count == 1 else min(count, total + 1))


def test_checkpoints_are_even_in_log_time():
    # Beyond a hundredth of the training, which is the unit of time.
    logs = torch.log(torch.tensor(checkpoint_steps(100_000, 9), dtype=torch.float64) + 1000)
    torch.testing.assert_close(logs.diff(), logs.diff().mean().expand(8), rtol=1e-3, atol=0)


@pytest.mark.parametrize(("total", "count"), [(-1, 2), (3, 0)])
def test_impossible_checkpoints_are_refused(total, count):
    with pytest.raises(InputError, match="total_steps and count"):
        checkpoint_steps(total, count)


@given(total=st.integers(1, 500), maximum=st.floats(1e-4, 1))
def test_the_cycle_goes_up_to_its_maximum_and_down_to_nearly_nothing(total, maximum):
    rates = [one_cycle(step, total, maximum) for step in range(total + 1)]
    top = rates.index(max(rates))
    assert 0 < min(rates) <= max(rates) <= maximum * (1 + 1e-9)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(maximum / 1e4)


@given(count=st.integers(2, 40), batch_size=st.integers(2, 50), seed=st.integers(0, 5))
def test_an_epoch_sees_no_image_twice_and_epochs_differ_in_order(count, batch_size, seed):
    steps = total_steps(TrainingSettings(epochs=1, batch_size=batch_size), count)
    seen = torch.cat([batch_indices(step, count, batch_size, seed) for step in range(steps)])
    assert len(seen) == len(seen.unique()) > count - batch_size
    assert 0 <= int(seen.min()) <= int(seen.max()) < count


def test_derived_seeds_differ_by_each_of_their_parts():
    seeds = {derived_seed(s, p, n) for s in (0, 1) for p in ("order", "network") for n in range(50)}
    assert len(seeds) == 200
    assert all(0 <= each < 2**63 for each in seeds)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_augmentation_depends_on_its_seed_alone_and_changes_no_input(channels):
    images = torch.randint(
        0, 256, (19, channels, 16, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    before, pixels = torch.get_rng_state(), images.clone()
    one = augmented(images, 7)
    torch.testing.assert_close(augmented(images, 7), one)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(images, pixels)
    assert (one.shape, one.dtype) == (images.shape, images.dtype)
    assert not torch.equal(one, images)
    assert not torch.equal(augmented(images, 8), one)


@pytest.mark.parametrize(
    "setting",
    [
        {"epochs": -1},
        {"batch_size": 1},
        {"optimizer": "adam"},
        {"lr": 0},
        {"momentum": 1},
        {"lernrate": 1},
        {"label_smoothing": 1},
    ],
)
def test_settings_out_of_range_or_unknown_are_refused(setting):
    with pytest.raises(ValidationError):
        TrainingSettings(**setting)


def test_a_network_that_fails_or_has_nothing_to_train_is_said_in_one_line():
    class TrainsNot(nn.Flatten):
        def forward(self, x):
            return {}["x"] if self.training else super().forward(x)

    images, labels = blobs()
    failing = nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 12, 2), TrainsNot())
    with pytest.raises(
        InputError, match=rf"network: expected one that takes images .*KeyError: 'x' \({__file__}, line \d+\)"
    ):
        train(failing, images, labels, TrainingSettings(epochs=1), seed=0)
    frozen = tiny_network().requires_grad_(False)
    with pytest.raises(InputError, match="network: expected a parameter with requires_grad, got none"):
        train(frozen, images, labels, TrainingSettings(epochs=1), seed=0)


def test_weights_go_through_files_whatever_is_around_the_network(tmp_path):
    source = build_network("vgg16_slim", classes=3, seed=1)
    save_weights(Normalised(source, 0.5, 0.5), tmp_path / "a.safetensors")
    save_weights(nn.DataParallel(source), tmp_path / "b.safetensors")
    save_weights(Normalised(source, 0.5, 0.5).state_dict(), tmp_path / "c.safetensors")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    target = Normalised(build_network("vgg16_slim", classes=3, seed=2), 0.5, 0.5)
    load_weights(target, tmp_path / "a.safetensors")
    assert all(torch.equal(each, source.state_dict()[name]) for name, each in target.network.state_dict().items())


@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {f"module.{k}": v for k, v in s.items()}]
)
@pytest.mark.parametrize("name", ["w.pth", "w.ckpt", "w.pth.tar", "w.bin", "w.PTH"])
def test_a_foreign_pth_loads_with_a_warning_where_torch_is_not_safe(tmp_path, monkeypatch, wrap, name):
    source, target = (build_network("vgg16_slim", classes=3, seed=seed) for seed in (1, 2))
    torch.save(wrap(source.state_dict()), tmp_path / name)
    monkeypatch.setattr(weight_files, "version_of_torch", lambda: (2, 9))
    with pytest.warns(UserWarning, match="is a pickle"):
        load_weights(target, tmp_path / name)
    monkeypatch.setattr(weight_files, "version_of_torch", lambda: (2, 10))
    load_weights(target, tmp_path / name)  # a warning would be an error here
    assert all(torch.equal(each, source.state_dict()[name]) for name, each in target.state_dict().items())


@pytest.mark.parametrize("child", ["module", "network"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.net.", None])
def test_an_only_child_of_a_wrappers_name_is_the_networks_own(tmp_path, child, prefix):
    source, target = (nn.Sequential(OrderedDict({child: nn.Linear(2, 3)})) for _ in range(2))
    path = tmp_path / "w.safetensors"
    save_weights(source, path)
    assert set(read_tensors(path)) == {f"{child}.weight", f"{child}.bias"}
    if prefix is None:  # as earlier versions wrote it
        write_tensors(source[0].state_dict(), path)
    else:
        write_tensors({f"{prefix}{name}": each for name, each in source.state_dict().items()}, path)
    load_weights(Normalised(target, 0.5, 0.5), path)
    assert torch.equal(target[0].weight, source[0].weight)


def test_what_a_trainings_own_module_holds_beside_the_network_is_left_out_and_named(tmp_path):
    source, target = nn.Linear(2, 3), nn.Linear(2, 3)
    held = {f"model.{name}": each for name, each in source.state_dict().items()}
    write_tensors({**held, "criterion.alpha": torch.ones(3)}, tmp_path / "w.safetensors")
    with pytest.warns(UserWarning, match=r"1 tensors outside 'model.' are omitted .*first 'criterion.alpha'"):
        load_weights(target, tmp_path / "w.safetensors")
    assert torch.equal(target.weight, source.weight)
    twice = {**held, **{f"ema.{name}": each for name, each in source.state_dict().items()}}
    write_tensors(twice, tmp_path / "twice.safetensors")
    with pytest.raises(
        InputError, match=r"expected the network once, got it twice, under '(model|ema)\.' and '(model|ema)\.'"
    ):
        load_weights(target, tmp_path / "twice.safetensors")
    del held["model.bias"]
    write_tensors({**held, "criterion.alpha": torch.ones(3)}, tmp_path / "less.safetensors")
    said = r"1 missing \(first 'bias'\), 1 unknown \(first 'criterion.alpha'\)"
    with pytest.raises(InputError, match=said):
        load_weights(target, tmp_path / "less.safetensors")
    with pytest.raises(InputError, match=said):
        check_weights(target, tmp_path / "less.safetensors")


def test_weights_that_do_not_fit_are_said_in_one_line_and_nothing_is_loaded(tmp_path):
    target = build_network("vgg16_slim", classes=3)
    before = {name: each.clone() for name, each in target.state_dict().items()}
    state = dict(build_network("vgg16_slim", classes=4, seed=1).state_dict())
    state["extra"] = state.pop("conv_11.conv.weight")
    save_weights(state, tmp_path / "w.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:1000])
    (tmp_path / "w.npy").write_bytes(b"x")
    for name, said in [
        ("w.safetensors", "1 missing (first 'conv_11.conv.weight'), 1 unknown (first 'extra'), 2 of another shape"),
        ("cut.safetensors", "expected a safetensors file"),
        ("absent.safetensors", "does not exist"),
        ("w.npy", "expected a .safetensors, .pth, .pt, .ckpt, .bin or .pth.tar file, got 'w.npy'"),
    ]:
        with pytest.raises(InputError) as raised:
            load_weights(target, tmp_path / name)
        assert said in str(raised.value)
        assert "\n" not in str(raised.value)
    assert all(torch.equal(before[name], each) for name, each in target.state_dict().items())


def test_a_pth_that_holds_code_or_something_else_is_refused(tmp_path):
    torch.save(nn.Linear(1, 1), tmp_path / "code.pth")
    torch.save([1, 2], tmp_path / "list.pt")
    for name, said in [
        ("code.pth", "expected a file that loads with weights_only=True"),
        ("list.pt", "expected a dict of tensors alone, got a list"),
    ]:
        with pytest.raises(InputError, match=said):
            load_weights(nn.Linear(1, 1), tmp_path / name)


def test_a_file_that_is_no_state_is_refused(tmp_path):
    save_weights(nn.Linear(1, 1), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="expected a training state"):
        load_state(tmp_path / "w.safetensors")
