"""Images that a study was given in memory: known to a saved analysis, and not to be read again."""

from patternscope.errors import InputError
from patternscope.images.readers.source import Request, Source, Splits

NAME = "memory"


def open_memory(request: Request) -> Splits:
    """Refuse to read images that were never on the disk."""
    raise InputError("images.source: expected a source on the disk, got images that were in memory alone")


SOURCE = Source(name=NAME, read=open_memory, folder="none", is_offered=False)
