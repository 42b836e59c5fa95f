"""The two kinds of FAISS index, and which one suits a library; nothing else touches FAISS.

| kind       | holds of a photo     | bytes at 512 dims | scores    | why                                             |
|------------|----------------------|-------------------|-----------|-------------------------------------------------|
| Exact      | the vector in fp16   | 1,024 + 8         | final     | no reading besides it; quickest while small     |
| Compressed | two bits a dimension | 128 + 8           | estimates | a million photos are scanned in 6 ms and 137 MB |

`Compressed` is a product quantiser of two dimensions to four bits in FAISS's fast-scan layout, in an inverted file of
a single list, since that one takes ids, filters and removals. Its codebook is fixed instead of trained: after a random
rotation every component of a unit vector is nearly normal with variance 1/dim, whatever the pictures show and however
the library grows, and the best four levels for that are known (J. Max, Quantizing for minimum distortion, IRE
Transactions on Information Theory 1960, table I). Cells of a trained inverted file would lose photos, as texts lie
elsewhere than pictures. How good an estimate is turns out while its candidates are ranked (see `ranking`). Measured in
tests/benchmarks/README.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, BinaryIO, ClassVar

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Vectors = npt.NDArray[np.float32]
Found = list[tuple[Ids, Vectors]]

#: At this many photos both kinds answer equally quickly; from there on, the exact one is slower and needs the memory.
COMPRESSED_FROM = 50_000
#: A library shrinks to this before it turns back, so that one at the border does not change to and fro.
EXACT_BELOW = 25_000

_LEVELS = np.array([-1.5104, -0.4528, 0.4528, 1.5104], np.float32)  # of a normal component, in standard deviations
_ROTATION = 5  # seed
_AT_ONCE = 8192  # vectors decoded at a time


class IndexKind(ABC):
    """A FAISS index of unit vectors under photo ids. Not safe to use from several threads."""

    #: What the index file calls it.
    name: ClassVar[str]
    #: Scores are final; otherwise they are estimates, and candidates are to be ranked by their real vectors.
    is_exact: ClassVar[bool]
    #: What the index holds of a unit vector is nearer to it than this.
    error: ClassVar[float]

    def __init__(self, index: Any) -> None:
        """Take a FAISS index of this kind."""
        self._index = index

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dim(self) -> int:
        return int(self._index.d)

    @classmethod
    @abstractmethod
    def empty(cls, dim: int) -> IndexKind:
        """Return an index without photos."""

    @classmethod
    def from_stream(cls, stream: BinaryIO) -> IndexKind:
        """Return the index whose bytes `to_bytes` made. Raises RuntimeError."""
        faiss = load_faiss()
        return cls(faiss.read_index(faiss.PyCallbackIOReader(stream.read)))

    def to_bytes(self) -> npt.NDArray[np.uint8] | None:
        """Return what the index file holds; None for a kind that is made from the catalog each time."""
        faiss = load_faiss()
        data: npt.NDArray[np.uint8] = faiss.serialize_index(self._index)
        return data

    @abstractmethod
    def ids(self) -> Ids:
        """Return the photo ids, int64 [n], in the order of the index."""

    @abstractmethod
    def decoded(self) -> Iterator[tuple[Ids, Vectors]]:
        """Yield (photo ids, what the index holds of their vectors, float32 [m, dim]) piece by piece."""

    def add(self, ids: Ids, vectors: npt.NDArray[np.floating[Any]]) -> None:
        """Add photos that are not in it yet; `vectors` are unit vectors [n, dim]."""
        load_faiss()
        self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)

    def remove(self, ids: Ids) -> None:
        """Remove photos; one pass over the ids in the index, however many are to go."""
        if len(ids):
            load_faiss()
            self._index.remove_ids(ids)

    def search(self, queries: Vectors, count: int, only: Ids | None) -> Found:
        """Return (ids, scores) of at most `count` photos for each of `queries`, best first; of `only`, if given."""
        count = min(count, len(self) if only is None else len(only))
        if count <= 0:
            return [(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries]
        load_faiss()
        scores, ids = self._index.search(queries, count, params=self._only(only))
        return [(row[row >= 0], score[row >= 0]) for row, score in zip(ids, scores, strict=True)]

    def _only(self, ids: Ids | None) -> Any:
        """Return FAISS's search parameters that leave out all photos but these, by a bitmap."""
        faiss = load_faiss()
        if ids is None:
            return None
        flags = np.zeros(int(ids.max()) + 1, np.bool_)
        flags[ids] = True
        return self._parameters(sel=faiss.IDSelectorBitmap(np.packbits(flags, bitorder="little")))

    def _parameters(self, **values: Any) -> Any:
        faiss = load_faiss()
        return faiss.SearchParameters(**values)


