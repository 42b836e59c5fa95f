"""Which volumes are mounted where, by each system's own tables."""
