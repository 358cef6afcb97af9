"""Tests of `make llm`."""
