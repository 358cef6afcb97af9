"""The Redis server that REDIS_URL names.

redis-py, Celery (kombu) and Flower read URLs differently: options that one of them needs stop another. `address` reads
every dialect once; `clients` gives each of them what it understands.
"""
