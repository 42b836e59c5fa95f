"""CLIP's own tokenizer against what OpenAI released (the truth, written again below) and against transformers."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import ftfy
import pytest
import regex

from clipsearch.encode.tokenizer import CONTEXT, END_OF_TEXT, START_OF_TEXT, clean_clip, clip_tokenizer
from clipsearch.paths import resource_path

MODEL = json.loads((resource_path("tokenizers/clip") / "tokenizer.json").read_text("utf-8"))["model"]
RANKS = {(left, right): rank for rank, (left, right) in enumerate(MODEL["merges"])}
WORDS = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)

VISIBLE = """
a I photo of dogs don't It's we're they've I'm she'll he'd O'Neill 'S 'T ''s 'tis rock'n'roll
0 42 1,000,000 3.14 2nd x2 ½ ² Ⅷ ٣ ४ 100% $5 €9,99 #1 @you snake_case CamelCase http://a.b/c?d=e&f
&amp; &amp;amp; &lt;b&gt; &#39; &#x27; &quot; &nbsp; &eacute; &notanentity; & &; &#0; &copy &ltx
🐶 👩\u200d👩\u200d👧\u200d👦 👍🏽 🏳️\u200d🌈 🇩🇪 ☺️ 1️⃣ ❤️\u200d🔥 🫠 〽️
ﬁre eﬀect oﬃce ﬅ ǆ Ĳ ß ẞ ſ 'ſ İstanbul ıslak Œuvre Ænima K Å Σίσυφος ὈΔΥΣΣΕΎΣ
한국어 사진 ㅋㅋㅋ 강아지 中文 照片 一隻狗 写真 カメラ ｶﾒﾗ ﾊﾞ Ｆｕｌｌ １２３ เด็ก ไทย हिन्दी தமிழ்
العربية صورة كلب ﷺ עברית שָׁלוֹם فارسی\u200cزبان
e\u0301 n\u0303 a\u0308\u0323 Z\u0337\u034e\u0308\u0301a\u0336l\u0334g\u0338o\u0335 \u0301 q\u0307\u0323 가
&#x1F436; kebab-case � â€™ cafÃ© schÃ¶n Ð¿Ñ€Ð¸Ð²ÐµÑ‚ “quoted” ‘it’s’ … — „so“ «ici» !!! ?! :-) (c)
[x] {} <b> </w> \\n ~~ ^_^ __init__ ... '''' " * | µ ™ № ℃ <|endoftext|>x <|startoftext|>
"""
HIDDEN = [
    "\x00", "\x07", "\x1b[31mred\x1b[0m", "\x7f", "\x85", "\x9d", "\ufeff", "\ufffe", "\x0b", "\x1c", "\x1f",
    "\u200b", "\u200d", "\u200e", "\u202e", "\u2060", "\xad", "\u3000", "\xa0", "\u2028", "\u2029", "\u180e",
    "\t", "\n", "\r\n", "  ", "\ud83d", "\udc36", "\ud83d\udc36", "\U0010ffff", "\ue000", "\U000e0041",
    "\xf0\x9f\x90\xb6",
]  # fmt: skip
PIECES = [*VISIBLE.split(), *HIDDEN]


def test_ten_thousand_nasty_texts_give_openai_s_ids() -> None:
    texts = nasty(10_000)
    ids, mask = clip_tokenizer()(texts)
    assert [row[row_mask == 1].tolist() for row, row_mask in zip(ids, mask, strict=True)] == [*map(openai_ids, texts)]


def test_ten_thousand_nasty_texts_give_transformers_ids(tmp_path: Path) -> None:
    """transformers leaves out ftfy and HTML, which the released code has: it is given the cleaned text.
    It does not ignore case either, so that a long s after an apostrophe is another word.
    """
    texts = [text for text in nasty(10_000) if "'\u017f" not in clean_clip(text)]
    assert len(texts) > 9_000
    theirs = transformers_tokenizer(tmp_path)
    ids, mask = clip_tokenizer()(texts)
    ours = [row[row_mask == 1].tolist() for row, row_mask in zip(ids, mask, strict=True)]
    assert ours == theirs([clean_clip(text) for text in texts])
    plain = [text for text in texts if text.isascii() and text.isprintable() and "&" not in text]
    assert len(plain) > 100
    assert theirs(plain) == [ours[texts.index(text)] for text in plain]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "x",
        "dog " * 1000,
        "supercalifragilistic" * 200,
        "犬" * 1000,
        "a" * 10_000,
        "🐶" * 100,
        "<|endoftext|>",
    ],
)
def test_a_text_is_cut_and_its_end_stays(text: str) -> None:
    ids, mask = clip_tokenizer()([text])
    assert ids[0].tolist() == openai_ids(text)
    assert ids.shape[1] <= CONTEXT
    assert (ids[0, 0], ids[0, -1]) == (START_OF_TEXT, END_OF_TEXT)
    assert mask.all()


def test_every_letter_of_unicode_gives_openai_s_ids() -> None:
    letters = [chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000 and chr(code).isalnum()]
    texts = ["".join(letters[start : start + 12]) for start in range(0, len(letters), 12)]
    ids, mask = clip_tokenizer()(texts)
    assert [row[row_mask == 1].tolist() for row, row_mask in zip(ids, mask, strict=True)] == [*map(openai_ids, texts)]


def test_known_ids() -> None:
    """The example that OpenAI's and Hugging Face's own documents give."""
    ids, _ = clip_tokenizer()(["a photo of a cat", "a photo of a dog"])
    assert ids.tolist() == [[49406, 320, 1125, 539, 320, 2368, 49407], [49406, 320, 1125, 539, 320, 1929, 49407]]
    assert len(MODEL["vocab"]) == 49408


def nasty(count: int) -> list[str]:
    """Texts of 0 to 40 pieces, glued or apart, in any case, some of 1,000 words; the same each time."""
    chance = random.Random(0)
    texts = []
    for number in range(count):
        length = 1000 if number % 1000 == 0 else chance.choice([0, 1, 2, 3, 5, 8, 13, 21, 40])
        glue = chance.choice([" ", " ", "", "\t\n", "\u200b", "_"])
        change: Callable[[str], str] = chance.choice([str, str.upper, str.title, str.swapcase])
        pieces = [piece if "<|" in piece else change(piece) for piece in chance.choices(PIECES, k=length)]
        texts.append(spaced(glue.join(pieces)))
    return texts


def spaced(text: str) -> str:
    """Set special tokens apart: after punctuation OpenAI's expression no longer sees them, the library still does."""
    return text.replace("<|", " <|").replace("|>", "|> ")


def transformers_tokenizer(folder: Path) -> Callable[[list[str]], list[list[int]]]:
    from transformers import CLIPTokenizer

    (folder / "vocab.json").write_text(json.dumps(MODEL["vocab"]), "utf-8")
    merges = "".join(f"{left} {right}\n" for left, right in MODEL["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}", "utf-8")
    tokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=CONTEXT)
    return lambda texts: tokenizer(texts, truncation=True, max_length=CONTEXT)["input_ids"]


def openai_ids(text: str) -> list[int]:
    """The released tokenizer, from its description: clean, split into words, merge the bytes of each."""
    text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    text = regex.sub(r"\s+", " ", text).strip().lower()
    ids = [START_OF_TEXT, *(number for word in WORDS.findall(text) for number in merged(word)), END_OF_TEXT]
    return ids if len(ids) <= CONTEXT else [*ids[: CONTEXT - 1], END_OF_TEXT]


@cache
def merged(word: str) -> tuple[int, ...]:
    """Join the best-ranked pair, everywhere from the left, until no pair has a rank."""
    if word in MODEL["vocab"] and word.startswith("<|") and word.endswith("|>"):
        return (MODEL["vocab"][word],)
    parts = [character(byte) for byte in word.encode("utf-8")]
    parts[-1] += "</w>"
    while pairs := {pair for pair in pairwise(parts) if pair in RANKS}:
        best = min(pairs, key=RANKS.__getitem__)
        joined: list[str] = []
        for part in parts:
            if joined and (joined[-1], part) == best:
                joined[-1] = f"{joined[-1]}{part}\0"  # what was just joined does not join again
            else:
                joined.append(part)
        parts = [part.rstrip("\0") for part in joined]
    return tuple(MODEL["vocab"][part] for part in parts)


@cache
def character(byte: int) -> str:
    """GPT-2's alphabet: printable Latin-1 stands for itself, the other bytes for U+0100 onwards in order."""
    hidden = [code for code in range(256) if not (33 <= code <= 126 or 161 <= code <= 172 or 174 <= code <= 255)]
    return chr(256 + hidden.index(byte)) if byte in hidden else chr(byte)
