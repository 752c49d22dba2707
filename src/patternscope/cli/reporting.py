"""What `patternscope report` does: write a study's page, and say its headlines."""

from pathlib import Path

from patternscope.cli.printing import file_size, say
from patternscope.errors import InputError
from patternscope.report import read_page, render, write_pdf
from patternscope.results.json_csv import replaced_file
from patternscope.workflow.store import plain_errors

REPORT_FILE = "report.html"


def write_report(folder: Path, out: Path | None, pdf: bool) -> None:
    """Write the page of a study, and with `pdf` the same as PDF beside it; print the headlines and the files.

    InputError as `read_page` and `write_pdf`, and for a place that cannot be written.
    """
    page, file = read_page(folder), out or folder / REPORT_FILE
    if file.is_dir():
        raise InputError(f"--out: {file} is a folder, wanted a file such as {file / REPORT_FILE}")
    _make_folder(file.parent)
    with plain_errors(file), replaced_file(file) as partial:
        partial.write_text(render(page), encoding="utf-8", newline="\n")
    for sentence in page.headlines:
        say(sentence)
    for name in page.not_drawn:
        say(f"figure {name}: not up to date, left out; `patternscope figures {folder}` draws it")
    say(f"{file}: {file_size(file.stat().st_size)}")
    if pdf:
        with plain_errors(file):
            by = write_pdf(render(page, for_print=True), file.with_suffix(".pdf"))
        say(f"{file.with_suffix('.pdf')}: by {by}")


def _make_folder(folder: Path) -> None:
    """Make a folder where there is none; InputError when a file is in its way."""
    try:
        with plain_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(f"--out: a file is in the place of the folder {folder}") from error
