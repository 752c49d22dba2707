"""The commands. Heavy imports wait until a command runs, so that --help answers at once."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from patternscope import __version__

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

LOOPBACK = "127.0.0.1"
Out = Annotated[Path | None, typer.Option("--out", help="Folder of the study.", show_default=False)]
Workers = Annotated[int, typer.Option(help="Processes that share the work; 1 works in this process.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler whose workers share the work, such as tcp://10.0.0.1:8786.",
        show_default=False,
    ),
]
Until = Annotated[str | None, typer.Option(help="Last stage to run, for example features.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
StudyFolder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a study.", show_default=False)]


@app.callback(invoke_without_command=True)
def patternscope(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """See when and where an image classifier learns the patterns by which it tells classes apart.

    Begin with the built-in images, which takes a few minutes:

        patternscope demo

    Then describe a study of your own in a TOML file and run it; a second run does only what changed:

        patternscope run study.toml

        patternscope status runs/study
    """
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def demo(
    out: Out = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    until: Until = None,
    device: Device = "auto",
    full: Annotated[
        bool, typer.Option("--full", help="Also a deletion test, an adversarial attack, and students.")
    ] = False,
) -> None:
    """Study a small network, trained on drawn images.

    Writes into runs/demo unless --out says otherwise. With --full whether the network depends on what is shown,
    what an adversarial attack does and what students learn is studied too; what is there already is not done again.

    Examples: patternscope demo --out /tmp/demo; patternscope demo --full
    """
    from patternscope.cli.running import run_and_print, workers_of
    from patternscope.settings.study import DEMO_FILE, load_settings

    settings, executor = load_settings(DEMO_FILE), workers_of(workers, scheduler)
    settings = settings.with_all_parts() if full else settings
    run_and_print(out or Path("runs/demo"), settings, executor, until=until, device=device)


@app.command()
def run(
    study: Annotated[
        Path, typer.Argument(metavar="STUDY.toml", help="Settings of a study.", show_default=False)
    ],
    out: Out = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    until: Until = None,
    device: Device = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run and take.")] = False,
) -> None:
    """Run a study: what is missing, damaged or made from other settings.

    Writes into runs/NAME for NAME.toml. A run that was stopped or killed goes on where it was. It begins by
    saying what it will take: time on this machine, disk and memory.

    Examples: patternscope run study.toml --workers 2; patternscope run study.toml --until features
    """
    from patternscope.cli.running import all_stages, run_and_print, workers_of
    from patternscope.settings.study import load_settings

    folder, settings = out or Path("runs") / study.stem, load_settings(study)
    if dry_run:
        from patternscope.cli.budgeting import print_dry_run

        print_dry_run(folder, settings, all_stages(settings), until, device)
    else:
        run_and_print(folder, settings, workers_of(workers, scheduler), until=until, device=device)


@app.command()
def status(
    folder: StudyFolder,
    every: Annotated[bool, typer.Option("--all", help="A row for each unit of work.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what of a study is done.

    Each stage, checkpoint and layer is done, dropped (done, its features not kept), running, missing, stale
    (made from other settings) or damaged.

    Examples: patternscope status runs/demo; patternscope status runs/demo --all
    """
    from patternscope.cli.running import all_stages
    from patternscope.cli.status_table import print_status, print_units, status_rows
    from patternscope.study.run import saved_settings, saved_status

    units = saved_status(folder, all_stages(saved_settings(folder)[0]))
    if as_json:
        typer.echo(json.dumps(status_rows(units), indent=1))
    elif every:
        print_units(units)
    else:
        print_status(units)


@app.command()
def layers(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Architecture, or a study's TOML file.", show_default=False)
    ],
    image_size: Annotated[int, typer.Option(help="Pixels a side.")] = 64,
    channels: Annotated[int, typer.Option(help="1 for grey, 3 for colour.")] = 3,
    as_json: AsJson = False,
) -> None:
    """List the layers of a network.

    Name, kind, output, regions, memory, and which to begin with.

    MODEL is vgg16_slim, a torchvision or timm name, package.module:factory, or the TOML file of a study.

    Examples: patternscope layers resnet18 --image-size 224; patternscope layers study.toml --json
    """
    from patternscope.cli.tables import layer_rows, print_layers
    from patternscope.settings.study import load_settings, make_settings
    from patternscope.study.network_factory import study_layers

    if model.endswith(".toml"):
        settings = load_settings(model)
    else:
        content: dict[str, Any] = {
            "network": {"architecture": model},
            "images": {"image_size": image_size, "channels": channels},
        }
        settings = make_settings(content, "layers", Path())
    found, suggested = study_layers(settings)
    if as_json:
        typer.echo(json.dumps(layer_rows(found, suggested), indent=1))
    else:
        print_layers(found, suggested)


