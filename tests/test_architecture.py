"""Imports run one way, and a few things are never written in the package."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import patternscope

ROOT = Path(patternscope.__file__).parent
STAGES = ["radial", "similarity", "embeddings", "knowledge", "study", "cli"]
ALLOWED = {stage: set(STAGES[:place]) for place, stage in enumerate(STAGES)} | {
    "factories": set(),
    "callback": {"networks"},
    "images": {"factories"},
    "modes": set(),
    "networks": {"factories", "modes"},
    "figures": {"knowledge", "study"},
    "atlas": {"radial", "knowledge", "study"},
    "report": {"figures", "knowledge", "study"},
    "errors": set(),
    "reference": {*STAGES, "images", "networks", "figures", "atlas", "report"},
}
ALLOWED["embeddings"] |= {"modes"}
ALLOWED["study"] |= {"images", "networks", "factories"}
ALLOWED["cli"] |= {"figures", "atlas", "report", "images", "networks"}
TOP = {"__init__", "__main__"}
FILES = sorted(ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def modules_in(tree: ast.AST) -> set[str]:
    """Dotted names of all modules that a file imports, at its top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def parts_in(tree: ast.AST) -> set[str]:
    parts = {name.split(".")[1] for name in modules_in(tree) if name.startswith("patternscope.")}
    return parts - {"__version__"}


def complaints(tree: ast.AST) -> list[str]:
    """What this project doesn't do in its package, line by line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"{node.lineno}: assert")
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in {
                "print",
                "torch.manual_seed",
                "torch.cuda.manual_seed_all",
                "torch.set_default_dtype",
            }:
                found.append(f"{node.lineno}: {name}")
            called = re.fullmatch(r"(np|numpy)\.random\.(\w+)", name)
            if called and called[2] not in {"default_rng", "Generator", "SeedSequence", "PCG64"}:
                found.append(f"{node.lineno}: {name}")
        elif isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node):
            found.append(f"{node.lineno}: NotImplementedError")
    pickles = {name.split(".")[0] for name in modules_in(tree)} & {"pickle", "dill", "joblib", "shelve"}
    return found + [f"imports {name}" for name in sorted(pickles)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    part = part_of(path)
    if part in TOP:
        assert parts_in(tree_of(path)) <= {"cli", "errors"}
        return
    assert part in ALLOWED, f"{part} has no place in the table of imports"
    assert parts_in(tree_of(path)) - {part, "errors"} <= ALLOWED[part]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_never_written_in_the_package(path):
    assert complaints(tree_of(path)) == []
    assert path.stem not in {"utils", "helpers", "common"}


@pytest.mark.parametrize("part", ["radial", "similarity", "embeddings"])
def test_the_core_knows_no_network_and_no_outer_stage(part):
    outside = {"torchvision", "timm", "requests", "urllib"}
    for path in (ROOT / part).rglob("*.py"):
        assert not {name.split(".")[0] for name in modules_in(tree_of(path))} & outside


def test_no_relative_imports_hide_from_the_table():
    assert [path for path in FILES if any(name.startswith(".") for name in modules_in(tree_of(path)))] == []


def test_the_check_sees_what_it_looks_for():
    bad = ast.parse(
        "import pickle\nfrom patternscope.study import store\n"
        "def f():\n    assert True\n    print(1)\n    torch.manual_seed(0)\n    np.random.seed(0)\n"
        "    raise NotImplementedError\n"
    )
    assert parts_in(bad) == {"study"}
    assert len(complaints(bad)) == 6
    assert complaints(ast.parse("np.random.default_rng(0)\n")) == []
