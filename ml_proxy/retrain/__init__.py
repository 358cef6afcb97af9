"""The job kind `retrain`.

`requests` parses the request body, `training_payload` adds judged inferences as examples, `training` runs the training
on the model server, `kind` declares the job kind, and `pass_through` serves synchronous retrains.
"""
