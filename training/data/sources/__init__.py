"""Where pairs come from: tables, folders, shards, the user's library, rendered scenes."""
