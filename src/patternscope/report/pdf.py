"""The page as PDF, made by any installed converter."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from patternscope.atomic import replaced_file
from patternscope.errors import InputError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
CONVERTERS = (*_BROWSERS, "weasyprint")
_SECONDS = 300


def write_pdf(html: str, file: Path, find: Callable[[str], str | None] = shutil.which) -> str:
    """Write an HTML text as PDF, by one rename; return the name of the converter.

    `find` gives a program's path by its name, None if it is not installed. InputError when no converter is
    installed, and when the one used fails.
    """
    name, program = next(((name, path) for name in CONVERTERS if (path := find(name))), (None, None))
    if name is None or program is None:
        raise InputError(
            f"pdf: expected one of {', '.join(CONVERTERS)}, got none; install one, or print the page from a browser"
        )
    with tempfile.TemporaryDirectory(prefix="patternscope-") as folder:
        page, pdf = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8")
        _convert(name, _arguments(name, program, page, pdf), pdf)
        with replaced_file(file) as partial:
            shutil.copyfile(pdf, partial)
    return name


def _arguments(name: str, program: str, page: Path, pdf: Path) -> list[str]:
    """The command that makes the PDF."""
    if name == "weasyprint":
        return [program, "--quiet", str(page), str(pdf)]
    # A browser refuses its sandbox to the superuser; the page has no script and requests nothing.
    free = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    profile = f"--user-data-dir={page.with_name('profile')}"
    options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", profile, f"--print-to-pdf={pdf}"]
    return [program, *free, *options, page.as_uri()]


def _convert(name: str, command: Sequence[str], pdf: Path) -> None:
    """Run a converter; InputError when it leaves no PDF."""
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        reason = (process.stderr.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if not pdf.is_file() or pdf.read_bytes()[:5] != b"%PDF-":
        raise InputError(f"pdf: {name} failed ({reason}); print the page from a browser instead")
