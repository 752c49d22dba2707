"""One file per image source, with a record of its name, its options and its reader."""
