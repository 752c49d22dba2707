"""What a release is made of agrees: versions, extras, and the files that the package index and GitHub read."""

import re
import tomllib
from pathlib import Path

import check_extra
import pytest

import patternscope

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
WORKFLOWS = sorted((ROOT / ".github").rglob("*.yml"))


def test_one_version_in_all_files():
    assert PROJECT["dynamic"] == ["version"]  # read from the package
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {patternscope.__version__}\n" in citation
    assert f"## [{patternscope.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_extra_is_checked_and_every_extra_named_exists():
    assert check_extra.MODULES.keys() == EXTRAS.keys() - {"dev"}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.py")]
    named = {
        extra
        for path in pages
        for extra in re.findall(r"(?:patternscope|'\.)\[(\w+)\]", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= EXTRAS.keys()


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "CODE_OF_CONDUCT.md"])
def test_links_to_files_of_the_repository_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)|(?:href|src)=\"([^\"#]+)\"", text)
    local = [link or other for link, other in links if not (link or other).startswith("http")]
    assert [link for link in local if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_and_templates_are_yaml_and_name_what_exists(path):
    yaml = pytest.importorskip("yaml", reason="the extra docs is not installed")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in content.get("jobs", {}).values() for step in job["steps"]]
    targets = (ROOT / "Makefile").read_text(encoding="utf-8")
    for line in "\n".join(step.get("run", "") for step in steps).splitlines():
        for script in re.findall(r"python (\S+\.py)", line):
            assert (ROOT / script).is_file()
        for target in re.findall(r"^make (\w+)", line):
            assert re.search(rf"^{target}:", targets, flags=re.MULTILINE)


def test_each_extra_has_a_job():
    text = (ROOT / ".github/workflows/tests.yml").read_text(encoding="utf-8")
    listed = re.search(r"extra: \[(.*)\]", text)
    assert listed is not None
    assert set(listed[1].split(", ")) == check_extra.MODULES.keys()
