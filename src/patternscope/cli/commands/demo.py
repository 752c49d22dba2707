"""`patternscope demo`."""

from typing import Annotated

from patternscope.cli.options import Device, Out, Scheduler, Until, option

_WORKERS = 2  # while one trains the network, the other analyses the finished checkpoints


def demo(
    out: Out = None,
    workers: Annotated[
        int | None,
        option("--workers", f"Processes that share the work, by default {_WORKERS}; 1 works in this process."),
    ] = None,
    scheduler: Scheduler = None,
    until: Until = None,
    device: Device = "auto",
    full: Annotated[bool, option("--full", "Also run every optional part of a study.")] = False,
) -> None:
    """Run a study of a small network, trained on built-in images.

    Writes into runs/demo unless --out says otherwise. --full adds two more networks, trained from other seeds, a
    deletion test, which shows whether the network depends on the knowledge points, the patterns of each class, an
    adversarial attack, and distilled students. What is up to date is reused.

    Examples: patternscope demo --out /tmp/demo; patternscope demo --full
    """
    from patternscope.api.running import RUNS
    from patternscope.cli.running import run_and_print
    from patternscope.settings.study import DEMO_FILE, load_settings

    settings = load_settings(DEMO_FILE)
    settings = settings.with_all_parts() if full else settings
    if workers is None:
        workers = _WORKERS if scheduler is None else 1
    folder = out or RUNS / "demo"
    run_and_print(folder, settings, workers=workers, scheduler=scheduler, until=until, device=device)
