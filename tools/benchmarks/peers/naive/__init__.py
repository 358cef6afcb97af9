"""A naive log in three forms, with the defaults of Django and Celery.

`queued`: a Celery task for each prediction, one `create()` for each task. `inline`: the view writes the row within the
request. `logged`: the same as a Django REST framework view, with drf-api-logger as well.
"""
