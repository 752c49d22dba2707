"""`patternscope atlas`."""

from pathlib import Path
from typing import Annotated

from patternscope.cli.options import StudyFolder, html_file, option
from patternscope.errors import InputError


def atlas(
    folder: StudyFolder,
    html: Annotated[Path | None, option("--html", "Also write one HTML file to send.")] = None,
    max_mb: Annotated[float | None, option("--max-mb", "Largest size of --html, in millions of bytes.")] = None,
    site: Annotated[Path | None, option("--folder", "Also write a folder for a file server.")] = None,
) -> None:
    """Write a study's atlas: a page for the browser.

    Writes DIR/atlas if the results that it shows have changed. These must be up to date; no other stage is run.
    What does not fit into --max-mb is omitted from the file, and listed here and on the page.

    Examples: patternscope atlas runs/demo; patternscope atlas runs/demo --html demo.html --max-mb 10
    """
    from patternscope.atlas.page import write_folder
    from patternscope.atlas.stage import store_of
    from patternscope.cli.printing import file_size, say
    from patternscope.cli.running import run_part_and_print

    if max_mb is not None and html is None:
        raise InputError(
            "--max-mb: expected --html FILE as well; for DIR/atlas/atlas.html set max_mb under [atlas] of the study"
        )
    if html is not None:
        html_file(html, "--html")
    run_part_and_print(folder, "atlas")
    if html is not None:
        _write_file(folder, html, max_mb)
    if site is not None:
        write_folder(store_of(folder), site)
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        say(f"{site}: {file_size(size)}; show it with any file server, for example")
        say(f"    python -m http.server --bind 127.0.0.1 --directory {site}")


def _write_file(study: Path, html: Path, max_mb: float | None) -> None:
    """Write one HTML file, and print its size and what it omits; InputError when it cannot be made small enough."""
    from patternscope.atlas.export import export_single
    from patternscope.atlas.reading import read_content
    from patternscope.atlas.stage import store_of
    from patternscope.cli.printing import file_size, say
    from patternscope.results.study import open_results
    from patternscope.study.run import saved_settings

    settings, _ = saved_settings(study)
    architecture, resamples = settings.network.architecture, settings.knowledge.bootstrap
    content = read_content(open_results(study), architecture=architecture, resamples=resamples)
    limit = settings.atlas.max_mb if max_mb is None else max_mb
    exported = export_single(content, store_of(study), html, limit)
    for line in (file_size(exported.size), *exported.omitted):
        say(f"{html}: {line}")
