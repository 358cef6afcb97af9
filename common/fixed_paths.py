"""Resolves paths without parameters by a dictionary look-up."""

from django.urls import ResolverMatch, URLResolver
from django.urls.exceptions import Resolver404
from django.urls.resolvers import RoutePattern


class FixedPaths(URLResolver):
    """As `django.urls.include`, with a cache for routes without parameters."""

    def __init__(self, prefix: str, urlconf: str) -> None:
        super().__init__(RoutePattern(prefix), urlconf)
        self._found: dict[str, ResolverMatch] = {}

    def resolve(self, path: str) -> ResolverMatch:
        """As Django's own. Raises `Resolver404`."""
        if found := self._found.get(path):
            return found
        match = super().resolve(path)
        if f"{self.pattern}{match.route}" == path:  # no parameters, so the cache stays small
            self._found[path] = match
        return match


class EitherSlash(FixedPaths):
    """As `FixedPaths`; a path matches with and without its last slash."""

    def resolve(self, path: str) -> ResolverMatch:
        """As Django's own. Raises `Resolver404`."""
        try:
            return super().resolve(path)
        except Resolver404:
            return super().resolve(path[:-1] if path.endswith("/") else f"{path}/")
