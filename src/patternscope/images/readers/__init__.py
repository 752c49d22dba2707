"""One file per image source, whose record says what it is called, what it takes and how it is read."""
