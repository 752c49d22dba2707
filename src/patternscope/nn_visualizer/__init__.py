"""The reference code's three scripts: sample embeddings, importance weights, regional embeddings of one layer."""

from patternscope.nn_visualizer.scripts import train_importance_weight, train_region_emb, train_sample_emb

__all__ = ["train_importance_weight", "train_region_emb", "train_sample_emb"]
