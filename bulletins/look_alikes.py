"""Words typed on mixed keyboards: one spelling to match headers and values, never codes or ids."""

from __future__ import annotations

import re
import unicodedata

# The Latin letter that looks like a Cyrillic one depends on its case: H is Н, h is һ.
_LATIN = "ABCEHIKMOPTXYƏaceihopxykəëË"
_CYRILLIC = "АВСЕНІКМОРТХУӘасеіһорхукәёЁ"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_ONE_SPELLING = str.maketrans({"ё": "е", "—": "-", "–": "-", "‑": "-", "_": " "})
_HAS_CYRILLIC = re.compile("[\u0400-\u052f]")


def word(text: str) -> str:
    """The spelling by which two words are the same word.

    NFC, no case, single spaces (an underscore is one); with any Cyrillic letter in it, no Latin look-alikes.

    >>> word("  Тоқтату  пapaғы ") == word("тоқтату парағы"), word("FULL_DAY")
    (True, 'full day')
    """
    text = unicodedata.normalize("NFC", text)
    if _HAS_CYRILLIC.search(text):
        text = text.translate(_TO_CYRILLIC)
    return " ".join(text.casefold().translate(_ONE_SPELLING).split())
