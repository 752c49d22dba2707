"""Fit the sample embeddings g = M f / s of a layer's network; see --help."""

from patternscope.nn_visualizer import train_sample_emb

if __name__ == "__main__":
    train_sample_emb()
