"""Fit the sample embeddings g = M f / s of a layer's network; see --help."""

# Stands for the script of this name in the reference code; patternscope.nn_visualizer does the work.
from patternscope.nn_visualizer import train_sample_emb

if __name__ == "__main__":
    train_sample_emb()
