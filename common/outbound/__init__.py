"""HTTP to the outside. `requests` is the interface; what carries the bytes is a transport adapter.

    sessions    one `requests.Session` for each kind of destination, all made here
    deadline    the budget of one exchange: a total deadline, a cap on bytes, a switch that another thread may cut
    bodies      reads a response: its fields as they came, its body up to a cap, or line by line

    llhttp_adapter ─┬─ connection, http_response    the strict transport, with llhttp as its parser (lean: its messages)
    pinned_adapter ─┤                               the same for callers' URLs: the checked address is connected to
    stock_adapter ──┴─ network, addresses           requests' own HTTPAdapter, held to the same budget

Every transport raises `requests.exceptions` and nothing else; `exceptions` draws the mapping.
"""
