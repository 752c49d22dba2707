"""The sample embedding beside the projections that one would otherwise take, on every network, image set and seed.

python evidence/projections.py [WORD ...]     all studies, or those whose names contain one of the words

Writes runs/evidence/projections/: a file a study, projection_fits.csv (a row a fit), projections.csv (means and
spreads), a figure, section.md.
"""

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import drpr
import projection_methods
import projection_quality
from progress import in_parallel
from projection_methods import PROJECTIONS, is_random, project
from projections_table import write_findings
from reading import EmbeddedLayer, fitted_samples, unseen_samples
from resuming import kept
from studies import RUNS, EvidenceStudy, ensure, evidence_studies

from patternscope.embeddings import sample
from patternscope.knowledge import quality

FOLDER = RUNS / "projections"
FITS = 5  # seeds of each fit that has one
DIM = 3


def compare(study: EvidenceStudy) -> list[dict[str, Any]]:
    """A row for each projection, fit and set of images; what was found before is read."""
    folder = ensure(study)
    sources = (
        folder / "training" / "00" / "network.safetensors",
        sample,
        drpr,
        projection_methods,
        projection_quality,
        quality,
    )

    def rows() -> list[dict[str, Any]]:
        fitted, unseen = fitted_samples(study), unseen_samples(study)
        about = {"images": study.images, "network": study.network, "seed": study.seed}
        return [
            {**about, "projection": name, "fit": fit, "on": on, **measures}
            for name in PROJECTIONS
            for fit in range(FITS if is_random(name) else 1)
            for on, measures in _measured(name, fit, fitted, unseen).items()
        ]

    return kept(FOLDER / "studies" / f"{study.name}.json", [*sources, f"{FITS} fits, {DIM} dimensions"], rows)


def _measured(
    name: str, fit: int, fitted: EmbeddedLayer, unseen: EmbeddedLayer
) -> dict[str, dict[str, float | None]]:
    """The measures of one fit on the samples it was fitted to, and on others where it has a place for them."""
    with warnings.catch_warnings():
        # Isomap's remark on a neighbour graph in several parts, and what libraries say of their own code.
        warnings.simplefilter("ignore")
        projection = project(name, fitted.features, fitted.target_probs, dim=DIM, seed=fit)
        seen = (fitted.features, fitted.logits, fitted.target_probs)
        found = {"fitted": projection_quality.projection_quality(projection, *seen)}
        if projection.transform is not None:
            others = (unseen.features, unseen.logits, unseen.target_probs)
            found["unseen"] = projection_quality.projection_quality(
                projection, *others, fitted_logits=fitted.logits
            )
    return found


def main(words: Sequence[str] = ()) -> None:
    chosen = evidence_studies(words)
    found = {study.name: rows for study, rows in in_parallel(compare, chosen, lambda study: study.name)}
    write_findings(FOLDER, [row for study in chosen for row in found[study.name]])


if __name__ == "__main__":
    main(sys.argv[1:])
