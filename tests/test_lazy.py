"""Packages that import their public names on first use."""

import ast
import importlib
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import patternscope
from patternscope.lazy import lazy_exports

ROOT = Path(patternscope.__file__).parent
LAZY = [path for path in sorted(ROOT.rglob("__init__.py")) if "lazy_exports(" in path.read_text("utf-8")]
INIT = """
from patternscope.lazy import lazy_exports
__getattr__, __dir__, __all__ = lazy_exports(__name__, {"shapes": ("Circle", "area"), "deep.colours": ("Red",)})
own = 1
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A lazy package with a module of two names, a nested module of one, and a name of its own."""
    (tmp_path / "lazily/deep").mkdir(parents=True)
    (tmp_path / "lazily/__init__.py").write_text(INIT)
    (tmp_path / "lazily/shapes.py").write_text("class Circle: pass\ndef area(): return 3\n")
    (tmp_path / "lazily/deep/__init__.py").write_text("")
    (tmp_path / "lazily/deep/colours.py").write_text("class Red: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("lazily")
    for name in [name for name in sys.modules if name.split(".")[0] == "lazily"]:
        del sys.modules[name]


def test_a_name_loads_its_own_module_alone_and_is_then_the_packages(package):
    assert "lazily.shapes" not in sys.modules
    circle = package.Circle
    assert sys.modules["lazily.shapes"].Circle is circle
    assert vars(package)["Circle"] is circle
    assert "lazily.deep.colours" not in sys.modules


def test_every_form_of_import_works(package):
    from lazily import Red, area, deep

    names = {}
    exec("from lazily import *", names)
    assert {"Circle", "Red", "area"} <= set(names)
    assert "own" not in names
    assert area() == 3
    assert deep.colours.Red is Red is names["Red"]
    assert package.shapes.area is area


def test_a_submodule_is_reached_without_an_import_of_its_own(package):
    assert package.shapes is sys.modules["lazily.shapes"]


def test_what_a_lazy_name_makes_can_be_pickled(package):
    written = pickle.dumps(package.Circle())
    assert type(pickle.loads(written)) is package.Circle  # noqa: S301


def test_dir_lists_all_names_before_they_are_loaded(package):
    assert package.__all__ == ["Circle", "Red", "area"]
    assert {"Circle", "Red", "area", "own", "shapes", "deep", "__name__"} <= set(dir(package))


def test_an_unknown_name_is_an_attribute_error_with_the_nearest(package):
    assert not hasattr(package, "square")
    with pytest.raises(AttributeError, match="module 'lazily' has no attribute 'Circel'") as error:
        package.Circel  # noqa: B018
    assert (error.value.name, error.value.obj) == ("Circel", package)
    with pytest.raises(ImportError, match="cannot import name 'Circel' from 'lazily'"):
        from lazily import Circel  # noqa: F401


def test_a_name_that_is_a_submodule_s_is_refused():
    with pytest.raises(ValueError, match="package: expected names that no submodule has, got shapes"):
        lazy_exports("package", {"shapes": ("shapes",)})


def declared(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The origin of each name in a lazy package's `if TYPE_CHECKING:` block, and in its call of lazy_exports."""
    package = ".".join(("patternscope", *path.relative_to(ROOT).parts[:-1]))
    typed, lazy = {}, {}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            typed = {
                alias.name: line.module
                for line in node.body
                if isinstance(line, ast.ImportFrom)
                for alias in line.names
            }
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy_exports":
            exports = ast.literal_eval(node.args[1])
            lazy = {name: f"{package}.{module}" for module, names in exports.items() for name in names}
    return typed, lazy


@pytest.mark.parametrize("path", LAZY, ids=lambda path: path.parent.name)
def test_a_lazy_package_exports_what_it_tells_type_checkers(path):
    typed, lazy = declared(path)
    assert lazy == typed
    package = importlib.import_module(".".join(("patternscope", *path.relative_to(ROOT).parts[:-1])))
    assert package.__all__ == sorted(lazy)
    assert all(hasattr(package, name) for name in lazy)


@pytest.mark.parametrize("path", LAZY, ids=lambda path: path.parent.name)
def test_importing_a_lazy_package_does_not_import_torch(path):
    package = ".".join(("patternscope", *path.relative_to(ROOT).parts[:-1]))
    program = f"import sys, {package}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
