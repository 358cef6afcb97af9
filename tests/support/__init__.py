"""Real parts for the tests: processes, servers that misbehave, databases."""
