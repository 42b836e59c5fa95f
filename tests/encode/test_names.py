"""Names that other people chose, made harmless."""

from __future__ import annotations

import pytest

from clipsearch.encode.names import is_harmless, made_harmless


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("Birds", "Birds"),
        ("Vögel & 鳥", "Vögel & 鳥"),
        ('a<b>c:d"e|f?g*h/i\\j', "a_b_c_d_e_f_g_h_i_j"),
        ("line\nbreak\x00", "line_break_"),
        ("caf\udce9", "caf_"),
        ("nul", "_nul"),
        ("COM1.jpg", "_COM1.jpg"),
        (" spaces and dots. . ", "spaces and dots"),
        ("", "_"),
        ("..", "_"),
        ("鳥" * 100, "鳥" * 66),
    ],
)
def test_any_name_becomes_one_that_every_system_takes(name: str, made: str) -> None:
    assert made_harmless(name) == made
    assert is_harmless(made)
