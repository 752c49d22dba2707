"""`python -m patternscope`: the same as the command `patternscope`."""

from patternscope.cli import main

if __name__ == "__main__":
    main()
