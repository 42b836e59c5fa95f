"""Which category each number key puts photos into. A key stays with its category when others come and go."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QSettings

DIGITS = range(1, 10)


class NumberKeys:
    """The keys of one library's categories, remembered in the settings of the window once `restore` has said where.

    The key of a category that is gone waits for it, as its removal may be undone, until one without a key needs it.
    """

    def __init__(self) -> None:
        self._holders: dict[int, int] = {}  # category by digit
        self._present: Collection[int] = ()
        self._store: QSettings | None = None
        self._name = ""

    def restore(self, store: QSettings, library: Path) -> None:
        """Give the categories of a library the keys that they had last time, and keep in `store` what changes."""
        self._store = store
        self._name = f"number_keys/{hashlib.sha256(os.fsencode(os.path.abspath(library))).hexdigest()[:16]}"
        stored = str(store.value(self._name, "")).split("-")
        self._holders = {digit: int(part) for digit, part in zip(DIGITS, stored, strict=False) if part.isdecimal()}

    @property
    def digits(self) -> dict[int, int]:
        """The digits by category."""
        return {holder: digit for digit, holder in sorted(self._holders.items()) if holder in self._present}

    def category(self, digit: int) -> int | None:
        """Return the id of the category that a digit stands for, None where it stands for none."""
        holder = self._holders.get(digit)
        return holder if holder in self._present else None

    def give(self, category_ids: Sequence[int]) -> None:
        """These are the categories now: those without a key get the free ones, in this order."""
        self._present = frozenset(category_ids)
        before = dict(self._holders)
        unused = [digit for digit in DIGITS if digit not in self._holders]
        left = [digit for digit in DIGITS if self._holders.get(digit) not in {None, *self._present}]
        without = [one for one in category_ids if one not in self._holders.values()]
        self._holders |= dict(zip([*unused, *left], without, strict=False))
        if self._store is not None and self._holders != before:
            self._store.setValue(self._name, "-".join(str(self._holders.get(digit, "")) for digit in DIGITS))
