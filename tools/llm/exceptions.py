"""Errors of `make llm`."""


class ModelUnavailable(Exception):
    """The model can't be fetched or served; the text says what to do."""
