"""Puts this folder on the import path, so that every test folder can import `naive`."""
