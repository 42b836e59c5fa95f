"""What the commands share."""

from __future__ import annotations

import signal
from collections.abc import Generator

import pytest

from clipsearch.terminal import with_progress


def steps(interrupts: int, seen: list[str]) -> Generator[int, None, str]:
    """Yield steps for ever; the first is interrupted so many times while it lasts."""
    try:
        for _ in range(interrupts):
            signal.raise_signal(signal.SIGINT)
        seen.append("first step ended")
        while True:
            yield 1
            seen.append("next step begun")
    finally:
        seen.append("closed")


@pytest.mark.parametrize(
    ("interrupts", "expected"), [(1, ["first step ended", "closed"]), (2, ["closed"])], ids=["between", "at once"]
)
def test_an_interrupt_waits_for_the_end_of_a_step_and_a_second_one_does_not(
    interrupts: int, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        with_progress(steps(interrupts, seen), [], "Working", lambda step: {"completed": step}, "what is done is kept")
    assert seen == expected
    assert "what is done is kept" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
