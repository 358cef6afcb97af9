"""The agents: each has a prompt in a file with a version, and reads the model's answers in its own way."""
