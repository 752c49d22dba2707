"""`patternscope run`."""

from pathlib import Path
from typing import Annotated

from patternscope.cli.options import Device, Exchange, Out, Scheduler, Until, Workers, argument, option


def run(
    study: Annotated[Path, argument("STUDY.toml", "Settings of a study.")],
    out: Out = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    exchange: Exchange = None,
    until: Until = None,
    device: Device = "auto",
    dry_run: Annotated[bool, option("--dry-run", "Only print what would run, and its estimated cost.")] = False,
) -> None:
    """Run a study, and reuse what is up to date.

    Writes into runs/NAME for NAME.toml unless --out says otherwise. A run that was stopped or killed continues where
    it was. The estimated time on this machine, disk and memory are printed first.

    Examples: patternscope run study.toml --workers 2; patternscope run study.toml --until features
    """
    from patternscope.api.running import RUNS
    from patternscope.cli.budgeting import print_dry_run
    from patternscope.cli.running import run_and_print
    from patternscope.settings.study import load_settings

    folder, settings = out or RUNS / study.stem, load_settings(study)
    if dry_run:
        print_dry_run(folder, settings, until, device)
    else:
        run_and_print(
            folder, settings, workers=workers, scheduler=scheduler, exchange=exchange, until=until, device=device
        )
