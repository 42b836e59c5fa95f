"""`python -m training curate`: its options, and what they make."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import partial
from itertools import chain
from pathlib import Path

from training.curator import queries, settings, tables
from training.curator.language import LANGUAGES
from training.curator.queries import Choice, Query
from training.curator.settings import Settings
from training.errors import TrainingError

_FETCH = """download 39,600 drawings, emoji and clip art with captions from package registries (500 MB) into this
folder, and write pairs.csv there; without TABLE, this is what is curated"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the command's options to its parser."""
    parser.add_argument("tables", type=Path, nargs="*", metavar="TABLE", help="pairs: .csv, .tsv or .jsonl")
    parser.add_argument("--out", type=Path, help="folder of the curated set; it must not be there")
    parser.add_argument("--format", choices=["csv", "tsv", "jsonl"], default="csv", help="of the set's table")
    parser.add_argument("--shards", action="store_true", help="write WebDataset shards with the pictures as well")
    parser.add_argument("--fetch-drawings", type=Path, metavar="FOLDER", help=_FETCH)
    _add_query_options(parser.add_argument_group("queries"))
    _add_caption_options(parser.add_argument_group("captions and balance"))
    _add_picture_options(parser.add_argument_group("pictures"))


def run(options: argparse.Namespace) -> None:
    """Run the command. Raises TrainingError for options that do not go together, and what `curate` raises."""
    if options.out:
        _check(options)
    sources = list(options.tables)
    if options.fetch_drawings:
        from training.curator.drawings.fetch import fetch_drawings

        fetched = fetch_drawings(options.fetch_drawings, tell=print)
        sources = sources or [fetched]
    if options.out:
        _curate(sources, options)
    elif not options.fetch_drawings:
        raise TrainingError("Name the folder of the set with --out.")


def _check(options: argparse.Namespace) -> None:
    """Raise TrainingError for what would end the work only after hours."""
    from training.curator.curate import check_place

    check_place(options.out)
    settings.check(_settings(options))
    _choice(options).check()


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})


def _choice(options: argparse.Namespace) -> Choice:
    return Choice(options.least_count, options.bigrams, options.least_bits, options.most_queries)


def _curate(sources: Sequence[Path], options: argparse.Namespace) -> None:
    from training.curator.curate import Form, curate
    from training.curator.report import as_text

    if not sources:
        raise TrainingError("Name a table of pairs.")
    listed = queries.first_of_each(_queries(sources, options), options.most_queries)
    print(f"{len(listed):,} queries")
    report = curate(sources, listed, options.out, _settings(options), Form(options.format, options.shards), print)
    print(as_text(report), end="")


def _queries(sources: Sequence[Path], options: argparse.Namespace) -> Iterator[Query]:
    """Yield the queries that were asked for; where nothing is said of them, those of the captions themselves."""
    given = [queries.read(options.queries)] if options.queries else []
    named = [queries.names(path) for path in options.names]
    known = [queries.synsets(options.wordnet)] if options.wordnet else []
    read = options.texts or ([] if given or named or known else sources)
    counted = [queries.from_texts(partial(_texts, read, options.text_column), _choice(options))] if read else []
    return chain(*given, *counted, *named, *known)


def _texts(paths: Sequence[Path], column: str) -> Iterator[str]:
    """Yield captions of tables, and lines of other files."""
    for path in paths:
        if tables.is_table(path):
            yield from (row.fields.get(column, "") for row in tables.read([path]) if isinstance(row, tables.Row))
        else:
            yield from tables.lines(path)


Group = argparse._ArgumentGroup  # noqa: SLF001


def _add_query_options(group: Group) -> None:
    default = Choice()
    group.add_argument("--queries", type=Path, help="a list that is ready, a query a line")
    group.add_argument("--texts", type=Path, nargs="+", default=[], help="for words and bi-grams: text files or tables")
    group.add_argument("--names", type=Path, nargs="+", default=[], help="files with a name a line")
    group.add_argument("--wordnet", type=Path, help="WordNet's folder, with index.noun and so on")
    group.add_argument("--least-count", type=int, default=default.least_count, help="of a word or bi-gram in the texts")
    group.add_argument("--bigrams", type=int, default=default.bigrams, help="at most so many")
    group.add_argument("--least-bits", type=float, default=default.least_bits, help="of information in a bi-gram")
    group.add_argument("--most-queries", type=int, default=default.most, help="in all")


def _add_caption_options(group: Group) -> None:
    default = Settings()
    group.add_argument("--picture-column", default=default.picture_column)
    group.add_argument("--text-column", default=default.text_column)
    group.add_argument("--least-characters", type=int, default=default.least_characters)
    group.add_argument("--most-characters", type=int, default=default.most_characters)
    group.add_argument("--least-words", type=int, default=default.least_words)
    group.add_argument("--language", choices=LANGUAGES, default=default.language, help="by script and common words")
    group.add_argument("--pairs-per-query", type=int, default=default.pairs_per_query, help="at most; 0: all")
    group.add_argument("--balance", choices=["reservoir", "probability"], default=default.balance, help=_BALANCE)
    group.add_argument("--seed", type=int, default=default.seed)


_BALANCE = "reservoir: each query has exactly its share; probability: MetaCLIP's, in less memory"


def _add_picture_options(group: Group) -> None:
    default = Settings()
    group.add_argument("--least-side", type=int, default=default.least_side, help="pixels of the shorter side")
    group.add_argument("--most-aspect", type=float, default=default.most_aspect, help="longer side to shorter")
    group.add_argument("--duplicates", choices=["print", "vectors", "none"], default=default.duplicates)
    group.add_argument(
        "--same-print", type=float, default=default.same_print, help="distance of fingerprints, up to which"
    )
    group.add_argument("--same-cosine", type=float, default=default.same_cosine, help="of vectors, from which on")
    group.add_argument("--same-text", type=int, default=default.same_text, help="times a caption may stand; 0: always")
    group.add_argument("--model", type=Path, help="an installed package: scores, and doubles by vectors")
    group.add_argument("--least-score", type=float, default=default.least_score, help="cosine of caption and picture")
    group.add_argument("--workers", type=int, default=default.workers, help="threads that read pictures")
