"""How well a model does: zero-shot accuracy, on scenes and on real pictures."""
