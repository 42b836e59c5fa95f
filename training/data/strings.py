"""Many strings in two blocks of memory: millions of captions that worker processes can be given in a moment."""

from __future__ import annotations

from array import array
from collections.abc import Iterable


class Strings:
    """Strings by number. Unlike a list of them, they take their bytes and 8 more each, and pickle as two blocks."""

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self._text, self._ends = bytearray(), array("q", [0])
        for one in strings:
            self.append(one)

    def append(self, string: str) -> None:
        """Add one, which may hold what is no Unicode, as file names and JSON do."""
        self._text += string.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        """Return a string by its number from 0. Raises IndexError."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        return self._text[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")
