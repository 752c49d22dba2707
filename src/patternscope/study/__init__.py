"""A study on disk: settings, stages, the store, and running what has to be run."""
