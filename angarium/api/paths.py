"""Which dialect a request is of: by its path, and where several dialects have one path by what the request bears."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiohttp import web
from aiohttp.abc import AbstractMatchInfo
from aiohttp.web_urldispatcher import AbstractResource, UrlDispatcher
from yarl import URL

from angarium.api.dialect import Dialect, Handler, Route

DIALECT: Final = web.RequestKey("dialect", Dialect)
_VARIABLE: Final = re.compile(r"\{[^{}]*\}")
_Owned = tuple[Route, Dialect]


class Paths:
    def __init__(self, dialects: Sequence[Dialect]) -> None:
        """Raises ValueError: two dialects have one path, and none says when it is its own."""
        self._owned = [(route, dialect) for dialect in dialects for route in dialect.routes()]
        self._patterns = [(_pattern(route.path), route, dialect) for route, dialect in self._owned]
        self._groups: dict[tuple[str, str], list[_Owned]] = {}
        for route, dialect in self._owned:
            key = (route.method, _VARIABLE.sub("{}", route.path))
            self._groups.setdefault(key, []).append((route, dialect))
        for (method, path), group in self._groups.items():
            if len({route.path for route, _ in group}) > 1:
                raise ValueError(f"{method} {path}: its variables have two names")
            if sum(route.claims is None for route, _ in group) > 1:
                raise ValueError(f"{method} {path} is claimed twice")

    def add_to(self, router: UrlDispatcher) -> None:
        for (method, _), group in self._groups.items():
            if method == "GET":
                router.add_get(group[0][0].path, _dispatch(group))  # and HEAD
            else:
                router.add_route(method, group[0][0].path, _dispatch(group))

    def dialect_of(self, request: web.Request) -> Dialect | None:
        """Return whose form an answer to a request has that no route took; None: ours."""
        path = "/" + request.path.lstrip("/")
        fitting = [
            (route, dialect)
            for pattern, route, dialect in self._patterns
            if pattern.fullmatch(path)
        ]
        if fitting:
            return _choose(fitting, request)[1]
        segments = path.split("/")
        best, found = 1, set[int]()
        for at, (route, _) in enumerate(self._owned):
            shared = _shared(route.path.split("/"), segments)
            if shared > best:
                best, found = shared, set()
            if shared == best > 1:
                found.add(at)
        dialects = {self._owned[at][1].name: self._owned[at][1] for at in found}
        return next(iter(dialects.values())) if len(dialects) == 1 else None


class LeadingSlashes(AbstractResource):
    """Takes what begins with several slashes for what begins with one: base URLs end in one, and paths begin so."""

    def __init__(self, router: UrlDispatcher) -> None:
        super().__init__()
        self._router = router

    @property
    def canonical(self) -> str:
        return "/"

    async def resolve(self, request: web.Request) -> Any:
        raw = request.rel_url.raw_path
        if not raw.startswith("//"):
            return None, set()
        meant = URL.build(
            path="/" + raw.lstrip("/"), query_string=request.rel_url.raw_query_string, encoded=True
        )
        found: AbstractMatchInfo = await self._router.resolve(request.clone(rel_url=meant))
        refused = getattr(found, "http_exception", None)
        if refused is None:
            return found, set()
        return None, getattr(refused, "allowed_methods", set())

    def add_prefix(self, prefix: str) -> None:
        raise NotImplementedError

    def url_for(self, **_: str) -> URL:
        return URL("/")

    def get_info(self) -> Any:
        return {}

    def raw_match(self, path: str) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())


def _dispatch(group: Sequence[_Owned]) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        route, dialect = group[0] if len(group) == 1 else _choose(group, request)
        request[DIALECT] = dialect
        return await route.handler(request)

    return handler


def _choose(group: Sequence[_Owned], request: web.Request) -> _Owned:
    for route, dialect in group:
        if route.claims is not None and route.claims(request):
            return route, dialect
    for route, dialect in group:
        if route.claims is None:
            return route, dialect
    return group[0]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(each) for each in _VARIABLE.split(path)))


def _shared(ours: Sequence[str], asked: Sequence[str]) -> int:
    """Return how many segments two paths begin with alike."""
    count = 0
    for mine, other in zip(ours, asked, strict=False):
        if mine != other:
            break
        count += 1
    return count
