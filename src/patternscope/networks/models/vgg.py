"""A VGG-16 thin enough to train on two cores: all thirteen convolution layers, few channels."""

from collections import OrderedDict

from torch import Tensor, nn

_LAYERS_PER_STAGE = (2, 2, 3, 3, 3)
_WIDTHS = (16, 24, 32, 48, 64)


class ConvBlock(nn.Sequential):
    """3 x 3 convolution, batch normalisation, ReLU: its output is the activation of one layer.

    (n, in_channels, h, w) -> (n, out_channels, h / stride, w / stride).

    >>> import torch
    >>> ConvBlock(3, 8)(torch.zeros(1, 3, 4, 4)).shape
    torch.Size([1, 8, 4, 4])
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        norm = nn.BatchNorm2d(out_channels)
        super().__init__(OrderedDict(conv=conv, norm=norm, activation=nn.ReLU(inplace=True)))


class SlimVGG(nn.Module):
    """VGG-16 with few channels; its layers are the submodules conv_11, conv_12, conv_21 ... conv_53.

    A stride of 2 in conv_11 and the pools after stages 1 and 3 leave a region grid of an eighth of the image,
    8 x 8 at 64 pixels, in stages 4 and 5. A pool over all regions and one linear layer follow, so the sample
    feature has as many entries as conv_53 has channels; it takes the maximum, as VGG-16's last pool does,
    which keeps the information of single regions (docs/decisions.md). Images (n, channels, h, w), h and w >=
    32. Layers and names after VGG-16, Simonyan and Zisserman 2015.

    >>> import torch
    >>> SlimVGG(classes=10)(torch.zeros(2, 3, 64, 64)).shape
    torch.Size([2, 10])
    """

    pool_after = (1, 3)

    def __init__(self, classes: int, channels: int = 3, widths: tuple[int, ...] = _WIDTHS) -> None:
        super().__init__()
        in_channels = channels
        for stage, (layers, width) in enumerate(zip(_LAYERS_PER_STAGE, widths, strict=True), start=1):
            for layer in range(1, layers + 1):
                stride = 2 if (stage, layer) == (1, 1) else 1
                self.add_module(f"conv_{stage}{layer}", ConvBlock(in_channels, width, stride))
                in_channels = width
            if stage in self.pool_after:
                self.add_module(f"pool_{stage}", nn.MaxPool2d(2))
        self.global_pool = nn.AdaptiveMaxPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(in_channels, classes)
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (n, classes) of images (n, channels, h, w)."""
        features = images
        for layer in self.children():
            features = layer(features)
        return features

    def _initialise(self) -> None:
        """Set He's initial weights: thirteen plain layers do not train well from smaller ones."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)
