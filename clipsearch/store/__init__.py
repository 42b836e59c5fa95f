"""The truth on disk: the catalog, and the vector index that is rebuilt from it."""
