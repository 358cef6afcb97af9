"""Desk photos for people: the catalogue of products to edit, and the log of calls of providers to read."""

from imaging.admin import calls, products

__all__ = ["calls", "products"]
