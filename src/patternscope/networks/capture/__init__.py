"""Running a network and taking what passes inside it: hooks, forward passes, recordings, layers, Grad-CAM."""
