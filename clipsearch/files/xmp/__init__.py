"""XMP sidecars: the keywords in them, read and merged, and nothing else in them touched."""
