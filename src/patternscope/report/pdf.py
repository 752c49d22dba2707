"""The page as PDF, by whichever converter is installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from patternscope.errors import InputError
from patternscope.results.json_csv import replaced_file

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
CONVERTERS = (*_BROWSERS, "weasyprint")
_SECONDS = 300


def write_pdf(html: str, file: Path, find: Callable[[str], str | None] = shutil.which) -> str:
    """Write an HTML text as PDF, by one rename; return the name of the converter.

    `find` gives a program's path by its name, None where it is not there. InputError when no converter is
    there, and when the one there fails.
    """
    found = next(((name, path) for name in CONVERTERS if (path := find(name)) is not None), None)
    if found is None:
        raise InputError(
            f"pdf: none of {', '.join(CONVERTERS)} is here; install one, or print the page from a browser"
        )
    name, program = found
    with tempfile.TemporaryDirectory(prefix="patternscope-") as place:
        page, made = Path(place, "page.html"), Path(place, "page.pdf")
        page.write_text(html, encoding="utf-8")
        _convert(name, _arguments(name, program, page, made, Path(place, "profile")), made)
        with replaced_file(file) as partial:
            shutil.copyfile(made, partial)
    return name


def _arguments(name: str, program: str, page: Path, made: Path, profile: Path) -> list[str]:
    """The command that makes the PDF."""
    if name == "weasyprint":
        return [program, "--quiet", str(page), str(made)]
    # A browser refuses its sandbox to the superuser; the page has no script and may ask nobody.
    free = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={profile}"]
    return [program, *free, *options, f"--print-to-pdf={made}", page.as_uri()]


def _convert(name: str, command: Sequence[str], made: Path) -> None:
    """Run a converter; InputError when it leaves no PDF."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        said = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if not made.is_file() or made.read_bytes()[:5] != b"%PDF-":
        raise InputError(f"pdf: {name} failed ({said}); print the page from a browser instead")
