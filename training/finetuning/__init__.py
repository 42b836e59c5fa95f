"""Fits a model to a data set of the user's without forgetting what it knew."""
