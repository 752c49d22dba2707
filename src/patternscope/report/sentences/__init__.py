"""Results in sentences: pure functions of results; the first sentence of each part is its headline."""
