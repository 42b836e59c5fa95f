"""Real drawings with captions: which packages of the registries hold them, and how each says what they show."""
