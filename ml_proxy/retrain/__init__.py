"""The job kind `retrain`.

`requests` reads what is asked for, `training_payload` adds judged inferences as examples, `training` follows the model
server, `kind` declares it all, and `pass_through` serves callers who wait.
"""
