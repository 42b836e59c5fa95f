"""The parts of the FAISS index: its kinds, its file, exact ranking."""
