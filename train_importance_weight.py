"""Estimate the region weights w and channel weights v of a layer; see --help."""

from patternscope.nn_visualizer import train_importance_weight

if __name__ == "__main__":
    train_importance_weight()
