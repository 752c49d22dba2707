"""A small study of text files, with checkpoints and layers, for tests of store and runner."""

import sys
import time
from pathlib import Path

from pydantic import BaseModel

from patternscope.errors import InputError
from patternscope.workflow.cache_keys import text_digest
from patternscope.workflow.stages import Axes, Need, Stage, UnitContext


class Toy(BaseModel):
    seed: int = 0
    source: str = "apples"
    length: int = 4
    tau: float = 0.4
    unused: int = 0
    pause: float = 0.0
    bad_layer: str = ""


AXES = Axes(checkpoints=3, layers=("low", "high/er"))


def read(ctx: UnitContext) -> list[str]:
    return [(s.folder / name).read_text() for s in ctx.inputs for name in s.files]


def source(ctx: UnitContext) -> None:
    (ctx.folder / "words.txt").write_text(ctx.settings.source)
    (ctx.folder / "count.txt").write_text(str(len(ctx.settings.source)))


def train(ctx: UnitContext) -> None:
    time.sleep(ctx.settings.pause)
    ctx.report(0.5, "half")
    (ctx.folder / "state.txt").write_text(text_digest(f"{ctx.stage_seed}{ctx.unit.checkpoint}{read(ctx)}"))


def features(ctx: UnitContext) -> None:
    for layer in ("low", "high%2Fer"):
        (ctx.folder / layer).mkdir()
        (ctx.folder / layer / "part-00000").write_text(text_digest(f"{layer}{read(ctx)}"))


def fit(ctx: UnitContext) -> None:
    if ctx.unit.layer == ctx.settings.bad_layer:
        (ctx.folder / "half").write_text("half written")
        raise InputError("layer: no good")
    time.sleep(ctx.settings.pause)
    (ctx.folder / "fit.txt").write_text(text_digest(f"{ctx.seed}{read(ctx)}")[: ctx.settings.length])
    (ctx.folder / "strength.txt").write_text("1.0")


def points(ctx: UnitContext) -> None:
    (ctx.folder / "points.txt").write_text(f"{ctx.settings.tau} {read(ctx)}")


def summary(ctx: UnitContext) -> None:
    (ctx.folder / "summary.txt").write_text("\n".join(read(ctx)))


STAGES = (
    Stage("source", 1, source, ("source",)),
    Stage(
        "train",
        1,
        train,
        ("seed", "pause"),
        (Need("source", ("words.txt",)), Need("train", ("state.txt",), checkpoint="before")),
        per=("checkpoint",),
    ),
    Stage("features", 1, features, (), (Need("train"),), per=("checkpoint",)),
    Stage(
        "fit",
        1,
        fit,
        ("seed", "length", "pause", "bad_layer"),
        (Need("features", ("{layer}/",)),),
        per=("checkpoint", "layer"),
    ),
    Stage(
        "points",
        1,
        points,
        ("tau",),
        (Need("fit", ("fit.txt",)), Need("fit", ("strength.txt",), checkpoint="last")),
        per=("checkpoint", "layer"),
    ),
    Stage("summary", 1, summary, (), (Need("points", checkpoint="all", layer="all"),)),
)


def contents(folder: Path) -> dict[str, bytes]:
    """All bytes of a study's units and study.json: not the journal, which has the times, and not videos."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in {"events.jsonl", ".lock"} and path.suffix != ".mp4"
    }


def main(folder: str, pause: str) -> int:
    """Run the toy study as the command line does: 0, or 2 and one line."""
    from patternscope.workflow.plan import make_plan
    from patternscope.workflow.runner import run_units

    try:
        run_units(Path(folder), make_plan(Toy(pause=float(pause)), STAGES, AXES))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
