"""The operator's routes: which domains go where. Pure."""

from collections.abc import Sequence

from angarium.config.schema import Route
from angarium.routing.host_name import canonical_name

MX = "mx"


class RouteTable:
    """First match wins. Indexed, so that the number of routes costs nothing per look-up."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        self._exact: dict[str, int] = {}
        self._below: dict[str, int] = {}  # of *.suffix, without the star: ".suffix"
        self._any: int | None = None
        for index, route in enumerate(routes):
            self._add(index, route.domain)

    def _add(self, index: int, pattern: str) -> None:
        if pattern == "*":
            self._any = index if self._any is None else self._any
        elif pattern.startswith("*."):
            self._below.setdefault("." + canonical_name(pattern[2:]), index)
        else:
            self._exact.setdefault(canonical_name(pattern), index)

    def find(self, domain: str) -> Route | None:
        """Return the route of a domain in lower-case A-labels (or a literal); None: by MX, default pool."""
        index = self._find_index(domain)
        return None if index is None else self._routes[index]

    def find_ways(self, domain: str) -> tuple[str, ...]:
        """Return the smart hosts of a domain, in order; none when the domain goes by MX."""
        route = self.find(domain)
        return () if route is None or route.via == MX else route.vias

    def _find_index(self, domain: str) -> int | None:
        best = self._any
        exact = self._exact.get(domain)
        if exact is not None and (best is None or exact < best):
            best = exact
        if self._below:
            dot = domain.find(".")
            while dot >= 0:
                below = self._below.get(domain[dot:])
                if below is not None and (best is None or below < best):
                    best = below
                dot = domain.find(".", dot + 1)
        return best
