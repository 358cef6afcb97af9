"""What the door does, one module a use case. Views call these; these call models, upstream, journal and courier."""
