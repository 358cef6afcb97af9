"""Desk photos: is it a desk, make it a better one, and what to buy for it."""
