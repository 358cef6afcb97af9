"""The job that makes a desk better: fetch, classify, describe, draw, store, products.

`requests` reads what a caller wants and creates the job, `kind` declares it, `stages` runs it. `costs` limits what
providers may cost, `paid_calls` keeps their answers, and `leftovers` deletes the files of jobs that have ended.
"""
