"""What a picture file may be, and how each kind becomes upright sRGB pixels."""
