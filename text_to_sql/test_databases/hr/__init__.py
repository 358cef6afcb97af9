"""A firm's employees."""
