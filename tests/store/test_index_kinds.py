from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest

from clipsearch.store.index.kinds import COMPRESSED_FROM, EXACT_BELOW, KINDS, Compressed, Exact, IndexKind, kind_for
from tests.store.filled import random_vectors

both = pytest.mark.parametrize("kind", [Exact, Compressed])
dims = pytest.mark.parametrize("dim", [1, 2, 3, 4, 5, 64, 512, 768, 1152])


def held(index: IndexKind) -> dict[int, np.ndarray]:
    return {int(one): vector for ids, vectors in index.decoded() for one, vector in zip(ids, vectors, strict=True)}


@both
@dims
def test_holds_what_was_added_through_removals_and_writing(kind: type[IndexKind], dim: int) -> None:
    vectors = random_vectors(200, dim)
    index = kind.empty(dim)
    index.add(np.arange(1, 201), vectors)
    index.remove(np.arange(5, 50))
    index = kind.from_stream(BytesIO(index.to_bytes().tobytes()))
    index.add(np.arange(5, 50), vectors[4:49])
    index.remove(np.array([200, 999]))
    assert (index.dim, len(index)) == (dim, 199)
    assert sorted(index.ids().tolist()) == list(range(1, 200))
    for one, vector in held(index).items():
        assert np.linalg.norm(vector - vectors[one - 1]) < kind.error


@both
@pytest.mark.parametrize("removed", [1, 31, 32, 33, 64])
def test_places_of_removed_photos_are_filled_cleanly(kind: type[IndexKind], removed: int) -> None:
    vectors = random_vectors(200, 16)
    index = kind.empty(16)
    index.add(np.arange(96), vectors[:96])
    index.remove(np.arange(removed))
    index.add(np.arange(100, 200), vectors[100:])
    for one, vector in held(index).items():
        assert np.linalg.norm(vector - vectors[one]) < kind.error


@both
def test_an_index_emptied_is_as_new(kind: type[IndexKind]) -> None:
    vectors = random_vectors(40, 16)
    index = kind.empty(16)
    index.add(np.arange(40), vectors)
    index.remove(np.arange(40))
    assert len(index) == 0
    assert index.search(vectors[:2], 5, None)[1][0].tolist() == []
    index.add(np.arange(3), vectors[:3])
    assert np.linalg.norm(held(index)[2] - vectors[2]) < kind.error


def test_the_code_of_a_vector_does_not_depend_on_the_others() -> None:
    vectors = random_vectors(100, 64)
    together, alone = Compressed.empty(64), Compressed.empty(64)
    together.add(np.arange(100), vectors)
    for one in range(100):
        alone.add(np.array([one]), vectors[one : one + 1])
    agreement = [np.allclose(held(together)[one], held(alone)[one], atol=1e-6) for one in range(100)]
    assert np.mean(agreement) > 0.95  # a component at a border may fall on either side


def test_the_kind_suits_the_size() -> None:
    assert kind_for(0) is Exact
    assert kind_for(COMPRESSED_FROM - 1) is Exact
    assert kind_for(COMPRESSED_FROM) is Compressed
    assert kind_for(EXACT_BELOW, Compressed) is Compressed
    assert kind_for(EXACT_BELOW - 1, Compressed) is Exact
    assert set(KINDS) == {"exact", "compressed"}
