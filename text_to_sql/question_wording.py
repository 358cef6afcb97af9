"""Questions without what does not change their meaning: case, spacing, marks, particles, and ways to ask politely."""

import re
from functools import lru_cache

from common import normalization

_PARTICLE = re.compile(r"(?<=[가-힣])[을를이가은는]$")
_MARKS = re.compile(r"[?!;:\"'“”‘’()…·]+|[.,](?!\d)")  # others, such as < and -, have a meaning
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_POLITE = frozenset({"the", "a", "an", "please", "me"})
_REQUEST = re.compile(r"(?<=[가-힣])[을를]?좀?(?:알려|보여|구해|말해|찾아)(?:줘요?|주세요|줄래|주십시오)$")
_HOW_MANY = re.compile(r"(몇[가-힣]{1,2}|얼마)(?:이야|야|인가요|입니까|이에요|예요|인가|이니|니)$")
_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}
_KOREAN_DATE = re.compile(r"(\d{4})년\s*(\d{1,2})월(?:\s*(\d{1,2})일)?")
_ENGLISH_DATE = re.compile(rf"\b({'|'.join(_MONTHS)})\s+(?:(\d{{1,2}}),?\s+)?(\d{{4}})\b")


@lru_cache(maxsize=2048)
def normalized(question: str) -> str:
    """The question in lower case without spaces, with plain dates."""
    words = [word for word in _MARKS.sub(" ", with_plain_dates(question)).split() if word not in _POLITE]
    joined = _joined([_PARTICLE.sub("", word) for word in words])
    return _PARTICLE.sub("", _HOW_MANY.sub(r"\1", _REQUEST.sub("", joined)))


def with_plain_dates(question: str) -> str:
    """The question in lower case. Dates are ISO 8601: `2026년 10월` is `2026-10`. Numbers have no thousands marks."""
    text = _THOUSANDS.sub("", normalization.normalized("NFKC", question).casefold())
    text = _ENGLISH_DATE.sub(lambda match: _iso(match[3], str(_MONTHS[match[1]]), match[2]), text)
    return _KOREAN_DATE.sub(lambda match: _iso(match[1], match[2], match[3]), text)


def _joined(words: list[str]) -> str:
    """Two numbers side by side stay apart."""
    return re.sub(r"(?<=\d) (?=\d)|\s", lambda match: "_" if _between_digits(match) else "", " ".join(words))


def _between_digits(match: re.Match[str]) -> bool:
    text = match.string
    return text[match.start() - 1].isdigit() and text[match.end() : match.end() + 1].isdigit()


def _iso(year: str, month: str, day: str | None) -> str:
    return f"{year}-{int(month):02}" + (f"-{int(day):02}" if day else "")
