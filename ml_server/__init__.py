"""The reference model server: a model behind four paths under `/api/v1/`, and nothing of the gateway.

A request travels `serving` (sockets, signals) → `app` (errors, the log) → `api` (HTTP) → `service` (which model
answers) → `model` (load, preprocess, run, postprocess), or → `trainer` (one at a time) → `training` (data to an ONNX
file) → `shelf` (versions on disk, one of them in service).
"""
