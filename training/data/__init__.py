"""Pairs of picture and text: where they come from, and how they become batches."""
