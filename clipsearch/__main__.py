"""`python -m clipsearch` is the same as `clipsearch`."""

from clipsearch.cli import main

if __name__ == "__main__":
    main()
