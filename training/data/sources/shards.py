"""Pairs from WebDataset shards: tar archives in which the files of a pair lie side by side ("17.jpg", "17.txt").

Shards are named with braces, "train-{0000..0099}.tar", "::" between several groups, and "*" in local ones. Besides
local files everything is opened that the webdataset library opens: http(s), and object storage by its own programs,
as in "gs://bucket/train-{0000..0099}.tar" (gsutil), or "pipe:aws s3 cp s3://bucket/train-{0000..0099}.tar -". The shell
runs what stands behind "pipe:", so a run that somebody else wrote should be read first.

A process reads its own shards in some lanes side by side, each of which goes through its part of them again and again,
every time in another order, through a buffer that shuffles. A lane has its fixed places in each batch, as many for a
shard as any other. So what a step gets depends on the number of processes (unless there are few shards), but never on
that of workers, which share the lanes among them. The buffers hold at most 8,192 undecoded pairs a process: half a
gigabyte of usual pictures.

Where not one of a lane's shards can be read, it goes through the process's others instead, and tries its own again
after them. Only then may a batch hold a pair twice, as another lane reads the same shard.

A run that is resumed reads undecoded up to where it was: at most one round to count a lane's steps, and a part of
another one. That is exact as long as the shards can be read as they could before. How many steps a round has is
remembered nowhere: it is known only to the worker that reads the lane, and would have to be written, and believed,
beside each checkpoint. Where a round is long, `data.resampled` needs no such count (`resampling.py`).
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import webdataset
from webdataset.shardlists import expand_urls
from webdataset.tariterators import group_by_keys, tar_file_expander

from clipsearch.files.kinds import is_picture
from training.data.pairs import Pair
from training.data.tabular import decoded
from training.errors import TrainingError
from training.run import Data

MOST_LANES, ENOUGH_LANES = 16, 4  # of a process; with fewer than enough, workers have nothing to share
UNEVEN = 1.1  # at most so much more often than another comes a shard of the same process, if places allow it
SHUFFLED = 512  # undecoded pairs that a lane holds to draw from
BORROWED = 64  # pairs of each shard that may stand for bad ones, so that the buffer mixes some shards

Item = TypeVar("Item", Pair, Pair | str)

_TEXT_SUFFIXES = ("txt", "caption")
_BLOCK_BYTES = 2**16
_STATUS = re.compile(r": exit (\d+) \(read\)")  # as the webdataset library says it


@dataclass(frozen=True, slots=True)
class Piece:
    """What a lane gives to a step: pairs, not decoded yet, and what was found broken on the way."""

    pairs: list[Pair]
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lane:
    """Some shards, read without end, `size` pairs a step; they go to the places of its batch from `first` on.

    `others` are those of the process's other lanes, which are read where there is no pair in these.
    """

    urls: Sequence[str]
    others: Sequence[str]
    first: int
    size: int
    seed: int
    text_key: str

    def pieces(self, step: int) -> Iterator[Piece]:
        """Yield what each step gets from this one on; what came before is read past, but not decoded.

        A round through the shards always has the same number of steps, so only the first round, and what came before
        in the last one, need to be read. Raises TrainingError if there is no pair in any shard of the process.
        """
        round_, to_skip = 0, step
        while True:
            steps = 0
            for piece in self._round(round_):
                steps += 1
                if steps > to_skip:
                    yield piece
            round_, to_skip = round_ + 1, max(0, to_skip - steps)
            round_, to_skip = round_ + to_skip // steps, to_skip % steps

    def borrowed(self, step: int) -> Iterator[Pair]:
        """Yield pairs of the other lanes' shards, in a step's own order."""
        return borrowed(self.others, self.text_key, f"borrowed/{self.seed}/{self.first}/{step}")

    def _round(self, number: int) -> Iterator[Piece]:
        """Yield the steps of one way through the shards, without the pairs at the end that fill none.

        So no step sees a pair twice, unless the shards hold less than a step's pairs: then they are read again.
        """
        piece, ready = Piece([]), None
        for again in range(self.size):
            found = False
            for item in self._items(f"shards/{self.seed}/{self.first}/{number}/{again}"):
                if isinstance(item, str):
                    piece.told.append(item)
                    continue
                found = True
                piece.pairs.append(item)
                if len(piece.pairs) == self.size:
                    if ready:
                        yield ready
                    piece, ready = Piece([]), piece
            if ready:
                ready.told.extend(piece.told)
                yield ready
                return
            if not found:
                raise no_pair_in(self.urls, piece.told)

    def _items(self, seed: str) -> Iterator[Pair | str]:
        """Yield what is in the lane's shards; where that is no pair, what is in all others, each as often."""
        found = False
        for item in self._shuffled(self.urls, seed):
            found = found or isinstance(item, Pair)
            yield item
        if not found and self.others:
            yield f"{_some(self.urls)}: No pair could be read; the process's other shards are read instead."
            yield from self._shuffled(self.others, seed)

    def _shuffled(self, urls: Sequence[str], seed: str) -> Iterator[Pair | str]:
        dice = random.Random(seed)
        return shuffled(read(dice.sample(urls, len(urls)), self.text_key), dice)


