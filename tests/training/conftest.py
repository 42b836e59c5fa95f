"""Tiny models gain nothing from a second thread, and where cores are busy, threads wait for each other for ever."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

THREADS = "OMP_NUM_THREADS"  # of processes that tests start


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    before, told = torch.get_num_threads(), os.environ.get(THREADS)
    torch.set_num_threads(1)
    os.environ[THREADS] = "1"
    yield
    torch.set_num_threads(before)
    del os.environ[THREADS]
    if told is not None:
        os.environ[THREADS] = told
