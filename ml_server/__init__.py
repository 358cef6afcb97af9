"""The reference model server: models behind four paths under `/api/v1/`, and nothing of the gateway.

A request travels `serving` (sockets, signals) → `app` (errors, the log) → `api` (HTTP) → `service` → `registry` (which
model) → `shelf` (which version) → `model` → `handlers` (load, preprocess, predict, postprocess), or → `trainer` (one at
a time) → `training` (data to an ONNX file, as `courses` say) → `judging` (better?) → `shelf` → `storage` (files).
"""
