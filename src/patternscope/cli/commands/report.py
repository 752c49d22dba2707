"""`patternscope report`."""

from pathlib import Path
from typing import Annotated

from patternscope.cli.options import StudyFolder, html_file, option
from patternscope.errors import InputError

REPORT_FILE = "report.html"
_OUT = f"HTML file to write; by default DIR/{REPORT_FILE}."
_PDF = "Also write a PDF next to it, by Chromium, Chrome, Edge or WeasyPrint."


def report(
    folder: StudyFolder,
    out: Annotated[Path | None, option("--out", _OUT, metavar="FILE")] = None,
    pdf: Annotated[bool, option("--pdf", _PDF)] = False,
) -> None:
    """Write a finished study as one page to read, send or print.

    The page has the results in sentences, each difference marked as within the noise or beyond it; figures, settings
    and versions; and how to cite and reproduce the study. It is one HTML file that works offline. Nothing is run:
    figures that are not up to date are omitted and listed.

    Examples: patternscope report runs/demo; patternscope report runs/demo --out demo.html --pdf
    """
    from patternscope.api.study_page import read_study_page
    from patternscope.atomic import replaced_file
    from patternscope.cli.printing import file_size, say, tell
    from patternscope.report import render, write_pdf
    from patternscope.report.formatting import counted
    from patternscope.workflow.disk_errors import plain_errors

    file = folder / REPORT_FILE if out is None else html_file(out, "--out")
    page = read_study_page(folder)
    try:
        with plain_errors(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with replaced_file(file) as partial:
                partial.write_text(render(page), encoding="utf-8", newline="\n")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        got = f"the folder {file}" if file.is_dir() else f"the file {file.parent}"
        raise InputError(f"--out: expected a file such as DIR/{REPORT_FILE}, got {got}") from error
    for finding in page.findings:
        tell(finding.sentence)
    if page.omitted_figures:
        tell(
            f"omitted, since not drawn or not up to date: {counted(len(page.omitted_figures), 'figure')} "
            f"({', '.join(page.omitted_figures)}); `patternscope figures {folder}` draws them"
        )
    say(f"{file}: {file_size(file.stat().st_size)}")
    if pdf:
        with plain_errors(file):
            converter = write_pdf(render(page, for_print=True), file.with_suffix(".pdf"))
        say(f"{file.with_suffix('.pdf')}: by {converter}")
