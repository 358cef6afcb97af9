"""Insight: what the log says about the models. ADR 34 says how its work stays bounded on a log of millions.

`overview` counts, `agreement` compares with verdicts, `drift` compares inputs with the training data, and `review`
lists the inferences that a doctor should look at first.
"""
