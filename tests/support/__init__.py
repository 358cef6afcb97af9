"""Shared parts of the tests: real processes, databases, and servers that misbehave."""
