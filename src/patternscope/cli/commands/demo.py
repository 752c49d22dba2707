"""`patternscope demo`."""

from typing import Annotated

from patternscope.cli.options import Device, Out, Scheduler, Until, Workers, option


def demo(
    out: Out = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    until: Until = None,
    device: Device = "auto",
    full: Annotated[bool, option("--full", "Also run every optional part of a study.")] = False,
) -> None:
    """Run a study of a small network, trained on built-in images.

    Writes into runs/demo unless --out says otherwise. --full adds a deletion test, which shows whether the network
    depends on the knowledge points, an adversarial attack, and distilled students; what is up to date is reused.

    Examples: patternscope demo --out /tmp/demo; patternscope demo --full
    """
    from patternscope.api.running import RUNS
    from patternscope.cli.running import run_and_print
    from patternscope.settings.study import DEMO_FILE, load_settings

    settings = load_settings(DEMO_FILE)
    settings = settings.with_all_parts() if full else settings
    folder = out or RUNS / "demo"
    run_and_print(folder, settings, workers=workers, scheduler=scheduler, until=until, device=device)