class Exact(IndexKind):
    """Every vector in half precision, the precision that the catalog keeps."""

    name, is_exact, error = "exact", True, 0.01

    @classmethod
    def empty(cls, dim: int) -> Exact:
        faiss = load_faiss()
        flat = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        return cls(faiss.IndexIDMap(flat))

    def ids(self) -> Ids:
        faiss = load_faiss()
        return np.asarray(faiss.vector_to_array(self._index.id_map), np.int64)

    def decoded(self) -> Iterator[tuple[Ids, Vectors]]:
        ids = self.ids()
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            yield part, self._index.index.reconstruct_n(start, len(part))


class Compressed(IndexKind):
    """Two bits a dimension."""

    name, is_exact, error = "compressed", False, 0.6

    @classmethod
    def empty(cls, dim: int) -> Compressed:
        faiss = load_faiss()
        width = dim + dim % 2
        rotation = faiss.RandomRotationMatrix(dim, width)
        rotation.init(_ROTATION)
        one_list = faiss.IndexFlatIP(width)
        one_list.add(np.zeros((1, width), np.float32))
        codes = faiss.IndexIVFPQFastScan(one_list, width, 1, width // 2, 4, faiss.METRIC_INNER_PRODUCT)
        pairs = np.stack(np.meshgrid(_LEVELS, _LEVELS), axis=-1) / np.sqrt(width)
        faiss.copy_array_to_vector(np.tile(pairs.ravel(), width // 2).astype(np.float32), codes.pq.centroids)
        codes.is_trained = True
        return cls(faiss.IndexPreTransform(rotation, codes))

    def ids(self) -> Ids:
        faiss = load_faiss()
        lists = self._codes().invlists
        return np.array(faiss.rev_swig_ptr(lists.get_ids(0), len(self)), np.int64)

    def decoded(self) -> Iterator[tuple[Ids, Vectors]]:
        faiss = load_faiss()
        ids, codes = self.ids(), self._codes()
        rotation = faiss.downcast_VectorTransform(self._index.chain.at(0))
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            rotated = codes.pq.decode(_unpacked(codes, start, len(part)))
            yield part, rotation.reverse_transform(rotated)

    def remove(self, ids: Ids) -> None:
        super().remove(ids)
        self._clear_rest()

    def _clear_rest(self) -> None:
        """Zero the unused places of the last block: FAISS leaves what was removed there, and adds codes by OR."""
        codes = self._codes()
        blocks, packer = _blocks(codes)
        nothing = np.zeros(int(codes.code_size), np.uint8)
        used = len(self) % int(packer.nvec)
        for place in range(used, int(packer.nvec) if used else 0):
            packer.pack_1(nothing, place, blocks[-1:])

    def _codes(self) -> Any:
        faiss = load_faiss()
        return faiss.downcast_index(self._index.index)

    def _parameters(self, **values: Any) -> Any:
        faiss = load_faiss()
        return faiss.SearchParametersPreTransform(index_params=faiss.SearchParametersIVF(**values))


def _blocks(codes: Any) -> tuple[npt.NDArray[np.uint8], Any]:
    """Return the only list's memory, uint8 [blocks, bytes of a block], and what packs vectors into a block."""
    faiss = load_faiss()
    lists = faiss.downcast_InvertedLists(codes.invlists)
    count, size = -(-int(codes.ntotal) // int(lists.n_per_block)), int(lists.block_size)
    return faiss.rev_swig_ptr(lists.get_codes(0), count * size).reshape(count, size), lists.packer


def _unpacked(codes: Any, start: int, count: int) -> npt.NDArray[np.uint8]:
    """Return `count` codes from the one at `start` on, uint8 [count, bytes of a code]."""
    blocks, packer = _blocks(codes)
    places = (divmod(place, int(packer.nvec)) for place in range(start, start + count))
    return np.stack([packer.unpack_1(blocks[block : block + 1], place) for block, place in places])


def load_faiss() -> Any:
    """Return FAISS, loaded when it is first needed, with one thread in the thread that calls.

    OpenMP's threads wait for each other by spinning: while other work kept the cores busy, a search took 50 ms with two
    threads and 3 ms with one, and photos were added a quarter as fast.
    """
    import faiss

    faiss.omp_set_num_threads(1)
    return faiss


KINDS: dict[str, type[IndexKind]] = {kind.name: kind for kind in (Exact, Compressed)}


def kind_for(count: int, now: type[IndexKind] = Exact) -> type[IndexKind]:
    """Return the kind for a library of `count` photos whose index is of the kind `now`."""
    border = COMPRESSED_FROM if now is Exact else EXACT_BELOW
    return Compressed if count >= border else Exact
