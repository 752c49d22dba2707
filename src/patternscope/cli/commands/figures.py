"""`patternscope figures`."""

from patternscope.cli.options import StudyFolder, Workers


def figures(folder: StudyFolder, workers: Workers = 1) -> None:
    """Draw the figures of a study.

    Figures whose results have changed are drawn again; the others are reused. Nothing else is run: the results that
    they show have to be up to date.

    Example: patternscope figures runs/demo
    """
    from patternscope.cli.running import run_part_and_print

    run_part_and_print(folder, "figures", workers)
