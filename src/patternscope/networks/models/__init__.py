"""Networks: built by name or factory, with their normaliser, and their weights from files."""
