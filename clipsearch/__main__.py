"""`clipsearch` and `python -m clipsearch`. Imports wait until it runs, since each worker process loads this module."""


def main() -> None:
    """Run the command line."""
    import os
    import sys

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads spin: beside busy programs more take far longer
    try:
        from clipsearch.cli import main as command_line
    except KeyboardInterrupt:
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
