"""Which patterns of a study a new image has."""

from torch import Tensor

from patternscope.knowledge.patterns import regions_like, unit_features
from patternscope.results.features import FeaturesResult, RegionalFeatures, read_rows
from patternscope.results.fits import RegionResult
from patternscope.results.look import FoundPattern
from patternscope.results.patterns import PatternsResult
from patternscope.results.study import StoredResults


def patterns_in(results: StoredResults, layer: str, regional: Tensor) -> tuple[FoundPattern, ...] | None:
    """Return the patterns of a layer that an image with these features (1, k, h, w) has, as `LookedLayer.patterns`.

    Cost: the features of the images that have patterns are read once for each pattern.
    """
    if layer not in results.layers(PatternsResult):
        return None
    kept = results.load(FeaturesResult, results.checkpoints(RegionResult)[-1]).regional
    if layer not in kept.layers or not isinstance(kept, RegionalFeatures):
        return None
    found, own, rows = results.load(PatternsResult, layer=layer), unit_features(regional)[0], []
    features = kept.open(layer)
    for place, pattern in enumerate(found.patterns):
        samples, regions = found.members(place)
        images, at = samples.unique(return_inverse=True)
        members = unit_features(read_rows(features, images, "cpu"))[at, regions]
        count, expected = int(regions_like(own, members).sum()), pattern.background * len(own)
        if count > expected:
            rows.append(FoundPattern(pattern.class_name, pattern.number, pattern.title, count, expected))
    return tuple(sorted(rows, key=lambda row: -row.regions))
