"""Results of the stage atlas: the page of a study, and the parts that did not fit into one file."""

from pathlib import Path

from patternscope.results.result import Result, record

ATLAS_FILE, STORE_FOLDER = "atlas.html", "store"


class AtlasResult(Result):
    """One HTML file of `size` bytes and what it omits; or why there is none, if even the smallest was too large."""

    STAGE = "atlas"

    size: int | None = record("atlas", key="bytes")
    omitted: tuple[str, ...] = record("atlas", key="left_out")
    refused: str | None = record("atlas")

    @staticmethod
    def html_file(study: Path) -> Path:
        """Return the path of the HTML file in a study's folder."""
        return study / AtlasResult.STAGE / ATLAS_FILE

    @staticmethod
    def store_folder(study: Path) -> Path:
        """Return the path of the zarr store in a study's folder."""
        return study / AtlasResult.STAGE / STORE_FOLDER
