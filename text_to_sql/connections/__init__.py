"""Connections to registered databases."""
