"""Makes foreign text safe for one line of output."""


def printable(text: str, max_length: int) -> str:
    """One line of at most `max_length` characters; others than printable ones become blanks."""
    return "".join(char if char.isprintable() else " " for char in text[:max_length])
