"""patternscope: when and where an image classifier learns the patterns by which it tells classes apart."""

__version__ = "0.1.0"
