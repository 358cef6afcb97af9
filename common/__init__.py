"""Shared code of all apps. It imports nothing else of the project."""
