"""Unicode normalization in linear time.

`unicodedata.normalize` takes a time that grows with the square of a run of combining marks: 80,000 characters take five
seconds, and no other thread of the process runs meanwhile. No writing has such runs, but a caller can send them.
"""

import re
import unicodedata
from typing import Literal

PIECE = 1000  # characters; the worst ones take a millisecond
# Nothing combines with ASCII before it, so that is where to cut.
_PIECES = re.compile(rf".{{1,{PIECE}}}(?=[\0-\x7f]|\Z)|.{{1,{PIECE}}}", re.DOTALL)


def normalized(form: Literal["NFC", "NFKC"], text: str) -> str:
    """As `unicodedata.normalize`, except that marks more than `PIECE` characters after any ASCII may stay apart."""
    if len(text) <= PIECE or text.isascii():
        return unicodedata.normalize(form, text)
    return "".join(unicodedata.normalize(form, piece) for piece in _PIECES.findall(text))
