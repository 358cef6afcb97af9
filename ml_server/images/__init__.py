"""Turns an image into a model's input. Checks its bytes, pixels and frames against limits before it is decoded."""
