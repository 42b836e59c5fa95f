"""Whether a caption may be of a language, by its script and its most common words; no model, no network.

Limits: a caption without one of these words, as most of up to four words are, passes when its script is right, so
"rotes Auto" passes as English. Languages that share a script and are not listed here (Turkish, say) are only found
by the absence of other languages' words, that is, they pass. It keeps out other scripts and most sentences.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from training.curator.words import words

#: Words that sentences of a language can hardly do without; those of several languages count for each of them.
_COMMON = {
    "de": "der die das und ist ein eine einen einem einer mit von auf für im den dem des zu nicht auch am bei über",
    "en": "the of and a an in is to with on for at by from this that are it as his her near under over into their",
    "es": "el la los las de y en un una con por para del al que su es se como más sobre entre desde",
    "fr": "le la les de et en un une des du dans avec pour sur au aux est par qui que ce sa son ses vers",
    "it": "il lo la gli le di e in un una con per del della dei delle al alla che nel nella sono è su da",
    "nl": "de het een en van in is met op voor aan te niet zijn bij door naar uit dat die",
    "pt": "o a os as de e em um uma com por para do da dos das no na ao que se mais não sobre",
}
_SCRIPTS = {
    **dict.fromkeys(_COMMON, ("LATIN",)),
    "ar": ("ARABIC",),
    "el": ("GREEK",),
    "he": ("HEBREW",),
    "hi": ("DEVANAGARI",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "th": ("THAI",),
    "uk": ("CYRILLIC",),
    "zh": ("CJK",),
}
LANGUAGES = tuple(sorted(_SCRIPTS))
_WORDS = {language: frozenset(common.split()) for language, common in _COMMON.items()}


def may_be(text: str, language: str) -> bool:
    """Say whether a text may be of one of `LANGUAGES`: three quarters of its letters are of the language's script,
    and of no other listed language does it hold more common words. A text without letters is of none."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return False
    of_script = sum(_script(letter) in _SCRIPTS[language] for letter in letters)
    return of_script * 4 >= len(letters) * 3 and _speaks(text, language)


def _speaks(text: str, language: str) -> bool:
    if language not in _WORDS:
        return True
    parts = words(text)
    counts = {known: sum(part in common for part in parts) for known, common in _WORDS.items()}
    return counts[language] == max(counts.values())


@lru_cache(maxsize=65536)
def _script(letter: str) -> str:
    """Return the first word of a letter's name in Unicode, which is its script."""
    return unicodedata.name(letter, "").split(" ")[0].split("-")[0]
