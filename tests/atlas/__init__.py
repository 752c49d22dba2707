"""Tests of the atlas; a package, so that its fixtures stand beside those of all tests."""
