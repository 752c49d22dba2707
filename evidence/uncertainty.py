"""How far a count may be off: over images, seeds of the fit, seeds of the network, thresholds, and unseen images.

python evidence/uncertainty.py [WORD ...]     all studies, or those whose names contain one of the words

Writes runs/evidence/uncertainty: a file a study, uncertainty_counts.csv (a row a fit), uncertainty.csv, tau_sweep.csv,
a figure, section.md.
"""

import sys
from collections.abc import Sequence
from typing import Any

import stability
import torch
from layer_fits import counts, fit_layer, fitted_data, unseen_data
from progress import in_parallel
from reading import layer_files
from resuming import kept
from stability import verdict_stability
from studies import RUNS, EvidenceStudy, ensure, evidence_studies
from uncertainty_table import write_findings

from patternscope.embeddings import importance, region
from patternscope.results.arrays import load_arrays
from patternscope.results.json_csv import read_json

FOLDER = RUNS / "uncertainty"
FITS = 5


def measure(study: EvidenceStudy) -> dict[str, list[dict[str, Any]]]:
    """Counts of every layer and fit on fitted and unseen images, how alike the fits are, and the tau sweep."""
    folder = ensure(study)
    sources = (folder / "training" / "00" / "network.safetensors", importance, region, stability)
    return kept(
        FOLDER / "studies" / f"{study.name}.json", [*sources, f"{FITS} fits"], lambda: _measured(study)
    )


def _measured(study: EvidenceStudy) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {"counts": [], "stability": [], "sweep": []}
    unseen = unseen_data(study)
    for layer in study.layers:
        about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": layer}
        data, verdicts = fitted_data(study, layer), []
        for seed in range(FITS):
            fit = fit_layer(study, data, seed)
            points = fit.points(data)
            verdicts.append(points.mask)
            found["counts"] += [
                {**about, "fit": seed, "on": "fitted", **counts(points)},
                {**about, "fit": seed, "on": "unseen", **counts(fit.points(unseen[layer]))},
            ]
        found["stability"].append({**about, **vars(verdict_stability(torch.stack(verdicts)))})
        swept = read_json(layer_files(study, "knowledge", layer) / "knowledge.json")["sweep"]
        found["sweep"] += [{**about, **row} for row in swept]
    return found


def between_networks(studies: Sequence[EvidenceStudy]) -> list[dict[str, Any]]:
    """How alike the verdicts of networks are that differ in their seed alone."""
    found = []
    for images, network in dict.fromkeys((study.images, study.network) for study in studies):
        mine = [study for study in studies if (study.images, study.network) == (images, network)]
        if len(mine) < 2:
            continue
        for layer in mine[0].layers:
            files = [layer_files(study, "knowledge", layer) / "knowledge.safetensors" for study in mine]
            agreement = verdict_stability(torch.stack([load_arrays(file)["mask"] for file in files]))
            found.append({"images": images, "network": network, "layer": layer, **vars(agreement)})
    return found


def main(words: Sequence[str] = ()) -> None:
    chosen = evidence_studies(words)
    found = {study.name: each for study, each in in_parallel(measure, chosen, lambda study: study.name)}
    parts = {
        name: [row for study in chosen for row in found[study.name][name]]
        for name in ("counts", "stability", "sweep")
    }
    write_findings(FOLDER, **parts, networks=between_networks(chosen))


if __name__ == "__main__":
    main(sys.argv[1:])
