"""What changes when a layer is fitted again: other halves of the images, another seed, another number of threads.

python -m evidence repeats [--studies WORD ...]

Writes into runs/evidence/repeats: repeats.csv (a row per layer and repetition), repeats_layers.csv, section.md.
"""

from collections.abc import Iterator, Sequence

from evidence import cross_fits
from evidence.cross_fits import JudgedLayer, judge, judged_layer, likelihood_fit, sample_frame, worth
from evidence.measurements import Measurement, code_of
from evidence.repeats.section import write
from evidence.studies import RUNS, SEEDS, CountedStudy, counted_studies
from evidence.tables import Row
from patternscope.embeddings import SampleEmbedding, likelihood, region, sample
from patternscope.embeddings.settings import dimensions
from patternscope.knowledge.folds import assign_folds
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults
from patternscope.study.fitting import fit_region
from patternscope.workflow.programs import limited_threads

DIVISIONS = 5


def measure_repeats(study: CountedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer and division of the images, and for two threads; with what another seed moves."""
    features = results.load(FeaturesResult)
    frame = sample_frame(features, dimensions("auto", len(results.classes)))
    return [row for name in study.layers for row in _rows_of_layer(study, results, name, features, frame)]


def _rows_of_layer(
    study: CountedStudy, results: StoredResults, name: str, features: FeaturesResult, frame: SampleEmbedding
) -> Iterator[Row]:
    images = results.images
    about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": name}
    about["moved_by_seed"] = _moved_by_seed(study, results, judged_layer(results, name, features), frame)
    for division in range(DIVISIONS):
        fold = assign_folds(images.labels, 2, identity=images.identity, seed=division)
        layer = judged_layer(results, name, features, fold)
        yield {**about, "division": division, "threads": 1, **_worth_on_threads(1, layer, frame)}
        if division == 0:
            yield {**about, "division": division, "threads": 2, **_worth_on_threads(2, layer, frame)}


def _worth_on_threads(threads: int, layer: JudgedLayer, frame: SampleEmbedding) -> Row:
    with limited_threads(threads):
        return worth(judge(likelihood_fit(layer, frame.mean_directions), layer, frame.mean_directions), layer)


def _moved_by_seed(study: CountedStudy, results: StoredResults, layer: JudgedLayer, frame: SampleEmbedding) -> float:
    """The largest change of any entry of the map of all images by another seed of the fit."""
    maps = [
        fit_region(
            study.settings(region={"seed": seed}).region,
            layer.regional,
            layer.target_probs,
            frame,
            None,
            results.images,
            study.seed,
        ).map
        for seed in (0, 1)
    ]
    return float((maps[0] - maps[1]).abs().max())


MEASUREMENT = Measurement("repeats", measure_repeats, code_of(likelihood, region, sample, cross_fits))


def main(words: Sequence[str] = ()) -> None:
    studies = counted_studies(words, seeds=SEEDS)
    rows = MEASUREMENT.of_all(studies)
    write(RUNS / "repeats", [row for study in studies for row in rows[study]])
