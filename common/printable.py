"""Texts of others, made fit for one line of ours."""


def printable(text: str, most: int) -> str:
    """One line of at most `most` characters."""
    return "".join(char if char.isprintable() else " " for char in text[:most])
