"""Pixels or text to unit vectors in one common space."""
