"""What `patternscope atlas` writes outside the study."""

from pathlib import Path

import typer

from patternscope.atlas.export import export_single
from patternscope.atlas.page import write_folder
from patternscope.atlas.reading import read_content
from patternscope.atlas.stage import store_of
from patternscope.cli.printing import file_size
from patternscope.results.findings import open_findings
from patternscope.settings.study import StudySettings


def export(
    folder: Path, settings: StudySettings, *, html: Path | None, max_mb: float | None, site: Path | None
) -> None:
    """Write one HTML file, a folder, or both, and print their sizes and what is left out.

    InputError when a limit or a place cannot be kept to.
    """
    store = store_of(folder)
    if html is not None:
        limit = settings.atlas.max_mb if max_mb is None else max_mb
        exported = export_single(read_content(open_findings(folder), settings), store, html, limit)
        typer.echo(f"{html}: {file_size(exported.size)}")
        for line in exported.left_out:
            typer.echo(f"{html}: {line}")
    if site is not None:
        write_folder(store, site)
        size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        typer.echo(f"{site}: {file_size(size)}; show it with any file server, for example")
        typer.echo(f"    python -m http.server --bind 127.0.0.1 --directory {site}")
