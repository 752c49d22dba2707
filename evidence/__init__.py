"""Is what patternscope shows true? Measurements of the method, one folder per claim (README.md)."""
