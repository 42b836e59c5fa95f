"""Keywords of other programs -> categories with the user's own judgements, in one step that can be undone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import count
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.kinds import is_raw
from clipsearch.files.workers import WorkerPool
from clipsearch.files.xmp.packet import same
from clipsearch.library import roots
from clipsearch.library.categories.exchange.folders import AWAY
from clipsearch.library.categories.exchange.placement import as_keyword
from clipsearch.library.categories.exchange.reading import KeywordPath, Places, Tagged, keywords_of
from clipsearch.library.categories.limits import LONGEST_NAME
from clipsearch.library.categories.nesting import refuse_too_deep
from clipsearch.library.categories.suggesting import prompts_for
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
_NAMES_TOLD = 3

_Key = tuple[KeywordPath, bool]  # a keyword in the letters that all its spellings have in common, and whether it is own


def survey(library: Library) -> Generator[ExchangeProgress, None, KeywordSurvey]:
    """Look for the keywords of all photos, in their files and sidecars, and return them, the most frequent first.

    Worker processes read the files, so that a bad one costs no more than a line among the problems, as does a photo
    that cannot be reached. What this program itself wrote into sidecars is told apart, as `FoundKeyword.own`, and only
    where no category here has its name: it may be what a model had found, and the library knows its own categories.
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
    known = _by_name(library.catalog.labels.all())
    keywords = (one for one in collected.keywords() if not one.own or same(one.path[-1]) not in known)
    return KeywordSurvey(tuple(keywords), tuple(sorted(problems, key=lambda problem: problem.path)))


def import_keywords(library: Library, keywords: Sequence[FoundKeyword]) -> ImportReport:
    """Make categories of keywords, nested as these are, and put their photos in, as the user's own judgements.

    A category of the name is used where there is one; a new one looks for what its name suggests. What the user said
    otherwise stands. It is one step to undo. Raises ClipsearchError where they would be nested too deep.
    """
    labels = library.catalog.labels
    judged, known = labels.all_judgements(), labels.all()
    plan = _Plan(known, partial(prompts_for, library))
    wanted: dict[tuple[int, int], None] = {}
    for keyword in sorted(keywords, key=lambda one: -len(one.path)):  # flat ones may be named by nested ones
        category_id = plan.category(keyword.path)
        wanted |= dict.fromkeys((category_id, photo_id) for photo_id in keyword.photo_ids)
    refuse_too_deep([*known, *(edit.after for edit in plan.new if edit.after)])
    new = [place for place in wanted if place[1] not in judged.get(place[0], {})]
    kept = sum(judged.get(category_id, {}).get(photo_id) is False for category_id, photo_id in wanted)
    edits: list[Edit] = [*plan.new, *(JudgementEdit(*place, True) for place in new)]
    labels.history.change(Action.IMPORT, _subject(keywords), edits)
    added = tuple(edit.after.name for edit in plan.new if edit.after)
    return ImportReport(added, len({photo_id for _, photo_id in new}), len(new), kept)


class _Collected:
    """The keywords met so far: how each was written, and the photos that have it."""

    def __init__(self) -> None:
        self._spellings: dict[_Key, Counter[KeywordPath]] = defaultdict(Counter)
        self._photos: dict[_Key, list[int]] = defaultdict(list)

    def add(self, photo_id: int, tagged: Tagged) -> None:
        for paths, own in ((tagged.paths, False), (tagged.own, True)):
            for path in paths:
                key = tuple(map(same, path)), own
                self._spellings[key][path] += 1
                self._photos[key].append(photo_id)

    def keywords(self) -> tuple[FoundKeyword, ...]:
        """Return the keywords as they are written most often, the most frequent first."""
        found = []
        for key, photo_ids in self._photos.items():
            path = max(sorted(self._spellings[key]), key=self._spellings[key].__getitem__)
            found.append(FoundKeyword(path, tuple(sorted(photo_ids)), own=key[1]))
        return tuple(sorted(found, key=lambda keyword: (-keyword.photos, keyword.path, keyword.own)))


class _Plan:
    """Which category each keyword means, and which are to be made; new ones have negative ids."""

    def __init__(self, categories: Sequence[Category], prompts_for: Callable[[str], Sequence[str]]) -> None:
        self.new: list[CategoryEdit] = []
        self._known = _by_name(categories)
        self._prompts_for = prompts_for

    def category(self, path: KeywordPath) -> int:
        """Return the id of the category that a keyword means: the one of its name, unless that is nested elsewhere."""
        known = self._known.get(same(path[-1]))
        if known is not None and (len(path) == 1 or known.parent_id is None):
            return known.id
        outer = self.category(path[:-1]) if len(path) > 1 else None
        name = next(name for name in _names(path) if self._fits(name, outer))
        known = self._known.get(same(name))
        return known.id if known else self._add(name, outer, path[-1])

    def _fits(self, name: str, parent_id: int | None) -> bool:
        known = self._known.get(same(name))
        return known is None or known.parent_id == parent_id

    def _add(self, name: str, parent_id: int | None, meaning: str) -> int:
        category = Category(-1 - len(self.new), name, parent_id, tuple(self._prompts_for(meaning)))
        self.new.append(CategoryEdit(category.id, category))
        self._known[same(name)] = category
        return category.id


def _by_name(categories: Sequence[Category]) -> dict[str, Category]:
    """Return categories by what keywords of theirs have in common, however these are written."""
    return {same(as_keyword(one.name)): one for one in categories}


def _names(path: KeywordPath) -> Iterator[str]:
    """Yield what the category of a keyword may be called: names are taken once, wherever they are nested."""
    yield path[-1]
    for number in count(1):
        rest = f" ({path[-2] if number == 1 else number})"[: LONGEST_NAME // 2]
        yield path[-1][: LONGEST_NAME - len(rest)] + rest


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
