"""`clipsearch` and `python -m clipsearch`. Imports wait until it runs, since each worker process loads this module."""


def main() -> None:
    """Run the command line."""
    from clipsearch.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
