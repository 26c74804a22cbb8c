"""This release's number, as PEP 440 writes it."""

__version__ = "0.1.0"
