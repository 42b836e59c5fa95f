"""Frozen records that cross layers; no layer hands its own rows, sessions or tensors to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class FoundFile(NamedTuple):
    """A picture file met while walking a folder: `folder / relative_path`, with what one stat tells of it.

    `partner` is the relative path of the picture that it accompanies: a RAW lies beside its JPEG, the film of a live
    photo beside the photo.
    """

    folder: Path
    relative_path: str
    size_bytes: int
    mtime_ns: int
    partner: str | None = None

    @property
    def path(self) -> Path:
        return self.folder / self.relative_path


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that could not be read while walking, and why, in words for the user."""

    folder: Path
    relative_path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the user added. `offline` means that it cannot be reached now; its photos stay searchable."""

    id: int
    path: Path
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo is its content; `paths` are the places where files with this content lie (never empty, sorted).

    `companions` lie beside them: the RAW of a JPEG, the film of a live photo. `captured_at` is local time by the
    camera's clock, "YYYY-MM-DDTHH:MM:SS[.fff]". `offline`: none of the places can be reached now.
    """

    id: int
    content_hash: str
    width: int
    height: int
    size_bytes: int
    mtime_ns: int
    paths: tuple[Path, ...]
    format: str = ""
    companions: tuple[Path, ...] = ()
    captured_at: str | None = None
    camera: str | None = None
    offline: bool = False

    @property
    def path(self) -> Path:
        return self.paths[0]


class Relevance(StrEnum):
    """How sure a hit is, measured against what the same query scores on unrelated pictures."""

    STRONG = "strong"
    LIKELY = "likely"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo that answers a query. `rank` counts from 1; `score` is the cosine of the two unit vectors."""

    rank: int
    photo: Photo
    score: float
    relevance: Relevance


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder that could not be indexed, and the reason in words a person understands."""

    path: Path
    reason: str


