"""`patternscope look`."""

from pathlib import Path
from typing import Annotated

from patternscope.cli.options import argument, option
from patternscope.errors import InputError

_PATTERNS = 3  # of a layer, those with most regions
_OUT = "Picture to write; by default IMAGE's name with _look.png, in the current folder."


def look(
    image: Annotated[Path, argument("IMAGE", "A picture.")],
    study: Annotated[Path, option("--study", "Folder of a finished study.", metavar="DIR")],
    out: Annotated[Path | None, option("--out", _OUT, metavar="FILE")] = None,
) -> None:
    """Analyse one new image with the network and the maps of a study.

    For each layer: the class for which its regions have the most evidence, the evidence of the predicted class, the
    number of knowledge points, the classes of the most similar regions of the study's images, and the patterns that it
    has. The study is not changed.

    Example: patternscope look cat.png --study runs/demo
    """
    from patternscope.atomic import replaced_file
    from patternscope.cli.printing import new_table, say, show
    from patternscope.figures.drawing.look import draw
    from patternscope.results.formatting import number
    from patternscope.study.look import look_at
    from patternscope.workflow.disk_errors import plain_errors

    found, file = look_at(study, image), out or Path(f"{image.stem}_look.png")
    if file.is_dir():
        raise InputError(f"--out: expected a file such as look.png, got the folder {file}")
    table = new_table("layer", "most of", "bits", "bits of predicted", "points", "nearest", texts=2)
    for row in found.rows():
        bits = [number(float(row[name])) for name in ("bits", "bits_of_predicted")]
        table.add_row(str(row["layer"]), str(row["class"]), *bits, str(row["points"]), str(row["nearest"]))
    sure = number(float(found.probability[found.predicted]))
    say(f"the network predicts {found.classes[found.predicted]}, probability {sure}")
    show(table)
    for layer in found.layers:
        for pattern in (layer.patterns or ())[:_PATTERNS]:
            counts = f"{pattern.regions} of {len(layer.points)} regions, by chance {number(pattern.expected)}"
            say(f"{layer.layer} has the pattern {pattern.title}: {counts}")
    with plain_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(file) as partial:
            draw(found).savefig(partial, format="png", dpi=150, metadata={"Software": None})
    say(f"{file}")
