"""HTTP: each view parses, calls one use case, and answers."""
