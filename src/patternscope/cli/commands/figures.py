"""`patternscope figures`."""

from patternscope.cli.options import StudyFolder, Workers


def figures(folder: StudyFolder, workers: Workers = 1) -> None:
    """Draw the figures of a study.

    Figures whose results have changed are drawn again; the others are reused. The results that they show must be up to
    date; no other stage is run.

    Example: patternscope figures runs/demo
    """
    from patternscope.cli.running import run_part_and_print

    run_part_and_print(folder, "figures", workers)
