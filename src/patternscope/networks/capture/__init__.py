"""Running a network and capturing its internal values: hooks, forward passes, recordings, layers, Grad-CAM."""
