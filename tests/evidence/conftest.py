"""The modules of the evidence import each other by their bare names: their folder comes last on the path."""

import sys
from pathlib import Path

EVIDENCE = Path(__file__).resolve().parents[2] / "evidence"
sys.path.append(str(EVIDENCE))
# The evidence is not part of the package: without its folder there is nothing to test.
collect_ignore_glob = [] if EVIDENCE.is_dir() else ["test_*.py"]
