"""The strict transport for URLs that callers name: the address that was checked is the one that is connected to."""

from common.outbound.connection import Connection, Server
from common.outbound.llhttp_adapter import LlhttpAdapter
from common.outbound.network import INTERNET, Dialer, Network, Permits


class PinnedAddressAdapter(LlhttpAdapter):
    """Resolves a host once for each exchange, and connects to none of its addresses but what `permits` passes.

    No connection is kept: what a name leads to is looked at every time.
    """

    def __init__(self, permits: Permits, network: Network = INTERNET) -> None:
        super().__init__(Dialer(network, permits))

    def keep(self, server: Server, connection: Connection) -> None:
        """Ends it instead."""
        connection.close()
