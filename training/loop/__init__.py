"""The training loop and its parts: optimiser, precision, accumulation, processes, checkpoints, logs."""
