"""Categories without catalog or model: photo ids stand for photos, and a model "finds" those of the same remainder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from clipsearch.errors import ClipsearchError
from clipsearch.records import Action, Category, CategoryInfo, Photo, Preview, PreviewHit, Recognition, Step
from clipsearch.ui.categories.access import CategoryAccess, Revision, Scores, ShelfState

Snapshot = tuple[dict[int, Category], dict[int, dict[int, bool]]]


class FakeCategories(CategoryAccess):
    """Every photo has a probability for every category: 0.9 where both leave the same remainder by 6, else 0.3 or 0.1.

    `found` is what the model has found in `refresh`: judgements alone change it no sooner.
    """

    is_read_only = False

    def __init__(self, library) -> None:
        self._access = library
        self.known: dict[int, Category] = {}
        self.judged: dict[int, dict[int, bool]] = {}
        self.past: list[tuple[Step, Snapshot]] = []
        self.future: list[tuple[Step, Snapshot]] = []
        self.recognition: dict[int, Recognition] = {}
        self.refreshed = 0
        self.previewed: list[Category] = []
        self.error: Exception | None = None
        self.known_paths: set[Path] = set()
        self.may_learn = threading.Event()
        self.may_learn.set()
        self.may_preview = threading.Event()
        self.may_preview.set()

    def put(self, *names: str) -> list[int]:
        """Have these categories without a step."""
        ids = [len(self.known) + number for number in range(1, len(names) + 1)]
        self.known |= {id_: Category(id_, name) for id_, name in zip(ids, names, strict=True)}
        return ids

    def state(self) -> ShelfState:
        undoable = self.past[-1][0] if self.past else None
        redoable = self.future[-1][0] if self.future else None
        infos = [self._info(category) for category in self.known.values()]
        return ShelfState(infos, undoable, redoable, self.revision())

    def revision(self) -> Revision:
        return len(self.past), len(self.future)

    def add(self, category: Category, photo_ids: Sequence[int] = ()) -> Category:
        with self._step(Action.ADD, category.name, len(photo_ids)):
            if any(category.name == known.name for known in self.known.values()):
                raise ClipsearchError("Category not added", "There is one of this name.")
            made = replace(category, id=max(self.known, default=0) + 1)
            self.known[made.id] = made
            self.judged[made.id] = dict.fromkeys(photo_ids, True)
            return made

    def change(self, category: Category, seen: Category | None = None) -> Category:
        with self._step(Action.EDIT, category.name, 0):
            now, wanted = self.known[category.id], asdict(category)
            kept = {
                field: getattr(now, field) for field, value in asdict(seen or now).items() if value == wanted[field]
            }
            self.known[category.id] = replace(category, **kept)
            return self.known[category.id]

    def nest(self, category_id: int, parent_id: int | None) -> None:
        with self._step(Action.NEST, self.known[category_id].name, 0):
            self.known[category_id] = replace(self.known[category_id], parent_id=parent_id)

    def remove(self, name: str) -> CategoryInfo:
        info = next(self._info(category) for category in self.known.values() if category.name == name)
        with self._step(Action.REMOVE, name, 0):
            del self.known[info.category.id]
            self.judged.pop(info.category.id, None)
        return info

    def judge(self, category_id: int, photo_ids: Sequence[int], is_member: bool | None) -> None:
        action = {True: Action.ASSIGN, False: Action.REJECT, None: Action.TAKE_BACK}[is_member]
        if category_id not in self.known:
            raise ClipsearchError("Category not found", "This category is gone.")
        with self._step(action, self.known[category_id].name, len(photo_ids)):
            self._judge(category_id, photo_ids, is_member)

    def move(self, source_id: int, target_id: int, photo_ids: Sequence[int]) -> None:
        with self._step(Action.MOVE, self.known[target_id].name, 2 * len(photo_ids)):
            self._judge(source_id, photo_ids, False)
            self._judge(target_id, photo_ids, True)

    def knows(self, paths: Sequence[Path]) -> bool:
        return set(paths) <= self.known_paths

    def assign_paths(self, category_id: int, paths: Sequence[Path]) -> None:
        self.judge(category_id, [int(path.stem.rsplit("_", 1)[1]) for path in paths], True)

    def undo(self, only: Step | None = None) -> Step | None:
        return self._turn(self.past, self.future, only)

    def redo(self, only: Step | None = None) -> Step | None:
        return self._turn(self.future, self.past, only)

    def refresh(self) -> None:
        self.may_learn.wait(5)
        self.refreshed += 1
        if self.error:
            raise self.error

    def member_ids(self, category_id: int) -> Scores:
        ids, scores = self.all_scores(category_id)
        threshold = self.known[category_id].threshold or 0.5
        judged = self.judged.get(category_id, {})
        kept = [(score >= threshold or judged.get(int(id_), False)) for id_, score in zip(ids, scores, strict=True)]
        kept = np.array(kept, bool) & np.array([judged.get(int(id_), True) for id_ in ids], bool)
        return ids[kept], scores[kept]

    def all_scores(self, category_id: int) -> Scores:
        judged = self.judged.get(category_id, {})
        scored = [(self._score(category_id, id_), id_) for id_ in self._access.ids]
        scored.sort(key=lambda pair: (-{True: 1, None: 0, False: -1}[judged.get(pair[1])], -pair[0]))
        return np.array([id_ for _, id_ in scored], np.int64), np.array([score for score, _ in scored], np.float32)

    def judgements(self, category_id: int) -> dict[int, bool]:
        return dict(self.judged.get(category_id, {}))

    def categories_of(self, photo_id: int) -> list[tuple[Category, float, str]]:
        """As in `member_ids`, which keeps the order of the categories."""
        found = []
        for category_id, category in self.known.items():
            ids, scores = self.member_ids(category_id)
            by_user = self.judged.get(category_id, {}).get(photo_id, False)
            places = np.flatnonzero(ids == photo_id)
            found += [(category, float(scores[place]), "user" if by_user else "model") for place in places]
        return found

    def preview(self, category: Category, limit: int) -> Preview:
        self.previewed.append(category)
        self.may_preview.wait(5)
        if category.name == "fail":
            raise RuntimeError("the model fell over")
        threshold = 0.5 if category.threshold is None else category.threshold
        scored = sorted(((self._score(category.id, id_), id_) for id_ in self._access.ids), reverse=True)
        found = [score for score, _ in scored if score >= threshold]
        bars = [(number / 20, (number + 1) / 20, 0) for number in range(20)]
        for score, _ in scored:
            number = min(19, int(score * 20))
            bars[number] = (*bars[number][:2], bars[number][2] + 1)
        hits = [PreviewHit(id_, score) for score, id_ in scored[:limit]]
        return Preview(hits=hits, count=len(found), is_estimate=False, histogram=bars, threshold=threshold)

    def prompts_for(self, name: str) -> list[str]:
        return [f"a photo of {name}", f"people at a {name}"]

    def template_sets(self) -> list[str]:
        return ["default", "imagenet-80"]

    def to_judge(self, category_id: int, count: int = 10) -> list[Photo]:
        judged = self.judged.get(category_id, {})
        return self._access.photos([id_ for id_ in self._access.ids if id_ not in judged][:count])

    def _info(self, category: Category) -> CategoryInfo:
        judged = self.judged.get(category.id, {})
        ids, _ = self.member_ids(category.id)
        assigned = sum(judged.values())
        counts = assigned, len(judged) - assigned, len(ids) - assigned
        return CategoryInfo(category, *counts, self.recognition.get(category.id))

    def _score(self, category_id: int, photo_id: int) -> float:
        is_member = self.judged.get(category_id, {}).get(photo_id)
        if is_member is not None:
            return float(is_member)
        return {0: 0.9, 1: 0.3}.get((photo_id - category_id) % 6, 0.1)

    def _judge(self, category_id: int, photo_ids: Sequence[int], is_member: bool | None) -> None:
        judged = self.judged.setdefault(category_id, {})
        for photo_id in photo_ids:
            if is_member is None:
                judged.pop(photo_id, None)
            else:
                judged[photo_id] = is_member

    def _step(self, action: Action, subject: str, photos: int) -> _Journal:
        return _Journal(self, Step(len(self.past) + len(self.future) + 1, action, subject, photos))

    def snapshot(self) -> Snapshot:
        return dict(self.known), {id_: dict(judged) for id_, judged in self.judged.items()}

    def _turn(
        self, source: list[tuple[Step, Snapshot]], target: list[tuple[Step, Snapshot]], only: Step | None
    ) -> Step | None:
        if not source or only not in (None, source[-1][0]):
            return None
        step, (known, judged) = source.pop()
        target.append((step, self.snapshot()))
        self.known, self.judged = known, judged
        return step


class _Journal:
    """Keeps what was before a step, unless the step fails."""

    def __init__(self, categories: FakeCategories, step: Step) -> None:
        self._categories = categories
        self._step = step
        self._before = categories.snapshot()

    def __enter__(self) -> None:
        if self._categories.error:
            raise self._categories.error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._categories.past.append((self._step, self._before))
            self._categories.future.clear()
