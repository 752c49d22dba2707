"""Tools for drawing figures: choices, examples, layout, style, and the record of a figure."""
