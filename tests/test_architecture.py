"""Imports run one way, and a few things are never written in the package."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import patternscope

ROOT = Path(patternscope.__file__).parent
# Single modules that every folder may import.
BASE = {"errors", "atomic", "lazy", "tensor_files", "factories", "autograd_modes", "solvers", "sample_keys"}
ALLOWED: dict[str, set[str]] = {name: set() for name in BASE} | {
    "factories": {"errors"},
    "sample_keys": {"errors"},
    "radial": set(),
    "similarity": {"radial"},
    "embeddings": {"radial", "similarity"},
    "knowledge": {"radial"},
    "images": set(),
    "networks": set(),
    "callback": {"networks", "knowledge", "results"},
    "workflow": set(),
    "results": {"workflow", "knowledge"},
    "settings": {"embeddings", "networks", "images"},
    "figures": {"results", "workflow", "knowledge", "radial"},
    "atlas": {"results", "workflow", "knowledge", "radial"},
}
ALLOWED["study"] = {"radial", "similarity", "embeddings", "knowledge", "images", "networks", "settings"}
ALLOWED["study"] |= {"workflow", "results"}
ALLOWED["report"] = {"figures", "results", "workflow", "knowledge"}
ALLOWED["api"] = {*ALLOWED["study"], "study", "figures", "atlas", "report"}
ALLOWED["cli"] = {*ALLOWED["api"], "api"}
ALLOWED["nn_visualizer"] = {*ALLOWED["cli"], "cli"}
# What no module of a folder may reach, by whatever way.
NEVER_REACHED = {
    "workflow": set(ALLOWED) - {"workflow"} - BASE,
    "results": {"networks", "images", "embeddings", "settings", "study"},
    "figures": {"networks", "images", "embeddings", "settings", "study", "api", "cli"},
    "report": {"networks", "images", "embeddings", "settings", "study", "api", "cli"},
    "atlas": {"networks", "images", "embeddings", "settings", "study", "api", "cli"},
    "knowledge": {"networks", "images", "embeddings", "results", "study"},
}
MOST_REACHED_BY_A_FIGURE = 40
TOP = {"__init__", "__main__"}
FILES = sorted(ROOT.rglob("*.py"))
MODULES = {
    ".".join(("patternscope", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in FILES
}


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
    return parts & {*ALLOWED, *BASE}


def complaints(tree: ast.AST) -> list[str]:
    """What this project doesn't do in its package, line by line."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            found.append(f"{node.lineno}: assert")
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in {"print", "torch.manual_seed", "torch.cuda.manual_seed_all", "torch.set_default_dtype"}:
                found.append(f"{node.lineno}: {name}")
            called = re.fullmatch(r"(np|numpy)\.random\.(\w+)", name)
            restored = {"get_state", "set_state"}  # the caller's, around what may move it
            if called and called[2] not in {"default_rng", "Generator", "SeedSequence", "PCG64"} | restored:
                found.append(f"{node.lineno}: {name}")
        elif isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node):
            found.append(f"{node.lineno}: NotImplementedError")
    pickles = {name.split(".")[0] for name in modules_in(tree)} & {"pickle", "dill", "joblib", "shelve"}
    return found + [f"imports {name}" for name in sorted(pickles)]


def without_type_checking(tree: ast.Module) -> ast.Module:
    """What runs: imports for a type checker alone are no imports."""
    return ast.Module([node for node in tree.body if not _is_type_checking(node)], [])


def _is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@cache
def exports(module: str) -> dict[str, str]:
    """Where the names of a lazy package come from."""
    if MODULES[module].name != "__init__.py":
        return {}
    blocks = [node for node in tree_of(MODULES[module]).body if _is_type_checking(node)]
    imports = [node for block in blocks for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module or "" for node in imports for alias in node.names}


@cache
def imported_by(module: str) -> frozenset[str]:
    """Modules of the package that a module imports, the packages they lie in included."""
    names = set()
    for name in modules_in(without_type_checking(tree_of(MODULES[module]))):
        package, _, last = name.rpartition(".")
        origin = exports(package).get(last) if package in MODULES and name not in MODULES else None
        names |= {name} | ({origin} if origin else set())
    parents = {".".join(parts[:count]) for parts in (n.split(".") for n in names) for count in range(1, len(parts) + 1)}
    return frozenset(parents & MODULES.keys())


@cache
def reached_from(module: str) -> frozenset[str]:
    reached, waiting = set(), [module]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting += imported_by(current)
    return frozenset(reached)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path):
    part = part_of(path)
    if part in TOP:
        assert parts_in(tree_of(path)) <= {"api", "cli", "embeddings", "errors", "lazy", "networks"}
        return
    assert part in ALLOWED, f"{part} has no place in the table of imports"
    assert parts_in(tree_of(path)) - {part, *BASE} <= ALLOWED[part]


@pytest.mark.parametrize("part", NEVER_REACHED)
def test_what_a_folder_must_not_know_is_not_reached_either(part):
    prefix = f"patternscope.{part}"
    for module in MODULES:
        if module == prefix or module.startswith(f"{prefix}."):
            parts = {name.split(".")[1] for name in reached_from(module) if "." in name}
            assert not parts & NEVER_REACHED[part], module


def test_a_figure_is_read_without_reading_the_package():
    reached = reached_from("patternscope.figures.knowledge_points")
    assert "patternscope.results.knowledge" in reached
    assert len(reached) <= MOST_REACHED_BY_A_FIGURE, sorted(reached)


def test_hooks_are_set_in_one_place():
    setters = {path.name for path in FILES if "register_forward_" in path.read_text(encoding="utf-8")}
    assert setters == {"hooks.py"}


def test_what_is_not_on_every_system_is_not_imported_with_the_package():
    absent_somewhere = {"fcntl", "resource", "pwd", "grp", "termios", "msvcrt", "winreg"}
    for path in FILES:
        top = [node for node in tree_of(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not modules_in(ast.Module(top, [])) & absent_somewhere, path


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
        "import pickle\nfrom patternscope.study import run\n"
        "def f():\n    assert True\n    print(1)\n    torch.manual_seed(0)\n    np.random.seed(0)\n"
        "    raise NotImplementedError\n"
    )
    assert parts_in(bad) == {"study"}
    assert len(complaints(bad)) == 6
    assert complaints(ast.parse("np.random.default_rng(0)\n")) == []
