"""Sounds of the Heart: an instrument that listens to a heart and sings it back."""

__version__ = "0.1.0"
