"""Estimate the region weights w and channel weights v of a layer; see --help."""

# Stands for the script of this name in the reference code; patternscope.nn_visualizer does the work.
from patternscope.nn_visualizer import train_importance_weight

if __name__ == "__main__":
    train_importance_weight()
