"""Commands of questions in SQL."""
