"""Everything the window asks of the library about taking categories in and out; every method may block."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

from clipsearch.records import (
    ExchangeProgress,
    ExportReport,
    FoundKeyword,
    ImportReport,
    KeywordSurvey,
    ReceiveReport,
    SidecarReport,
)
from clipsearch.ui.library_access import LibraryAccess


class ExchangeAccess:
    """The categories `category_ids` of an open library, and what is nested in them. Failures are ClipsearchError."""

    def __init__(self, library: LibraryAccess) -> None:
        self._access = library

    def export(
        self, category_ids: Sequence[int], target: Path, *, link: bool, mine: bool, dry_run: bool
    ) -> Generator[ExchangeProgress, None, ExportReport]:
        """Put photos into folders; with `dry_run`, tell what would be done."""
        from clipsearch.library.categories.exchange import folders

        return folders.export(self._access.opened, category_ids, target, link=link, mine=mine, dry_run=dry_run)

    def write_sidecars(
        self, category_ids: Sequence[int], *, mine: bool, naming: str, dry_run: bool
    ) -> Generator[ExchangeProgress, None, SidecarReport]:
        """Write keywords beside the photos; with `dry_run`, tell what would be done."""
        from clipsearch.library.categories.exchange import sidecars

        return sidecars.write_xmp(self._access.opened, category_ids, mine=mine, naming=naming, dry_run=dry_run)

    def write_table(self, file: Path, category_ids: Sequence[int] | None) -> int:
        """Write a table in the format of the file's suffix; return its rows."""
        from clipsearch.library.categories.exchange import tables

        form = "json" if file.suffix.lower() == ".json" else "csv"
        return tables.write_table(self._access.opened, file, form, category_ids)

    def survey(self) -> Generator[ExchangeProgress, None, KeywordSurvey]:
        """Collect the keywords that other programs gave to the photos."""
        from clipsearch.library.categories.exchange import importing

        return importing.survey(self._access.opened)

    def import_keywords(self, keywords: Sequence[FoundKeyword]) -> ImportReport:
        """Make categories of keywords, in one step."""
        from clipsearch.library.categories.exchange import importing

        return importing.import_keywords(self._access.opened, keywords)

    def share(self, category_ids: Sequence[int], file: Path) -> int:
        """Write categories to a file for others; return its size in bytes."""
        from clipsearch.library.categories.exchange import sharing

        return sharing.share(self._access.opened, category_ids, file)

    def receive(self, file: Path) -> ReceiveReport:
        """Add the categories of a shared file, in one step."""
        from clipsearch.library.categories.exchange import sharing

        return sharing.receive(self._access.opened, file)
