"""`make scale`: measures the cost of the log on PostgreSQL as it grows to five million rows.

`database` starts PostgreSQL, `bulk_load` fills it with `synthetic` rows like the product's own, the sections measure,
and `report` writes docs/scaling.md.
"""
