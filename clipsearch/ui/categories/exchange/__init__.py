"""Taking categories out of the window, and into it: folders, tables, sidecars, keywords, shared files."""
