"""Finds a view by its path at once where the path has no parameters."""

from django.urls import ResolverMatch, URLResolver
from django.urls.resolvers import RoutePattern


class FixedPaths(URLResolver):
    """What `django.urls.include` gives, which remembers what it found for each route that is a whole path."""

    def __init__(self, prefix: str, urlconf: str) -> None:
        super().__init__(RoutePattern(prefix), urlconf)
        self._found: dict[str, ResolverMatch] = {}

    def resolve(self, path: str) -> ResolverMatch:
        """As Django's own. Raises `Resolver404`."""
        if found := self._found.get(path):
            return found
        match = super().resolve(path)
        if f"{self.pattern}{match.route}" == path:  # so there are no more of them than routes
            self._found[path] = match
        return match
