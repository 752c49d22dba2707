"""The concentrations of the paper: the defaults of every function and estimator above."""

# Largest concentration of the embeddings of samples and of regions.
SAMPLE_KAPPA_MAX = 10.0
REGION_KAPPA_MAX = 1000.0
# Sharpness of the target similarity, kappa_p.
TARGET_KAPPA = 5.0

MOST_KAPPA = 1e9
"""The largest concentration: beyond it neighbouring strengths and numbers of float32 are the same."""
