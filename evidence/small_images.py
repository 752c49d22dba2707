"""torchvision's networks with a region grid that is fine enough for images of 64 pixels.

Both shrink an image 32 times, to 2 x 2 regions. Here the last halving is omitted, as is usual for small images: 4 x 4
regions at 64 pixels. A study names them `small_images:resnet18` and `small_images:mobilenet_v2`.
"""

from torch import nn
from torchvision.models import MobileNetV2, ResNet
from torchvision.models.resnet import BasicBlock

# Expansion, channels, blocks, stride of MobileNetV2's stages (Sandler et al. 2018, table 2); the sixth has stride 1.
_STAGES = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 1], [6, 320, 1, 1]]


def resnet18(classes: int, channels: int = 3) -> ResNet:
    network = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=classes)
    network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    first = network.layer4[0]
    first.conv1.stride = first.downsample[0].stride = (1, 1)
    return network


def mobilenet_v2(classes: int, channels: int = 3, width: float = 1.0) -> MobileNetV2:
    network = MobileNetV2(num_classes=classes, width_mult=width, inverted_residual_setting=_STAGES)
    first = network.features[0][0]
    network.features[0][0] = nn.Conv2d(channels, first.out_channels, 3, stride=2, padding=1, bias=False)
    nn.init.kaiming_normal_(network.features[0][0].weight, mode="fan_out")
    return network
