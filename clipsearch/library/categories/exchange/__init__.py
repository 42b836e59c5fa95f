"""Categories in and out: folders, tables, XMP sidecars, keywords of other programs, files to share."""
