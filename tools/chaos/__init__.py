"""The fault campaign: real processes under steady load, random faults and tampering, then a comparison with the rows.

`plan` chooses the faults, `faults` injects them into the `testbed`, `clients` send predictions and record the answers,
and `comparison` compares the answers with the rows. Meanwhile the `watchers`, a `tamperer` and a `reader`, try to catch
verification and the journal out. docs/fault-campaign.md has the results.
"""
