"""`make bench`: compares this gateway with its peers in one run on one machine.

`plan` has the parameters, `testbed` starts the variants of the `catalogue`, `load` sends requests, the `sections`
measure; `tables`, `goals`, `run_notes`, `plots` and `page` show the results. docs/performance.md describes the method.
"""
