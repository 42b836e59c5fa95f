"""Disk to pixels: walking folders, decoding pictures in killable workers, thumbnails."""
