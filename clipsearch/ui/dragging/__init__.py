"""Drag and drop: what is dragged, how that looks, and what a drop on a place does."""
