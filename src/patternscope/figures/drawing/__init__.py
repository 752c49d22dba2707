"""What figures are drawn with: choices, examples, layout, style, and the record of a figure."""
