"""Runs checked statements on registered databases."""