def lanes_of(data: Data, rank: int, world: int, batch: int, seed: int) -> list[Lane]:
    """Split the shards among processes, and those of each among its lanes; return a process's.

    Each shard of a process gets as many places as any other, as nearly as whole places allow. Raises TrainingError if
    there are fewer shards than processes.
    """
    urls = urls_of(data.path)
    if len(urls) < world:
        raise TrainingError(f"{world} processes need as many shards or more, not {len(urls)}; split them further.")
    own = urls[len(urls) * rank // world : len(urls) * (rank + 1) // world]
    places = batch // world
    cuts = _cuts(len(own), places)
    lanes = []
    for start, end in pairwise(cuts):
        first, last = (places * cut // len(own) for cut in (start, end))
        others = own[:start] + own[end:]
        lanes.append(Lane(own[start:end], others, places * rank + first, last - first, seed, data.text_column))
    return lanes


def _cuts(shards: int, places: int) -> list[int]:
    """Return where a process's shards are cut into lanes: the most lanes that are even, else the most even ones."""
    most = min(MOST_LANES, shards, places)
    ways = [
        [-(-shards * lane // lanes) for lane in range(lanes + 1)]
        for lanes in range(most, min(ENOUGH_LANES, most) - 1, -1)
    ]
    even = (cuts for cuts in ways if _unevenness(cuts, places) <= UNEVEN)
    return next(even, None) or min(ways, key=lambda cuts: _unevenness(cuts, places))


def _unevenness(cuts: Sequence[int], places: int) -> float:
    """Return how many times as often the most frequent shard comes as the rarest, at these cuts."""
    shards = cuts[-1]
    rates = [(places * end // shards - places * start // shards) / (end - start) for start, end in pairwise(cuts)]
    return max(rates) / min(rates) if all(rates) else math.inf


def urls_of(path: str) -> list[str]:
    """Return the shards that a name with braces and "*" stands for. Raises TrainingError if there are none."""
    try:
        named: list[str] = expand_urls(path)
    except (AssertionError, ValueError) as error:  # an unknown variable, or braces that do not close
        raise TrainingError(f"The shards {path} are not understood ({error}).") from error
    urls = [url for name in named for url in ([name] if "*" not in name or _is_remote(name) else _matching(name))]
    if not any(urls):
        raise TrainingError(f"There are no shards {path}.")
    return urls


def read(urls: Sequence[str], text_key: str) -> Iterator[Pair | str]:
    """Yield the pairs of some shards in order, not decoded, and a sentence for whatever cannot be used."""
    for url in urls:
        told: list[str] = []
        damage: list[str] = []
        try:
            with closing(_open(url)) as stream:
                for sample in _samples(url, stream, told, damage):
                    yield from drained(told)
                    yield _pair(sample, text_key)
                if not damage and not _is_at_end(url, stream):
                    damage.append(f"{url}: The archive is damaged; what comes after the damage cannot be read.")
        except Exception as error:  # whatever a damaged archive, a network or a program raises costs this shard only
            damage = [f"{url}: {_in_words(error)}"]  # in place of what has followed from it
        yield from (*told, *damage[-1:])  # one damage may be noticed at several places


def shuffled(items: Iterator[Item], dice: random.Random) -> Iterator[Item]:
    """Mix what comes near one another, through a buffer of SHUFFLED."""
    mixed: Iterator[Item] = webdataset.shuffle(SHUFFLED, initial=SHUFFLED, rng=dice)(items)
    return mixed


def borrowed(urls: Sequence[str], text_key: str, seed: str) -> Iterator[Pair]:
    """Yield pairs to stand for bad ones: the first of each shard, mixed, since any shard may hold none but bad ones."""
    dice = random.Random(seed)
    items = (item for url in dice.sample(urls, len(urls)) for item in islice(read([url], text_key), BORROWED))
    return (item for item in shuffled(items, dice) if isinstance(item, Pair))


def no_pair_in(urls: Sequence[str], told: Sequence[str]) -> TrainingError:
    """Return an error for shards in which there is no pair; `told` is what is wrong with them."""
    why = f" ({told[0]})" if told else ""
    return TrainingError(f"No pair could be read from the shards {_some(urls)}{why}, nor from others.")


def _samples(url: str, stream: BinaryIO, told: list[str], damage: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield an archive's samples; add what is wrong with one to `told`, and what ends the archive to `damage`."""

    def tell(error: Exception, sentences: list[str]) -> bool:
        sentences.append(f"{url}: {_in_words(error)}")
        return True

    files = tar_file_expander([{"url": url, "stream": stream}], handler=partial(tell, sentences=damage))
    samples: Iterator[Mapping[str, Any]] = group_by_keys(files, handler=partial(tell, sentences=told))
    return samples


def _pair(sample: Mapping[str, Any], text_key: str) -> Pair | str:
    """Return a sample as a pair, or a sentence for one that has no picture or no text."""
    key = f"{sample['__url__']}/{sample['__key__']}"
    pictures = [suffix for suffix in sample if not suffix.startswith("__") and is_picture(f".{suffix}")]
    text = _text(sample, text_key)
    if not pictures or text is None:
        return f"{key}: It has no {'text' if pictures else 'picture'}."
    picture = min(pictures, key=lambda suffix: suffix.count("."))  # "jpg" rather than "mask.png"
    return Pair(sample[picture], text, key)


def _text(sample: Mapping[str, Any], text_key: str) -> str | None:
    for suffix in _TEXT_SUFFIXES:
        if suffix in sample:
            return decoded(sample[suffix])
    try:
        values = json.loads(sample.get("json", b"null"))
    except (ValueError, RecursionError):
        return None
    found = (values.get(text_key), values.get("caption")) if isinstance(values, dict) else ()
    return next((text for text in found if isinstance(text, str)), None)


def _open(url: str) -> BinaryIO:
    remote: BinaryIO = webdataset.gopen(url) if _is_remote(url) else Path(url).open("rb")  # noqa: SIM115 - by the caller
    return remote


def _is_remote(url: str) -> bool:
    scheme, colon, _ = url.partition(":")
    return bool(colon) and len(scheme) > 1 and scheme.isalnum()  # a single letter is a drive of Windows


def _matching(pattern: str) -> list[str]:
    path = Path(pattern)
    return sorted(map(str, path.parent.glob(path.name)))


def _is_at_end(url: str, stream: BinaryIO) -> bool:
    """Tell whether only filling is left of an archive, which tarfile leaves without a word at a damaged heading."""
    if not url.endswith(".tar"):
        return True  # what is left of a compressed one cannot be told
    while block := stream.read(_BLOCK_BYTES):
        if any(block):
            return False
    return True


def _some(urls: Sequence[str]) -> str:
    return ", ".join(urls[:3])


def drained(told: list[str]) -> list[str]:
    """Empty a list, and return what was in it."""
    taken = told[:]
    told.clear()
    return taken


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"It cannot be read: {error.strerror}."
    if status := _STATUS.search(str(error)):
        return f"The program that fetches it ended with status {status[1]}."
    if "no gopen handler" in str(error):  # as the webdataset library says it
        return 'Nothing here opens such an address; name a program, as in "pipe:aws s3 cp s3://bucket/a.tar -".'
    return f"It is damaged or cannot be read ({error.args[0] if error.args else type(error).__name__})."
