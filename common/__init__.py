"""The foundation: what every app uses. It imports nothing of the project."""
