"""Recording: what is taken is right, and the network is given back as found."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, record, record_batches


class Small(nn.Module):
    """Convolutions, an in-place activation, one used twice, a dropout that stays on in evaluation mode."""

    def __init__(self, breaks=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU(inplace=True)
        self.again = nn.Conv2d(6, 6, 3, stride=2, padding=1)
        self.drop = nn.Dropout(0.5)
        self.unused = nn.Linear(2, 2)
        self.head = nn.Linear(6, 4)
        self.calls, self.breaks = 0, breaks

    def forward(self, x):
        self.calls += 1
        x = self.act(self.norm(self.conv(x)))
        x = self.act(self.again(x))
        if self.breaks:
            raise RuntimeError("broken on purpose")
        torch.rand(1)
        return self.head(self.drop(x).mean(dim=(2, 3)))


def make(seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return Small(**options)


def make_images(n=5, size=(12, 16), seed=0):
    return torch.rand(n, 3, *size, generator=torch.Generator().manual_seed(seed))


def snapshot(model):
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules()]
    flags = [m.training for m in model.modules()]
    grads = [(p.requires_grad, p.grad, p.dtype, p.device, p.data_ptr()) for p in model.parameters()]
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    return hooks, flags, grads, weights, torch.get_rng_state()


def assert_as_found(model, before):
    hooks, flags, grads, weights, random_state = before
    now = snapshot(model)
    assert (now[0], now[1], now[2]) == (hooks, flags, grads)
    assert all(torch.equal(weights[name], value) for name, value in now[3].items())
    assert torch.equal(now[4], random_state)
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()


def naive_pool(maps, height, width):
    """Average over the windows of adaptive pooling, written out."""
    n, k, h, w = maps.shape
    out = torch.zeros(n, k, height, width, dtype=maps.dtype)
    for i in range(height):
        for j in range(width):
            rows = slice(i * h // height, -(-(i + 1) * h // height))
            columns = slice(j * w // width, -(-(j + 1) * w // width))
            out[:, :, i, j] = maps[:, :, rows, columns].mean(dim=(2, 3))
    return out


def test_recording_equals_running_the_layers_by_hand_with_in_place_activations_after_them():
    model, images = make(), make_images()
    found = record(model, images, ["conv", "norm", "act", "again", "act@2"])
    model.eval()
    with torch.no_grad():
        conv = model.conv(images)
        norm = model.norm(conv)
        again = model.again(norm.relu())
        features = again.relu().mean(dim=(2, 3))
        wanted = {"conv": conv, "norm": norm, "act": norm.relu(), "again": again, "act@2": again.relu()}
        torch.testing.assert_close(found.regional_features, wanted)
        torch.testing.assert_close(found.sample_features, features)
        torch.testing.assert_close(found.logits, model.head(features))
    assert wanted["norm"].min() < 0


@pytest.mark.parametrize("grid", [5, (3, 4), (6, 2)])
def test_pooled_grids_equal_averages_written_out(grid):
    model, images = make(), make_images()
    whole = record(model, images, ["act"]).regional_features["act"]
    pooled = record(model, images, ["act"], grid).regional_features["act"]
    height, width = (grid, grid) if isinstance(grid, int) else grid
    torch.testing.assert_close(pooled, naive_pool(whole, height, width))


def test_a_side_smaller_than_the_grid_stays_as_it_is():
    found = record(make(), make_images(), ["act", "act@2"], (7, 20)).regional_features
    assert found["act"].shape[2:] == (7, 16)
    assert found["act@2"].shape[2:] == (6, 8)


@pytest.mark.parametrize("training", [True, False])
def test_network_inputs_and_random_state_are_as_found(training):
    model, images = make(), make_images()
    model.train(training)
    model.drop.train()
    model.conv.weight.requires_grad_(False)
    model.head.weight.grad = torch.ones_like(model.head.weight)
    before, pixels = snapshot(model), images.clone()
    record(model, images, ["act"], 4, batch_size=2)
    assert_as_found(model, before)
    assert torch.equal(images, pixels)


def test_network_is_as_found_after_an_exception():
    model = make(breaks=True)
    model.drop.eval()
    before = snapshot(model)
    with pytest.raises(InputError, match="broken on purpose"):
        record(model, make_images(), ["act"])
    assert_as_found(model, before)


def test_network_is_as_found_between_batches_and_after_a_generator_is_left():
    model = make()
    before = snapshot(model)
    batches = record_batches(model, make_images(), ["act"], batch_size=2)
    next(batches)
    assert_as_found(model, before)
    batches.close()
    assert_as_found(model, before)


def test_an_input_changed_in_place_by_the_network_is_not_the_callers():
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 36, 2))
    images = make_images(size=(6, 6)) - 0.5
    pixels = images.clone()
    record(model, images, ["0"])
    assert torch.equal(images, pixels)


@pytest.mark.parametrize(("count", "batch_size", "calls"), [(5, 2, 3), (5, 5, 1), (5, 9, 1), (4, None, 1)])
def test_forward_is_called_once_a_batch(count, batch_size, calls):
    model = make()
    record(model, make_images(count), ["act", "act@2", "again"], 3, batch_size=batch_size)
    assert model.calls == calls


def test_any_batching_gives_the_same_numbers():
    model, images = make(), make_images(7)
    whole = record(model, images, ["act@2"], 3)
    for parts in (record(model, images, ["act@2"], 3, batch_size=2), record(model, images.split(3), ["act@2"], 3)):
        torch.testing.assert_close(parts.regional_features, whole.regional_features)
        torch.testing.assert_close(parts.sample_features, whole.sample_features)
        torch.testing.assert_close(parts.logits, whole.logits)


def test_batches_may_carry_labels_as_a_data_loader_yields_them():
    images = make_images(4)
    data = torch.utils.data.TensorDataset(images, torch.arange(4))
    found = record(make(), torch.utils.data.DataLoader(data, batch_size=3), ["act"])
    torch.testing.assert_close(found.logits, record(make(), images, ["act"]).logits)


def test_uint8_pixels_are_divided_by_255():
    pixels = torch.randint(0, 256, (3, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    bytes_in, floats_in = (record(make(), images, ["act"]) for images in (pixels, pixels.float() / 255))
    torch.testing.assert_close(bytes_in.regional_features, floats_in.regional_features)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_precisions_are_recorded_and_kept_in_the_network(dtype):
    model = make().to(dtype)
    found = record(model, make_images(), ["act"], 4)
    wanted = record(make(), make_images(), ["act"], 4)
    recorded = torch.float64 if dtype == torch.float64 else torch.float32
    assert found.logits.dtype == found.regional_features["act"].dtype == found.sample_features.dtype == recorded
    assert next(model.parameters()).dtype == dtype
    torch.testing.assert_close(found.logits.float(), wanted.logits, rtol=0.05, atol=0.02)


def test_recorded_numbers_do_not_share_memory_with_each_other_or_the_network():
    kept = []
    model = make()
    model.act.register_forward_hook(lambda module, inputs, output: kept.append(output))
    found = next(record_batches(model, make_images(), ["act"]))
    wanted = found.regional_features["act"].clone()
    for each in kept:
        each.zero_()
    assert torch.equal(found.regional_features["act"], wanted)


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda m: Normalised(nn.DataParallel(m), 0.0, 1.0)])
def test_wrapped_networks_keep_their_inner_names(wrap):
    found = record(wrap(make()), make_images(), ["act@2"])
    torch.testing.assert_close(found.regional_features, record(make(), make_images(), ["act@2"]).regional_features)


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: Normalised(m, 0.0, 1.0)])
def test_compiled_networks_run_uncompiled_and_keep_their_inner_names(wrap):
    compiled = wrap(torch.compile(make().eval(), backend="eager"))
    compiled(make_images())
    found = record(compiled, make_images(), ["act@2"])
    torch.testing.assert_close(found.regional_features, record(make(), make_images(), ["act@2"]).regional_features)


def test_a_module_compiled_in_place_is_seen_by_hooks_set_afterwards():
    model = make().eval()
    model.compile(backend="eager")
    model(make_images())
    torch.testing.assert_close(
        record(model, make_images(), ["act@2"]).regional_features,
        record(make(), make_images(), ["act@2"]).regional_features,
    )


def test_another_device_runs_a_copy():
    model = make()
    before = snapshot(model)
    found = record(model, make_images(), ["act"], device="cpu")
    assert found.logits.device.type == "cpu"
    assert_as_found(model, before)


def test_a_named_sample_layer_gives_its_input():
    model = make().eval()
    found = record(model, make_images(), ["act"], sample_layer="head")
    torch.testing.assert_close(found.sample_features, record(model, make_images(), []).sample_features)


def test_a_network_that_ends_in_a_convolution_gives_the_mean_of_its_input_over_regions():
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Conv2d(5, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    found = record(model, make_images(), [])
    with torch.no_grad():
        torch.testing.assert_close(found.sample_features, model[0](make_images()).mean(dim=(2, 3)))
        torch.testing.assert_close(model[1](found.sample_features[:, :, None, None])[:, :, 0, 0], found.logits)


class Broken(nn.Module):
    def __init__(self, spoil):
        super().__init__()
        self.conv, self.head, self.spoil = nn.Conv2d(3, 2, 1), nn.Linear(2, 2), spoil

    def forward(self, x):
        return self.spoil(self.head(self.conv(x).mean(dim=(2, 3))))


@pytest.mark.parametrize(
    ("layers", "options", "said"),
    [
        (["akt"], {}, "layer: expected a layer of the network, got 'akt'; did you mean 'act'?"),
        (["act@x"], {}, "layer: expected a layer of the network, got 'act@x'"),
        (["act@3"], {}, "layer 'act@3': expected a call of 'act@3' on these images, got none"),
        (["unused"], {}, "layer 'unused': expected a call of 'unused' on these images, got none"),
        (
            ["head"],
            {},
            "layer 'head' (Linear): expected an output with a region grid, got shape (4,) per image; nearest layers",
        ),
        (["act"], {"grid": 0}, "grid: expected a positive integer or a pair (h, w) of them, got 0"),
        (["act"], {"grid": (2, 2, 2)}, "of them, got (2, 2, 2)"),
        (["act"], {"batch_size": 0}, "batch_size: expected at least 1, got 0"),
        (["act"], {"sample_layer": "haed"}, "layer: expected a layer of the network, got 'haed'; did you mean 'head'?"),
    ],
)
def test_layers_and_options_that_do_not_fit_are_said_in_one_line(layers, options, said):
    model = make()
    before = snapshot(model)
    with pytest.raises(InputError) as raised:
        record(model, make_images(), layers, **options)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert_as_found(model, before)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (torch.zeros(0, 3, 8, 8), "none of them 0, got (0, 3, 8, 8)"),
        (torch.zeros(3, 8, 8), "expected shape (n, channels, h, w), none of them 0, got (3, 8, 8)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.int64), "expected floating point or uint8, got torch.int64"),
        ([], "images: expected at least one batch, got none"),
        (["a"], "got str"),
        (torch.full((2, 3, 8, 8), float("nan")), "layer 'act': expected finite regional features, got NaN or inf in"),
    ],
)
def test_images_that_do_not_fit_are_said_in_one_line(images, said):
    with pytest.raises(InputError) as raised:
        record(make(), images, ["act"])
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda y: y / 0, "model: expected finite logits, got NaN or inf in 10 of 10"),
        (
            lambda y: y[:, :1],
            "expected as many logits as its last linear layer has outputs, 2, got 1 in the first tensor",
        ),
        (
            lambda y: (torch.cat([y, y], 1), y),
            "got 4 in the first tensor of its output; return the logits first, or under",
        ),
        (
            lambda y: {}["x"],
            "network: expected one that takes images (3, 12, 16), got KeyError: 'x' (" + __file__ + ", line",
        ),
        (lambda y: y[0], "expected logits (5, classes), got an output of shape (2,)"),
        (lambda y: "text", "expected logits (5, classes), got no tensor"),
    ],
)
def test_outputs_that_are_not_logits_are_said_in_one_line(spoil, said):
    with pytest.raises(InputError) as raised:
        record(Broken(spoil), make_images(), ["conv"])
    assert said in str(raised.value)


def test_a_head_computed_by_hand_is_told_to_be_a_linear_layer():
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv2d(3, 4, 1), nn.Parameter(torch.ones(2, 4))

        def forward(self, x):
            return F.linear(self.conv(x).mean(dim=(2, 3)), self.head)

    with pytest.raises(InputError, match=r"last linear layer has outputs, 4,.*by hand \(F.linear\) an nn.Linear"):
        record(ByHand(), make_images(), ["conv"])


@pytest.mark.parametrize("wrap", [lambda y: (y, None), lambda y: {"aux": y * 2, "logits": y}, lambda y: [None, y]])
def test_logits_may_come_in_a_tuple_a_list_or_a_mapping(wrap):
    found = record(Broken(wrap), make_images(), ["conv"])
    assert found.logits.shape == (5, 2)
