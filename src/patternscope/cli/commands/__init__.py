"""The commands of `patternscope`, one per file; each imports what it runs only when it runs."""
