"""Fit the regional embeddings h = L f / s of a layer and count its knowledge points; see --help."""

from patternscope.nn_visualizer import train_region_emb

if __name__ == "__main__":
    train_region_emb()
