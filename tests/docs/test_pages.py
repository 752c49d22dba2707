"""Pages of the documentation and the README hold: code runs, settings are read, commands and errors are there."""

import ast
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import typer
from torch import nn

from patternscope.cli.app import app
from patternscope.errors import InputError
from patternscope.settings.study import load_settings, make_settings
from patternscope.study.network_factory import study_layers

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
FILE_NAME = re.compile(r"# (\w+\.(?:py|toml))\n")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The name of the file that the block is, if it begins with one."""
        named = FILE_NAME.match(self.text)
        return named and named[1]


BLOCKS = [
    Block(path.relative_to(ROOT).as_posix(), *found)
    for path in PAGES
    for found in BLOCK.findall(path.read_text(encoding="utf-8"))
]


def blocks(*languages: str) -> list[Block]:
    return [each for each in BLOCKS if each.language in languages]


def pages_with(language: str) -> list[str]:
    return list(dict.fromkeys(each.page for each in blocks(language)))


@pytest.fixture(scope="session")
def shown_study(attacked_study) -> Path:
    """The study of squares with its atlas; tests only read it."""
    from easy_study import easy_settings

    from patternscope.atlas.stage import atlas_stage
    from patternscope.study.run import run_study
    from patternscope.study.stages import study_stages

    settings = easy_settings(attacked_study.parent)
    run_study(attacked_study, settings, (*study_stages(settings), atlas_stage(settings)), device="cpu")
    return attacked_study


def readers_own() -> dict[str, object]:
    """What the README's example leaves to the reader: a network, images and labels."""

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer3, self.layer4 = nn.Conv2d(3, 6, 3, stride=2), nn.Conv2d(6, 8, 3)
            self.fc = nn.Linear(8, 4)

        def forward(self, images):
            # An untrained network is hardly sure of anything.
            return 160 * self.fc(self.layer4(self.layer3(images).relu()).relu().amax((2, 3)))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network()
    images = torch.rand(24, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    return {"network": network, "images": images, "labels": torch.arange(24) % 4}


@pytest.mark.parametrize("page", pages_with("python"))
def test_python_runs_as_it_stands(page, tmp_path, monkeypatch, capsys, shown_study):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/demo").symlink_to(shown_study)
    given = readers_own() if page == "README.md" else {}
    with torch.random.fork_rng():
        for block in blocks("python"):
            if block.page != page:
                continue
            if block.file:
                Path(block.file).write_text(block.text, encoding="utf-8")
            else:
                exec(compile(block.text, page, "exec"), given)
    if page == "README.md":
        total, reliable, _ = capsys.readouterr().out.split()
        assert 0 < float(reliable) <= float(total) <= 64


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.page)
def test_settings_are_valid(block, tmp_path):
    make_settings(tomllib.loads(block.text), block.page, tmp_path)


def test_the_first_study_has_the_layers_it_names(tmp_path):
    """Its two files lie side by side, and its settings are ten lines."""
    page = [each for each in BLOCKS if each.page == "docs/how-to/first-study.md" and each.file]
    for block in page:
        (tmp_path / str(block.file)).write_text(block.text, encoding="utf-8")
    settings = load_settings(tmp_path / "study.toml")
    layers, _ = study_layers(settings)
    grids = {each.name: each.grid for each in layers}
    assert [grids[name] for name in settings.network.layers] == [(32, 32), (16, 16), (8, 8), (4, 4)]
    (written,) = [each.text for each in page if each.file == "study.toml"]
    assert len(written.splitlines()) == 1 + 10  # the name of the file is the first


def commands() -> Iterator[tuple[str, str]]:
    """Page and line of each command of ours."""
    for block in blocks("sh", "console"):
        for line in block.text.splitlines():
            if line.startswith("patternscope "):
                yield block.page, line


@pytest.mark.parametrize(("page", "line"), list(commands()))
def test_commands_are_those_of_the_program(page, line):
    group = typer.main.get_command(app)
    name, *arguments = shlex.split(line, comments=True)[1:]
    known = group.commands  # pyright: ignore[reportAttributeAccessIssue]
    if name in known:
        known[name].make_context(name, arguments)
    else:
        assert name in ("--version", "--help")


def words_of(node: ast.AST) -> list[str | None]:
    """The literal parts of a text in the code; None where a value is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return [part.value if isinstance(part, ast.Constant) else None for part in parts]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [*words_of(left), *words_of(right)]
    return [None]


def texts_of_errors() -> list[re.Pattern[str]]:
    """A pattern for each text of at least two words that the code puts values into or raises."""
    found = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            raised = node.args[:1] if isinstance(node, ast.Call) else []
            for each in (*raised, node) if isinstance(node, ast.JoinedStr | ast.BinOp) else raised:
                words = words_of(each)
                literal = "".join(filter(None, words))
                if len(literal) >= 12 and len(literal.split()) >= 2:
                    pattern = "".join(".+" if word is None else re.escape(word) for word in words)
                    found.append(
                        re.compile(rf"(?:\S+: )*{pattern}")
                    )  # after the unit or setting that it is about
    return found


def test_errors_explained_are_those_the_program_prints():
    lines = [
        line
        for block in blocks("text")
        if block.page == "docs/troubleshooting.md"
        for line in block.text.splitlines()
    ]
    texts = texts_of_errors()
    assert len(lines) > 30
    for line in lines:
        kind, _, said = line.partition(": ")
        assert kind in ("error", "warning"), line
        assert any(text.fullmatch(said) for text in texts), line
    for wrong in ("layer 'layer5' is unknown to us", "weights do not fit", "did you mean 'layer4'"):
        assert not any(text.fullmatch(wrong) for text in texts)


def test_slurm_jobs_are_workers_of_one_unit_and_one_gpu():
    jobqueue = pytest.importorskip("dask_jobqueue.slurm", reason="dask-jobqueue is not installed")
    (block,) = [each for each in BLOCKS if each.file == "cluster.py"]
    (call,) = [
        node
        for node in ast.walk(ast.parse(block.text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SLURMCluster"
    ]
    given = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    script = jobqueue.SLURMJob("tcp://10.0.0.1:8786", name="worker", **given).job_script()
    for wanted in ("--nthreads 1", "--cpus-per-task=8", "--gres=gpu:1", "export OMP_NUM_THREADS=8"):
        assert wanted in script


def test_a_wrong_setting_of_a_page_would_be_found(tmp_path):
    with pytest.raises(InputError):
        make_settings({"images": {"sauce": "folder"}}, "page", tmp_path)
