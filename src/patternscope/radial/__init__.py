"""The radial distribution, as pure functions: strength says how sure, orientation says of which class."""

from patternscope.radial.bessel import bessel_ratio
from patternscope.radial.concentration import concentration, concentration_per_strength
from patternscope.radial.posterior import concentrated, log_posterior, mean_directions
from patternscope.radial.rotation import procrustes, rotation_angle

__all__ = [
    "bessel_ratio",
    "concentrated",
    "concentration",
    "concentration_per_strength",
    "log_posterior",
    "mean_directions",
    "procrustes",
    "rotation_angle",
]
