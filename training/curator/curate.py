"""Tables of pairs in, a balanced set without doubles out.

The tables are read twice. First each caption is filtered and matched, and the queries choose their pairs: this needs
no picture, so it is quick, as in MetaCLIP. Then the chosen pairs' pictures are read, and what is small, disagrees
with its caption or is doubled goes. Memory grows with the queries and the chosen pairs, not with all pairs. As
doubles are found last, they take places of a query's share: where many are likely, first make a set with
`pairs_per_query` 0, which chooses all, and then another one out of it.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.curator import queries as query_list
from training.curator import tables
from training.curator.balancing import Balance, Draws, Reservoirs
from training.curator.candidates import Candidate, candidates
from training.curator.looking import Looker, Seen, Tell
from training.curator.matching import Matcher
from training.curator.queries import Query
from training.curator.report import Report, as_text
from training.curator.settings import Settings, check
from training.curator.shards import Shards
from training.errors import TrainingError
from training.writable import check_writable

_TOLD_EVERY = 500_000  # rows


@dataclass(frozen=True, slots=True)
class Form:
    """How the set is written: `kind` is csv, tsv or jsonl; `shards` adds WebDataset shards with the pictures."""

    kind: str = "csv"
    shards: bool = False


def curate(
    sources: Sequence[Path],
    queries: Sequence[Query],
    out: Path,
    settings: Settings,
    form: Form = Form(),
    tell: Tell = lambda _: None,
) -> dict[str, Any]:
    """Make the folder `out`, which must not be there: pairs.csv, queries.tsv, report.json, report.txt, shards/.

    The set's table has the columns of the first pair found, `queries` (those it holds, with semicolons) and, with a
    model, `score`; it names pictures by their full paths. `out` appears whole or not at all. Returns the report.
    Raises TrainingError for settings that make no sense, sources that cannot be read or fit no column, a set without
    a pair and one that cannot be written, PackageError for a model that cannot be read; bad rows and pictures are
    counted and passed over.
    """
    check_place(out)
    check(settings)
    if not queries:
        raise TrainingError("There is no query: give more texts, a lower --least-count, or names.")
    report, balance = Report(len(queries)), _balance(len(queries), settings)
    matcher = Matcher([query.text for query in queries])
    with _timed(report, "matching"):
        columns = _count(candidates(_counted(sources, report, tell), matcher, settings, report.lose), balance)
    if not columns:
        raise TrainingError(_nothing(report, settings))
    with _whole(out) as unfinished:
        with _timed(report, "pictures"):
            again = candidates(tables.read(sources), matcher, settings, _known)
            kept = Looker(settings, report, tell).kept(_chosen(again, balance, report))
            rows = (_fields(seen, queries, settings) for seen in _reported(kept, report))
            _write(rows, [*columns, *(["score"] if settings.model else [])], unfinished, form, settings)
        if not report.kept:
            raise TrainingError(_nothing(report, settings))
        query_list.write(queries, unfinished / "queries.tsv")
        return _told(report, queries, balance, unfinished)


def check_place(out: Path) -> None:
    """Raise TrainingError where a set cannot be made."""
    if out.exists():
        raise TrainingError(f"{out} is there already: name a new folder.")
    check_writable(out)


def _balance(queries: int, settings: Settings) -> Balance:
    way = Reservoirs if settings.balance == "reservoir" else Draws
    return way(queries, settings.pairs_per_query, settings.seed)


def _counted(sources: Sequence[Path], report: Report, tell: Tell) -> Iterator[tables.Row | tables.BadRow]:
    for row in tables.read(sources):
        report.rows += 1
        if report.rows % _TOLD_EVERY == 0:
            tell(f"{report.rows:,} rows read")
        yield row


def _count(pairs: Iterable[Candidate], balance: Balance) -> list[str]:
    """Let the queries see all pairs; return the set's columns, those of the first pair and `queries`."""
    columns: list[str] = []
    for pair in pairs:
        columns = columns or [column for column in pair.row.fields if column not in {"queries", "score"}] + ["queries"]
        balance.count(pair.row.number, pair.queries)
    return columns


def _nothing(report: Report, settings: Settings) -> str:
    """Say why no pair is left: what most were lost by."""
    reasons = [(count, reason) for lost in report.lost.values() for reason, count in lost.items()]
    most = f": {max(reasons)[1]}, as in {report.examples[max(reasons)[1]][0]}" if reasons else ", since there is no row"
    return f"No pair with the columns {settings.picture_column} and {settings.text_column} can be used{most}."


def _known(step: str, reason: str, example: str) -> None:
    """Pass over what was counted when the rows were read first."""


def _chosen(pairs: Iterable[Candidate], balance: Balance, report: Report) -> Iterator[Candidate]:
    for pair in pairs:
        if balance.keeps(pair.row.number, pair.queries):
            yield pair
        else:
            report.lose("balance", "its queries have enough pairs", pair.place)


def _reported(kept: Iterable[Seen], report: Report) -> Iterator[Seen]:
    for seen in kept:
        report.keep(seen.pair.queries)
        yield seen


def _fields(seen: Seen, queries: Sequence[Query], settings: Settings) -> dict[str, str]:
    """Return a row of the set: what its source says, with the picture's full path, and what was found."""
    found = ";".join(queries[number].text for number in seen.pair.queries)
    picture = str(seen.pair.picture.resolve())
    fields = {**seen.pair.row.fields, settings.picture_column: picture, "queries": found}
    return fields if seen.score is None else {**fields, "score": f"{seen.score:.4f}"}


def _write(
    rows: Iterable[dict[str, str]], columns: Sequence[str], folder: Path, form: Form, settings: Settings
) -> None:
    with ExitStack() as files:
        table = files.enter_context(closing(tables.Writer(folder / f"pairs.{form.kind}", columns)))
        shards = files.enter_context(closing(Shards(folder / "shards"))) if form.shards else None
        for fields in rows:
            table.write(fields)
            if shards:
                shards.write(Path(fields[settings.picture_column]), fields[settings.text_column], fields)


def _told(report: Report, queries: Sequence[Query], balance: Balance, folder: Path) -> dict[str, Any]:
    """Write the report, and return it."""
    result = report.to_json(queries, balance.found)
    (folder / "report.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "report.txt").write_text(as_text(result), "utf-8")
    return result


@contextmanager
def _timed(report: Report, part: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    report.seconds[part] = time.monotonic() - begun


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that takes its place at the end; what an interrupted run left in it goes.

    After an error nothing is left. Raises TrainingError where it cannot be written.
    """
    unfinished = out.with_name(out.name + ".part")
    made = [folder for folder in out.absolute().parents if not folder.exists()]
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        unfinished.rename(out)
    except BaseException as error:
        _remove(unfinished, made)
        if isinstance(error, OSError):
            raise TrainingError(f"{out} cannot be made: {error.strerror or error}.") from error
        raise


def _remove(folder: Path, parents: Iterable[Path]) -> None:
    """Remove a folder with what is in it, and those around it as far as they are empty."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        for parent in parents:
            parent.rmdir()
