"""Recording under small memory, in half precision, and from layers that put out several tensors."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import list_layers, record, record_batches, suggest_layers


class Hungry(nn.Module):
    """A network whose device holds so many images at once."""

    def __init__(self, most):
        super().__init__()
        self.conv, self.head, self.most = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 3), most
        self.sizes = []

    def forward(self, x):
        self.sizes.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return self.head(self.conv(x).mean(dim=(2, 3)))


class Several(nn.Module):
    """A layer with a mapping and one with a tuple as its output."""

    class Both(nn.Module):
        def forward(self, x):
            return {"skip": x[:, :2], "out": x[:, 2:] * 2, "nothing": None}

    class Pair(nn.Module):
        def forward(self, both):
            return both["skip"] + 1, both["out"]

    def __init__(self):
        super().__init__()
        self.conv, self.both, self.pair, self.head = (nn.Conv2d(3, 5, 1), self.Both(), self.Pair(), nn.Linear(3, 2))

    def forward(self, x):
        return self.head(self.pair(self.both(self.conv(x)))[1].mean(dim=(2, 3)))


def images(n=10):
    return torch.rand(n, 3, 8, 6, generator=torch.Generator().manual_seed(0))


def test_batches_are_halved_until_they_fit_and_stay_so():
    model = Hungry(most=3)
    parts = list(record_batches(model, images(16), ["conv"], batch_size=8))
    assert [len(each.logits) for each in parts] == [2] * 8
    assert model.sizes == [8, 4] + [2] * 8
    assert not any(each._forward_hooks for each in model.modules())


def test_halving_loses_and_repeats_no_image():
    one, other = Hungry(most=99), Hungry(most=3)
    other.load_state_dict(one.state_dict())
    whole, parts = (record(each, images(11), ["conv"]) for each in (one, other))
    torch.testing.assert_close(whole.regional_features, parts.regional_features)
    torch.testing.assert_close(whole.logits, parts.logits)


def test_one_image_that_does_not_fit_is_one_clear_line():
    with pytest.raises(InputError, match="a single image to fit into the memory of cpu, got 8 x 6 pixels"):
        record(Hungry(most=0), images(), ["conv"])


def test_other_errors_of_the_network_are_one_line_and_its_own_is_the_cause():
    with pytest.raises(
        InputError, match=r"network: expected one that takes images .*RuntimeError: mat1 and mat2"
    ) as seen:
        record(nn.Sequential(nn.Flatten(), nn.Linear(7, 3)), images(), [])
    assert isinstance(seen.value.__cause__, RuntimeError)


def test_half_precision_is_near_and_recorded_in_float32():
    model = Hungry(most=99)
    whole, half = (record(model, images(), ["conv"], precision=precision) for precision in ("float32", "bfloat16"))
    assert half.regional_features["conv"].dtype == half.logits.dtype == torch.float32
    assert not torch.equal(whole.regional_features["conv"], half.regional_features["conv"])
    torch.testing.assert_close(whole.regional_features, half.regional_features, rtol=0.02, atol=0.02)


def test_an_unknown_precision_is_answered_with_the_nearest():
    with pytest.raises(
        InputError, match="precision: expected a floating point type, got 'float61'; did you mean 'float16'"
    ):
        record(Hungry(most=9), images(), [], precision="float61")


def test_one_of_several_tensors_is_chosen_by_its_key():
    model = Several()
    listed = {each.name: each.shape for each in list_layers(model, images())}
    assert listed["both"] == listed["both:skip"] == (2, 8, 6)
    assert listed["both:out"] == listed["pair:1"] == (3, 8, 6)
    assert "both:nothing" not in listed
    found = record(model, images(), ["both:out", "both", "pair:1", "pair:0"]).regional_features
    with torch.no_grad():
        features = model.conv(images())
    torch.testing.assert_close(found["both:out"], features[:, 2:] * 2)
    torch.testing.assert_close(found["both"], features[:, :2])
    torch.testing.assert_close(found["pair:1"], found["both:out"])
    torch.testing.assert_close(found["pair:0"], features[:, :2] + 1)
    assert not any(":" in name for name in suggest_layers(list_layers(model, images())))


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("both:ouut", "layer 'both:ouut': expected a key of its output ('skip', 'out'), got 'ouut'"),
        ("conv:0", "layer 'conv:0': expected no key of one tensor, got '0'"),
        ("boht:out", "layer: expected a layer of the network, got 'boht:out'; did you mean 'both'?"),
    ],
)
def test_a_key_that_is_not_there_is_one_clear_line(layer, said):
    with pytest.raises(InputError) as raised:
        record(Several(), images(), [layer])
    assert said in str(raised.value)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("around", [torch.inference_mode, lambda: torch.autocast("cpu", torch.float16)])
def test_modes_of_the_caller_change_nothing(around, precision):
    model, shown = Several(), images()
    plain = record(model, shown, ["conv"], precision=precision)
    with around():
        found = record(model, shown.clone(), ["conv"], precision=precision)
    assert torch.equal(found.logits, plain.logits)
    torch.testing.assert_close(found.regional_features, plain.regional_features, rtol=0, atol=0)


class InPlace(nn.Module):
    """Begins with a change of its input in place."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, x):
        return self.head(x.sub_(0.5).mean(dim=(2, 3)))


def test_a_network_may_change_its_input_in_place_in_the_callers_inference_mode():
    model, shown = InPlace(), images()
    plain = record(model, shown, [])
    with torch.inference_mode():
        assert torch.equal(record(model, shown.clone(), []).logits, plain.logits)
        assert [each.name for each in list_layers(model, shown.clone())] == ["head"]
