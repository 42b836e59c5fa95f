"""Categories that the user invents: zero-shot from words, then taught by the user's own judgements."""
