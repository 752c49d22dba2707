"""Units of work on disk: declared as stages, planned, run, resumed; knows nothing of images or networks."""
