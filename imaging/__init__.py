"""Desk photos: is it a desk, make it a better one, and what to buy for it."""

import os

# ONNX Runtime would report its use to its maker. It reads this variable when it is first imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
