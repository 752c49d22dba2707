"""`patternscope diff`."""

from pathlib import Path
from typing import Annotated

import typer

from patternscope.cli.options import AsJson, argument, option

PAGE_FILE, JSON_FILE = "diff.html", "diff.json"
_FAIL_ON = (
    "Exit with 1 where a number falls (limit with a minus) or rises by more than a limit, beyond the noise: "
    "evidence:LAYER:-0.05, reliable:*:-0, accuracy:-0.02. May be repeated."
)


def diff(
    first: Annotated[str, argument("A", "Folder of a study, or FOLDER@STEP for one of its checkpoints.")],
    second: Annotated[str, argument("B", "The same of another study, or of another checkpoint.")],
    out: Annotated[Path | None, option("--out", "Folder of the page and the JSON.")] = None,
    fail_on: Annotated[list[str] | None, option("--fail-on", _FAIL_ON, metavar="CONDITION")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two studies of the same images, or two checkpoints.

    Accuracy, evidence and knowledge points of each layer, a ledger of what was learnt, kept and forgotten, and the
    images that changed; differences with intervals that include all noise the studies have measured. Writes diff.html
    and diff.json into runs/diff-A-B unless --out says otherwise.

    Exit code 0: passed; 1: a condition is met beyond the noise; 2: bad input.

    Example: patternscope diff runs/before runs/after --fail-on "evidence:*:-0.05"
    """
    from patternscope.api.running import RUNS
    from patternscope.atomic import replaced_file
    from patternscope.cli.printing import say
    from patternscope.cli.tables.difference import print_difference
    from patternscope.report.diff_page import read_diff_page, render_diff
    from patternscope.results.conditions import judge, parse_condition
    from patternscope.results.json_csv import json_text, write_json
    from patternscope.results.record_codec import encode
    from patternscope.study.difference import diff_studies
    from patternscope.workflow.disk_errors import plain_errors

    conditions = [parse_condition(text) for text in fail_on or []]
    difference, sides = diff_studies(first, second)
    verdicts = judge(difference, conditions)
    target = out or RUNS / f"diff-{difference.first}-{difference.second}"
    content = {**encode(difference), "conditions": encode(verdicts), "passes": not any(v.holds for v in verdicts)}
    page = render_diff(read_diff_page(difference, sides, verdicts))
    with plain_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        with replaced_file(target / JSON_FILE) as partial:
            write_json(partial, content)
        with replaced_file(target / PAGE_FILE) as partial:
            partial.write_text(page, encoding="utf-8", newline="\n")
    if as_json:
        say(json_text(content).rstrip())
    else:
        print_difference(difference, verdicts)
        say(str(target / PAGE_FILE))
    if not content["passes"]:
        raise typer.Exit(1)
