"""The naive log, in three forms, as one would write it first: Django's and Celery's own defaults throughout.

`queued`: a Celery task for each prediction, one `create()` for each task. `inline`: the row is written within the
request. `logged`: the latter as a view of Django REST framework, with drf-api-logger beside it.
"""
