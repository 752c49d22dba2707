"""The implementation of the public functions: studies, analyses in memory, and their figures and files."""
