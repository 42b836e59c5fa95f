"""clipsearch finds one's own photos by what is in them."""

__version__ = "0.1.0"
