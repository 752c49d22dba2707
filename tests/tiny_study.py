"""A study of a few pictograms that runs in seconds."""

import tomllib
from pathlib import Path

from patternscope.settings.study import StudySettings, make_settings

TOML = """
[images]
image_size = 32
train_per_class = 8
test_per_class = 5
samples_per_class = 4
[network]
layers = ["conv_33", "conv_53"]
[training]
epochs = 2
batch_size = 16
checkpoints = 2
[importance]
n_step = 3
[region]
n_step = 2
[knowledge]
bootstrap = 20
taus = [0.3, 0.5]
[figures]
dpi = 50
examples = 2
"""


def settings(**changes) -> StudySettings:
    content = tomllib.loads(TOML)
    for path, value in changes.items():
        section, _, name = path.partition("__")
        content.setdefault(section, {})[name] = value
    return make_settings(content, "tiny.toml", Path())
