"""The README's library example runs as it is written, on the reader's own network and images."""

import re
from pathlib import Path

import torch
from torch import nn

README = Path(__file__).parents[1] / "README.md"


def test_the_library_example_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    generator = torch.Generator().manual_seed(0)

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer3, self.layer4 = nn.Conv2d(3, 6, 3, stride=2), nn.Conv2d(6, 8, 3)
            self.fc = nn.Linear(8, 4)

        def forward(self, images):
            return self.fc(self.layer4(self.layer3(images).relu()).relu().amax((2, 3)))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network()
    images = torch.rand(24, 3, 20, 20, generator=generator)
    given = {"network": network, "images": images, "labels": torch.arange(24) % 4}
    exec(code.replace("/ 4, dim=1", "* 40, dim=1"), given)  # an untrained network is hardly sure of anything
    total, reliable, _ = capsys.readouterr().out.split()
    assert 0 <= float(reliable) <= float(total) <= 64
    assert given["weight"].region_weights.shape == (24, 49)
