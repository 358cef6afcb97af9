"""`make bench`: this gateway beside its peers, side by side in one run on one machine.

`plan` says how much of what, `stage` starts the variants of the `catalogue`, `load` asks them, the `sections` measure;
`tables`, `goals`, `remarks`, `plots` and `page` tell what came of it. docs/performance.md says how it is measured.
"""
