"""Following the disk: each system's events become places to be looked at again."""
