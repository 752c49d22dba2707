"""Fit the regional embeddings h = L f / s of a layer and count its knowledge points; see --help."""

# Stands for the script of this name in the reference code; patternscope.nn_visualizer does the work.
from patternscope.nn_visualizer import train_region_emb

if __name__ == "__main__":
    train_region_emb()
