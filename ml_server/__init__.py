"""The reference model server: models behind a few paths under `/api/v1/`. It imports nothing of the gateway.

A prediction passes through `server` (sockets, signals), `app` (errors, logging), `api` (HTTP), `service`, `registry`
(which model), `model_store` (which version), `model_version` and `handlers` (load, preprocess, predict, postprocess).

A training passes through `trainer` (one at a time), `train` (from data to an ONNX file, as one of the `recipes` says),
`promotion` (is the new version good enough?), `model_store` and `version_files` (files on disk).
"""

import os

# ONNX Runtime would report its use to its maker. It reads this variable when it is first imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
