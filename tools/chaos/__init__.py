"""The fault campaign: real processes under steady load, random faults, then a comparison of answers and rows.

`plan` chooses the faults, `faults` injects them into the `testbed`, `clients` send predictions and record the answers,
and `comparison` compares the answers with the rows.
"""
