"""One word for one thing: phrases that read oddly, or name a thing by a second name, are found before a reader does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "patternscope").rglob("*.py"))
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if path.name != "decisions.md"),
    ROOT / "docs" / "decisions.md",
]
SCRIPTS = sorted(path for path in (ROOT / "viewer" / "src").rglob("*.ts") if "test" not in path.name)

MODELS = r"(?:network|layer|region|map|posterior|student|teacher|image|embedding|probe)s?"
# What to write instead, and what is found. Whoever needs one of the words in its right sense adds it to RIGHT.
PHRASES = {
    "per image, per class, per layer": r"(?:points|regions|bits|patches|counts?) an? (?:image|class)\b",
    "predicts; assigns class c a probability of p": rf"\b{MODELS} (?:says?|knows?|speaks?)\b|\bspeaks? for\b",
    "unknown": r"\bnobody knows\b",
    "correct, misclassified": r"\b(?:decided?s?|classified) (?:rightly|wrongly)\b",
    "training step, checkpoint": r"\bmoments? of (?:the )?training\b",
    "teacher": r"\bnetwork of the training\b",
    "trajectory; through or around the origin": r"\b(?:ways?|paths?) past\b",
    "estimated time, disk and memory": r"\bwhat it (?:will|would) take\b",
    "reused, up to date": r"\b(?:is|are) (?:already there|there already)\b|\bnot done again\b",
    "omitted, and listed": r"\bleft out\b|\band said\b",
    "detected automatically": r"\b(?:found|detected|chosen|recognised) by (?:itself|themselves)\b",
    "does not exist": r"\b(?:is|are|was|were) not there\b",
    "select visible": r"\bchoose (?:the )?shown\b",
    "expected X, got Y": r"\b(?:is|are) wanted\b|\bwas (?:wanted|seen instead)\b",
}
# Sentences in which such a phrase is the right one.
RIGHT = ("leave-one-out", "left out of account")


def strings_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each string of a module, docstrings included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the paragraphs of a page with their lines; code is not prose."""
    text = re.sub(r"^(```|~~~).*?^\1", _blank, path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "``", text)
    line = 1
    for paragraph in text.split("\n\n"):
        yield line, paragraph
        line += paragraph.count("\n") + 2


def _blank(match: re.Match[str]) -> str:
    """As many empty lines as a block of code has."""
    return "\n" * match.group().count("\n")


def quoted_in(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a script without its comments."""
    text = re.sub(r"/\*.*?\*/", _blank, path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, re.sub(r"(?<!:)//.*", "", line)


def odd_phrases(path: Path) -> list[str]:
    """Return a line for each odd phrase of a file, with what to write instead."""
    parts = {".py": strings_of, ".md": prose_of, ".ts": quoted_in}[path.suffix](path)
    return [
        f"{path.relative_to(ROOT)}:{line}: {match.group()!r}: say {instead!r}"
        for line, part in parts
        for instead, phrase in PHRASES.items()
        for match in re.finditer(phrase, " ".join(part.split()))
        if not any(right in part for right in RIGHT)
    ]


@pytest.mark.parametrize("files", [SOURCES, PAGES, SCRIPTS], ids=["package", "docs", "page"])
def test_a_thing_has_one_name(files: list[Path]) -> None:
    assert files
    odd = [line for path in files for line in odd_phrases(path)]
    assert not odd, "\n".join(odd)


def test_odd_phrases_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "odd.py"
    module.write_text('"""What the network knows.\n\nAbout 9 points an image."""\nNAME = "is not there"\n')
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    assert [line.split(": ")[-1] for line in odd_phrases(module)] == [
        "say 'per image, per class, per layer'",
        "say 'predicts; assigns class c a probability of p'",
        "say 'does not exist'",
    ]
