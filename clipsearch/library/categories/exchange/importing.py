"""Keywords of other programs -> categories with the user's own judgements, in one step that can be undone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.kinds import is_raw
from clipsearch.files.workers import WorkerPool
from clipsearch.files.xmp.packet import same
from clipsearch.library import roots
from clipsearch.library.categories.exchange.folders import AWAY
from clipsearch.library.categories.exchange.reading import KeywordPath, Places, Tagged, keywords_of
from clipsearch.library.library import Library
from clipsearch.records import (
    Action,
    Category,
    ExchangeProgress,
    FoundKeyword,
    ImportReport,
    KeywordSurvey,
    Photo,
    Problem,
)
from clipsearch.store.tables.history import CategoryEdit, Edit, JudgementEdit

_AT_ONCE = 500
_AHEAD = 64
_LONGEST_NAME = 100
_NAMES_TOLD = 3


def survey(library: Library) -> Generator[ExchangeProgress, None, KeywordSurvey]:
    """Look for the keywords of all photos, in their files and sidecars, and return them, the most frequent first.

    Worker processes read the files, so that a bad one costs no more than a line among the problems, as does a photo
    that cannot be reached. What this program itself wrote into sidecars is no keyword of the user's.
    """
    away = [folder.path for folder in roots.check(library) if folder.offline]
    problems: list[Problem] = []
    collected = _Collected()
    ids = library.catalog.photos.ids()
    settings = library.settings
    pool = WorkerPool(keywords_of, settings.workers, settings.decode_timeout_s, settings.worker_memory_mb, _AHEAD)
    with closing(pool.run(_places(library, ids, away, problems))) as answers:
        for done, (places, answer) in enumerate(answers, 1):
            if isinstance(answer, ClipsearchError):
                problems.append(Problem(places.looked_into[0], answer.message))
            else:
                collected.add(places.photo_id, answer)
                problems += answer.problems
            yield ExchangeProgress(done, len(ids))
    return KeywordSurvey(collected.keywords(), tuple(sorted(problems, key=lambda problem: problem.path)))


def import_keywords(library: Library, keywords: Sequence[FoundKeyword]) -> ImportReport:
    """Make categories of keywords, nested as these are, and put their photos in, as the user's own judgements.

    A category of the name is used where there is one. What the user said otherwise stands. It is one step to undo.
    """
    labels = library.catalog.labels
    judged, plan = labels.all_judgements(), _Plan(labels.all())
    wanted: dict[tuple[int, int], None] = {}
    for keyword in sorted(keywords, key=lambda one: -len(one.path)):  # flat ones may be named by nested ones
        category_id = plan.category(keyword.path)
        wanted |= dict.fromkeys((category_id, photo_id) for photo_id in keyword.photo_ids)
    new = [place for place in wanted if place[1] not in judged.get(place[0], {})]
    kept = sum(judged.get(category_id, {}).get(photo_id) is False for category_id, photo_id in wanted)
    edits: list[Edit] = [*plan.new, *(JudgementEdit(*place, True) for place in new)]
    labels.history.change(Action.IMPORT, _subject(keywords), edits)
    added = tuple(edit.after.name for edit in plan.new if edit.after)
    return ImportReport(added, len({photo_id for _, photo_id in new}), len(new), kept)


class _Collected:
    """The keywords met so far: how each was written, and the photos that have it."""

    def __init__(self) -> None:
        self._spellings: dict[KeywordPath, Counter[KeywordPath]] = defaultdict(Counter)
        self._photos: dict[KeywordPath, list[int]] = defaultdict(list)

    def add(self, photo_id: int, tagged: Tagged) -> None:
        for path in tagged.paths:
            key = tuple(map(same, path))
            self._spellings[key][path] += 1
            self._photos[key].append(photo_id)

    def keywords(self) -> tuple[FoundKeyword, ...]:
        """Return the keywords as they are written most often, the most frequent first."""
        found = []
        for key, photo_ids in self._photos.items():
            path = max(sorted(self._spellings[key]), key=self._spellings[key].__getitem__)
            found.append(FoundKeyword(path, tuple(sorted(photo_ids))))
        return tuple(sorted(found, key=lambda keyword: (-keyword.photos, keyword.path)))


class _Plan:
    """Which category each keyword means, and which are to be made; new ones have negative ids."""

    def __init__(self, categories: Sequence[Category]) -> None:
        self.new: list[CategoryEdit] = []
        self._known = {same(one.name): one for one in categories}

    def category(self, path: KeywordPath) -> int:
        """Return the id of the category that a keyword means: the one of its name, unless that is nested elsewhere."""
        known = self._known.get(same(path[-1]))
        if known is not None and (len(path) == 1 or known.parent_id is None):
            return known.id
        outer = self.category(path[:-1]) if len(path) > 1 else None
        name = next(name for name in _names(path) if self._fits(name, outer))
        known = self._known.get(same(name))
        return known.id if known else self._add(name, outer)

    def _fits(self, name: str, parent_id: int | None) -> bool:
        known = self._known.get(same(name))
        return known is None or known.parent_id == parent_id

    def _add(self, name: str, parent_id: int | None) -> int:
        category = Category(-1 - len(self.new), name, parent_id)
        self.new.append(CategoryEdit(category.id, category))
        self._known[same(name)] = category
        return category.id


def _names(path: KeywordPath) -> Iterator[str]:
    """Yield what the category of a keyword may be called: names are taken once, wherever they are nested."""
    yield path[-1]
    for number in count(1):
        rest = f" ({path[-2] if number == 1 else number})"[: _LONGEST_NAME // 2]
        yield path[-1][: _LONGEST_NAME - len(rest)] + rest


def _places(library: Library, ids: Sequence[int], away: Sequence[Path], problems: list[Problem]) -> Iterator[Places]:
    """Yield where to look for each photo's keywords; one that is out of reach is a problem."""
    for start in range(0, len(ids), _AT_ONCE):
        for photo in library.catalog.photos.get(ids[start : start + _AT_ONCE]):
            if places := _places_of(photo, away):
                yield places
            else:
                problems.append(Problem(photo.path, AWAY))


def _places_of(photo: Photo, away: Sequence[Path]) -> Places | None:
    def near(paths: Sequence[Path]) -> list[Path]:
        return [path for path in paths if not any(path.is_relative_to(folder) for folder in away)]

    places = near(photo.paths)
    negatives = [path for path in near(photo.companions) if is_raw(path.name)]
    return Places(photo.id, (*places[:1], *negatives), tuple(places[1:])) if places else None


def _subject(keywords: Sequence[FoundKeyword]) -> str:
    """Return what the step is called: the names of some of the keywords."""
    names = [keyword.path[-1] for keyword in keywords[:_NAMES_TOLD]]
    return ", ".join(names) + (" …" if len(keywords) > _NAMES_TOLD else "")
