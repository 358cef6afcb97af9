"""The peers of the gateway, and variants of the gateway itself."""
