"""The documentation and the README are true: code runs, settings are valid, commands and error lines exist."""

import ast
import io
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import typer
from PIL import Image

import patternscope as ps
from patternscope.cli.app import app
from patternscope.errors import InputError
from patternscope.settings.study import load_settings, make_settings
from patternscope.study.axes import study_layers

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
        name = FILE_NAME.match(self.text)
        return name and name[1]


BLOCKS = [
    Block(path.relative_to(ROOT).as_posix(), *parts)
    for path in PAGES
    for parts in BLOCK.findall(path.read_text(encoding="utf-8"))
]


def blocks(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def pages_with(language: str) -> list[str]:
    return list(dict.fromkeys(block.page for block in blocks(language)))


@pytest.fixture(scope="session")
def shown_study(attacked_study, tmp_path_factory) -> Path:
    """A copy of the study of squares, with its atlas; tests only read it."""
    from easy_study import easy_settings

    from patternscope.api.stages import pages_of
    from patternscope.study.run import run_analysis

    folder = Path(shutil.copytree(attacked_study.parent, tmp_path_factory.mktemp("shown") / "squares"))
    run_analysis(folder / "study", easy_settings(folder), pages_of, until="atlas", device="cpu")
    return folder / "study"


def run_python(page: str) -> dict[str, object]:
    """Run the Python blocks of a page in order, or write them where they are files; return what they define."""
    defined: dict[str, object] = {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for block in blocks("python"):
            if block.page != page:
                continue
            if block.file:
                Path(block.file).write_text(block.text, encoding="utf-8")
            else:
                exec(compile(block.text, page, "exec"), defined)
    return defined


@pytest.fixture
def runs(tmp_path, monkeypatch, shown_study) -> Path:
    """The folder runs of a reader who ran the demo."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/demo").symlink_to(shown_study)
    return tmp_path / "runs"


@pytest.mark.parametrize("page", [page for page in pages_with("python") if page != "README.md"])
def test_python_runs_as_it_is(page, runs):
    run_python(page)


def test_the_library_of_the_readme_runs_as_it_is(runs, capsys):
    """A torchvision network in memory, its picture, and its study on disk."""
    result = run_python("README.md")["result"]
    assert isinstance(result, ps.Study)
    layer = result.layers["layer4"]
    assert capsys.readouterr().out.strip() == f"{layer.evidence} {layer.chance}"
    assert layer.chance.low <= 0 <= layer.chance.high
    assert layer.evidence.low <= 0 <= layer.evidence.high  # the network is untrained
    assert 0 <= layer.counts.total.low <= layer.counts.total.value <= layer.counts.total.high <= 4  # regions of 2 x 2
    with Image.open(io.BytesIO(Path("knowledge_points.png").read_bytes())) as picture:
        assert min(picture.size) > 200
    saved = ps.open_study(runs / "mine")
    assert saved.layers["layer4"].counts == result.layers["layer4"].counts


@pytest.mark.parametrize("block", blocks("toml"), ids=lambda block: block.page)
def test_settings_are_valid(block, tmp_path):
    make_settings(tomllib.loads(block.text), block.page, tmp_path)


def test_the_first_study_has_the_layers_it_names(tmp_path):
    """Its two files lie side by side, and its settings are ten lines."""
    page = [block for block in BLOCKS if block.page == "docs/how-to/first-study.md" and block.file]
    for block in page:
        (tmp_path / str(block.file)).write_text(block.text, encoding="utf-8")
    settings = load_settings(tmp_path / "study.toml")
    layers, _ = study_layers(settings)
    grids = {layer.name: layer.grid for layer in layers}
    assert [grids[name] for name in settings.network.layers] == [(32, 32), (16, 16), (8, 8), (4, 4)]
    (written,) = [block.text for block in page if block.file == "study.toml"]
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
    name, *arguments = shlex.split(line.partition(" > ")[0], comments=True)[1:]
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
    patterns = []
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            raised = node.args[:1] if isinstance(node, ast.Call) else []
            for text in (*raised, node) if isinstance(node, ast.JoinedStr | ast.BinOp) else raised:
                words = words_of(text)
                literal = "".join(filter(None, words))
                if len(literal) >= 12 and len(literal.split()) >= 2:
                    pattern = "".join(".+" if word is None else re.escape(word) for word in words)
                    # After the unit or setting that it is about.
                    patterns.append(re.compile(rf"(?:\S+: )*{pattern}"))
    return patterns


def test_errors_explained_are_those_the_program_prints():
    lines = [
        line for block in blocks("text") if block.page == "docs/troubleshooting.md" for line in block.text.splitlines()
    ]
    texts = texts_of_errors()
    assert len(lines) > 30
    for line in lines:
        kind, _, message = line.partition(": ")
        assert kind in ("error", "warning"), line
        assert any(text.fullmatch(message) for text in texts), line
    for wrong in ("layer 'layer5' is unknown to us", "weights do not fit", "did you mean 'layer4'"):
        assert not any(text.fullmatch(wrong) for text in texts)


def test_slurm_jobs_are_workers_of_one_unit_and_one_gpu():
    jobqueue = pytest.importorskip("dask_jobqueue.slurm", reason="dask-jobqueue is not installed")
    (block,) = [block for block in BLOCKS if block.file == "cluster.py"]
    (call,) = [
        node
        for node in ast.walk(ast.parse(block.text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SLURMCluster"
    ]
    options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    script = jobqueue.SLURMJob("tcp://10.0.0.1:8786", name="worker", **options).job_script()
    for line in ("--nthreads 1", "--cpus-per-task=8", "--gres=gpu:1", "export OMP_NUM_THREADS=8"):
        assert line in script


def test_a_wrong_setting_of_a_page_would_be_found(tmp_path):
    with pytest.raises(InputError):
        make_settings({"images": {"sauce": "folder"}}, "page", tmp_path)