class Stage(StrEnum):
    """What an indexing run is doing."""

    SCANNING = "scanning"
    ENCODING = "encoding"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """What an indexing run has done so far, in files (`problems` counts files and folders not readable now)."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: int = 0


class ChangeKind(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    UPDATED = "updated"
    MOVED = "moved"
    REMOVED = "removed"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Change:
    """One file that an indexing run found changed: `came_from` where it moved, `reason` where it is a problem."""

    kind: ChangeKind
    path: Path
    came_from: Path | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of an indexing run.

    `done` of `total` files have been read and encoded (`total` counts the new and changed files only);
    `photos_per_second` is the recent rate, `seconds_left` the estimate, both None until they are known.
    `changes` are those since the step before; `note` says in a sentence why the run is slowed down or waits.
    """

    stage: Stage
    done: int
    total: int
    counts: IndexCounts
    seconds: float
    photos_per_second: float | None = None
    seconds_left: float | None = None
    changes: tuple[Change, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of a library. `embedded` photos have a vector of the `chosen` model; those without are `pending`, and so
    are files that were found and not read yet.

    `model` is the one that answers; it differs from `chosen` until that has caught up. `note` says so in words, or that
    the model that the user chose is not usable; it is empty when there is nothing to say.
    """

    photos: int
    files: int
    embedded: int
    pending: int
    problems: int
    offline: int
    model: str
    chosen: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that is offered or installed.

    `source` is "starter", "hub" or "imported"; `languages` are ISO 639 codes ("mul": very many); `accuracy` is the
    published zero-shot accuracy on ImageNet in percent; `speed` is "fast", "medium" or "slow" on a CPU ("": not known).
    `chosen` is the one that the library is to be searched with, `answering` the one that answers now: they differ until
    the chosen one has seen all photos. What is not known is None.
    """

    name: str
    title: str
    licence: str
    source: str
    repository: str | None
    revision: str | None
    dim: int
    size_px: int
    languages: tuple[str, ...]
    accuracy: float | None
    speed: str
    needs_conversion: bool
    download_bytes: int | None
    installed: bool
    disk_bytes: int | None
    chosen: bool
    answering: bool
    recommended: bool


@dataclass(frozen=True, slots=True)
class Category:
    """A category that the user invented; the id 0 stands for one that is not in the catalog yet.

    `prompts` say what belongs (none: the name does), `negatives` what is meant not to be, both put into the `templates`
    of one set ("": the one that suits the model). Categories of one `exclusive_group` exclude each other. A photo
    belongs from the probability `threshold` on (None: 0.5). `colour` is "#rrggbb" or "". `shared` holds the weights
    that came with a shared category (see `library/categories/exchange`).
    """

    id: int
    name: str
    parent_id: int | None = None
    prompts: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    templates: str = ""
    exclusive_group: str = ""
    threshold: float | None = None
    colour: str = ""
    shared: str = ""


@dataclass(frozen=True, slots=True)
class Recognition:
    """How a category's examples fare without themselves (leave-one-out): of so many that the user has `put_in`, these
    would be `found`; of so many `taken_out`, these would be taken for members, `mistaken`.

    A kind of which there are too few counts 0.
    """

    put_in: int
    found: int
    taken_out: int
    mistaken: int


@dataclass(frozen=True, slots=True)
class CategoryInfo:
    """A category and its numbers: photos that the user put in (`assigned`) and took out (`rejected`), and that the
    model found beside these (`found`).

    `recognition` is of its examples as of the last `apply`; None for too few.
    """

    category: Category
    assigned: int = 0
    rejected: int = 0
    found: int = 0
    recognition: Recognition | None = None

    @property
    def name(self) -> str:
        return self.category.name

    @property
    def members(self) -> int:
        return self.assigned + self.found


class Action(StrEnum):
    """What a step did that can be undone."""

    ADD = "add"
    EDIT = "edit"
    NEST = "nest"
    REMOVE = "remove"
    ASSIGN = "assign"
    REJECT = "reject"
    TAKE_BACK = "take back"
    MOVE = "move"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Step:
    """A change of categories that can be undone: of the category `subject`, with so many photos judged."""

    id: int
    action: Action
    subject: str
    photos: int


@dataclass(frozen=True, slots=True)
class Member:
    """A photo in a category, with its probability to belong there.

    `source` says who put it there: "user", whose judgement is sure (`score` 1.0), or "model".
    """

    photo: Photo
    score: float
    source: str


@dataclass(frozen=True, slots=True)
class ApplyProgress:
    """One step of putting photos into categories: `done` of `total` photos have been looked at."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ApplyCounts:
    """What putting photos into categories did: the categories brought up to date, the photos looked at for them, and
    the `members` that these categories now have by the model (those put in by the user are not counted)."""

    categories: int
    photos: int
    members: int


class PreviewHit(NamedTuple):
    """A photo that a category which is being typed would find, and its probability to belong there."""

    photo_id: int
    probability: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What a category would find, before it is saved: its best `hits`, best first, whether they reach the threshold or
    not, and the `count` of photos that do, an estimate from a random sample where `is_estimate`.

    `histogram` counts photos by probability, in bins (from, to, photos) that cover 0 to 1 in order; where `is_estimate`
    its counts are scaled to the whole library. `threshold` is the probability from which on a photo belongs.
    """

    hits: Sequence[PreviewHit]
    count: int
    is_estimate: bool
    histogram: Sequence[tuple[float, float, int]]
    threshold: float


@dataclass(frozen=True, slots=True)
class ExchangeProgress:
    """One step of taking photos or keywords out of the library or into it: photos done, of all."""

    done: int
    total: int


class FileCopy(NamedTuple):
    """A file that an export puts into a folder: as a copy ("copy") or another name of the same file ("link").

    "there" says that the same file lies there already.
    """

    source: Path
    target: Path
    how: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did, or would do, and the photos that it could not reach or write."""

    files: tuple[FileCopy, ...]
    problems: tuple[Problem, ...]

    def count(self, how: str) -> int:
        """Return how many files went this way: "copy", "link" or "there"."""
        return sum(file.how == how for file in self.files)


class TableRow(NamedTuple):
    """A file in a category, named with those around it, "Animals|Birds"; `score` and `source` as in `Member`."""

    path: Path
    category: str
    score: float
    source: str


class SidecarChange(NamedTuple):
    """Keywords put into a sidecar, a new one where `is_new`, and taken out again; nested ones as "Animals|Birds"."""

    path: Path
    added: tuple[str, ...]
    removed: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class SidecarReport:
    """What writing sidecars changed, or would change; how many stay as they are; which could not be read or written."""

    changes: tuple[SidecarChange, ...]
    unchanged: int
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class FoundKeyword:
    """A keyword that other programs gave to photos: its `path` from the outermost one, ("Animals", "Birds").

    One that is `own` was written by this program, from a category that this library does not know.
    """

    path: tuple[str, ...]
    photo_ids: tuple[int, ...]
    own: bool = False

    @property
    def name(self) -> str:
        return "|".join(self.path)

    @property
    def photos(self) -> int:
        return len(self.photo_ids)


@dataclass(frozen=True, slots=True)
class KeywordSurvey:
    """The keywords of a library's photos, the most frequent first, and the files that could not be read for them."""

    keywords: tuple[FoundKeyword, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import of keywords did: categories added, and judgements made of so many photos.

    `kept` judgements of the user said otherwise and stand.
    """

    categories: tuple[str, ...]
    photos: int
    judgements: int
    kept: int


@dataclass(frozen=True, slots=True)
class ReceiveReport:
    """The categories of a shared file as they were added, or would be, and its exclusive groups that were taken here:
    what each is called in the file, and here."""

    categories: tuple[Category, ...]
    groups: tuple[tuple[str, str], ...]


class ModelStage(StrEnum):
    """What is being done to make a model ready."""

    DOWNLOADING = "downloading"
    CONVERTING = "converting"
    CHECKING = "checking"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class ModelProgress:
    """One step of making a model ready: bytes done, of a total that may not be known, and the file at hand."""

    stage: ModelStage
    done_bytes: int
    total_bytes: int | None
    file: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome of checking catalog, index and files against each other: one sentence a finding."""

    findings: Sequence[str]
    repaired: Sequence[str] = ()

    @property
    def ok(self) -> bool:
        return not self.findings
