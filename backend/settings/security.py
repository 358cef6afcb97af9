"""Headers that protect browsers. `common.content_security_policy` has the policies of pages and of data."""

from backend.settings.machine import DEBUG

# Sent over TLS only: where a proxy ends TLS, TRUST_PROXY=1 tells the gateway so.
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 86400

# `check --deploy` would ask for these; the last three are for the name's owner or the proxy to decide.
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # Django looks for its own class by name: `common.security_checks` accepts derived ones
    "security.W002",  # the same
    "security.W003",  # the same
    "security.W005",  # Strict-Transport-Security for subdomains: they may be other systems of the clinic
    "security.W008",  # redirects to https are the proxy's: in its network the gateway speaks plain HTTP
    "security.W021",  # the browsers' preload list, which a name leaves only after months
]
