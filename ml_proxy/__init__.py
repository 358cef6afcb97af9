"""The door: predictions, pass-through, history and jobs."""
