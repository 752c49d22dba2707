"""The radial distribution as pure functions: strength expresses certainty, orientation the class."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.radial.bessel import bessel_ratio
    from patternscope.radial.kappa import concentration, concentration_per_strength
    from patternscope.radial.posterior import concentrated, log_posterior, mean_directions
    from patternscope.radial.rotation import procrustes, rotation_angle
    from patternscope.radial.view import arrangement, separating_axes, shown_share
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "bessel": ("bessel_ratio",),
            "kappa": ("concentration", "concentration_per_strength"),
            "posterior": ("concentrated", "log_posterior", "mean_directions"),
            "rotation": ("procrustes", "rotation_angle"),
            "view": ("arrangement", "separating_axes", "shown_share"),
        },
    )