@app.command()
def figures(folder: StudyFolder, workers: Workers = 1) -> None:
    """Draw the figures of a study.

    Those whose findings have changed are drawn again; the rest is left as it is. Nothing else is run: what they
    stand on has to be up to date.

    Example: patternscope figures runs/demo
    """
    from patternscope.cli.running import run_part_and_print, workers_of

    run_part_and_print(folder, "figures", workers_of(workers))


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="STUDY_A", help="Folder of a study.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="STUDY_B", help="Folder of another.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write.", show_default=False)] = None,
    maps: Annotated[str, typer.Option(help="auto, own or first: through whose maps B is seen.")] = "auto",
) -> None:
    """Compare two finished studies of the same images.

    Counts of each layer side by side with intervals of their differences, and how far regional embeddings turned.
    Writes into runs/compare-A-B unless --out says otherwise.

    Example: patternscope compare runs/resnet runs/vgg
    """
    from patternscope.cli.comparing import compare_folders

    target = out or Path("runs") / f"compare-{first.resolve().name}-{second.resolve().name}"
    compare_folders(first, second, target, maps)


@app.command()
def report(
    folder: StudyFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where the page goes; by default DIR/report.html.",
            show_default=False,
        ),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also as PDF beside it, by Chromium, Chrome, Edge or WeasyPrint.")
    ] = False,
) -> None:
    """Write a finished study as one page to read, send or print.

    Findings in sentences, each difference said to be within the noise or beyond it; figures, settings, versions,
    and how to cite and to repeat the study. The page is one HTML file that needs no network. Nothing is run
    again: figures that are not up to date are left out, and said.

    Examples: patternscope report runs/demo; patternscope report runs/demo --out demo.html --pdf
    """
    from patternscope.cli.reporting import write_report

    write_report(folder, out, pdf)


@app.command()
def atlas(
    folder: StudyFolder,
    html: Annotated[
        Path | None, typer.Option(help="Also write one HTML file to send.", show_default=False)
    ] = None,
    max_mb: Annotated[
        float | None, typer.Option(help="Largest size of --html, in millions of bytes.", show_default=False)
    ] = None,
    site: Annotated[
        Path | None,
        typer.Option("--folder", help="Also write a folder for a file server.", show_default=False),
    ] = None,
) -> None:
    """Write a study's atlas: a page for the browser.

    It is written into DIR/atlas when its findings have changed; nothing else is run, and what it stands on has to
    be up to date. What does not fit into --max-mb is left out of the file, and said here and on the page.

    Examples: patternscope atlas runs/demo; patternscope atlas runs/demo --html demo.html --max-mb 10
    """
    from patternscope.cli.exporting import export
    from patternscope.cli.running import run_part_and_print
    from patternscope.errors import InputError
    from patternscope.study.run import saved_settings

    if max_mb is not None and html is None:
        raise InputError(
            "--max-mb: goes with --html FILE; for DIR/atlas/atlas.html set max_mb under [atlas] of the study"
        )
    run_part_and_print(folder, "atlas")
    settings, _ = saved_settings(folder)
    export(folder, settings, html=html, max_mb=max_mb, site=site)


@app.command()
def view(
    folder: StudyFolder,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for the whole network.")
    ] = LOOPBACK,
    port: Annotated[int | None, typer.Option(help="Port; by default 8765 or a free one.")] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
) -> None:
    """Show a study's atlas in the browser.

    Serves it to this machine alone until Ctrl-C, and prints how to reach it from another machine.

    Examples: patternscope view runs/demo; patternscope view runs/demo --no-browser --port 9000
    """
    from patternscope.cli.viewing import serve

    serve(folder, host, port, browser)
