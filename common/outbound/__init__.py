"""Outbound HTTP. `requests` is the interface, with transport adapters of our own.

    sessions    one `requests.Session` for each kind of destination
    deadline    the budget of one exchange: a total deadline, a cap on bytes, a switch to cancel it
    destinations  parses URLs that callers name, and allow-lists
    bodies      reads a response: its header fields unchanged, its body up to a cap, or line by line

    llhttp_adapter ─┬─ connection, http_response    the strict transport, with the llhttp parser (lean: its messages)
    pinned_adapter ─┤                               the same for callers' URLs, connects to the checked address
    stock_adapter ──┴─ network, addresses           the HTTPAdapter of requests, with the same budget

Every transport raises `requests.exceptions` only; `exceptions` has the mapping.
"""
