"""The published questions of the evaluation."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

LEVELS = ("easy", "join", "hard", "unanswerable")
LANGUAGES = ("ko", "en")


@dataclass(frozen=True)
class Question:
    """One question. `golds` are the SQL of its readings; none if the tables can't answer it."""

    id: str
    database: str
    level: str
    language: str
    text: str
    golds: tuple[str, ...]
    ordered: bool


def questions() -> list[Question]:
    """All of them, in the order of the file: Korean and English in turn."""
    file = Path(__file__).parent / "questions.toml"
    entries = tomllib.loads(file.read_text("utf-8"))["question"]
    return [_question(entry, language) for entry in entries for language in LANGUAGES]


def sample(size: int) -> list[Question]:
    """`size` questions, spread evenly over the file, so that all databases, levels and languages are there."""
    every = questions()
    return [every[place * len(every) // size] for place in range(min(size, len(every)))]


def _question(entry: dict[str, object], language: str) -> Question:
    also = entry.get("also", ())
    golds = (entry["gold"], *also) if "gold" in entry else ()  # type: ignore[misc] # a list in the file
    name = str(entry["id"])
    return Question(
        id=f"{name}-{language}",
        database=name.rpartition("-")[0],
        level=str(entry["level"]),
        language=language,
        text=str(entry[language]),
        golds=tuple(map(str, golds)),
        ordered=bool(entry.get("ordered")),
    )
