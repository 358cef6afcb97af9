"""Advertising campaigns."""
