"""Units of work on disk: declared as stages, planned, run, resumed; independent of images and networks."""
