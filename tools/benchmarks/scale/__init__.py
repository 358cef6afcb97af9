"""`make scale`: what the log costs on PostgreSQL as it grows to five million rows.

`ground` starts the database, `growing` fills it with `synthetic` rows that are as the product's own, the sections
measure, `report` tells what came of it in docs/scaling.md.
"""
