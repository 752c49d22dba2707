"""Images that were given in memory: a saved analysis records them, but they cannot be read again."""

from patternscope.errors import InputError
from patternscope.images.readers.source import Request, Source, Splits

NAME = "memory"


def open_memory(request: Request) -> Splits:
    """Refuse to read images that were never on disk."""
    raise InputError("images.source: expected a source on disk, got images that were only in memory")


SOURCE = Source(name=NAME, read=open_memory, folder="none", is_offered=False)
