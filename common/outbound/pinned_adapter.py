"""The strict transport for callers' URLs: it connects to the address that it checked."""

from common.outbound.connection import Connection, Server
from common.outbound.llhttp_adapter import LlhttpAdapter
from common.outbound.network import INTERNET, Dialer, Network, Permits


class PinnedAddressAdapter(LlhttpAdapter):
    """Resolves a host once per exchange, and connects only to addresses for which `permits` is true.

    It pools no connections, so it checks the address each time.
    """

    def __init__(self, permits: Permits, network: Network = INTERNET) -> None:
        super().__init__(Dialer(network, permits))

    def keep(self, server: Server, connection: Connection) -> None:
        """Closes the connection instead."""
        connection.close()
