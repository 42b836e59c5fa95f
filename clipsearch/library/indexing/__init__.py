"""An indexing run: scan -> compare -> read -> encode -> store, and what is told of it."""
