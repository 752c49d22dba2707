"""What the stages of a study write, as typed objects, and the reader of a study."""
