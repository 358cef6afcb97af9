"""Desk photos: limits of callers' pictures."""

from backend import env

IMAGE_MAX_BYTES = env.integer("IMAGE_MAX_BYTES", 10 * env.MIB, minimum=1024, maximum=50 * env.MIB, unit="bytes")
IMAGE_MAX_PIXELS = env.integer("IMAGE_MAX_PIXELS", 25_000_000, minimum=1024, maximum=100_000_000, unit="pixels")
