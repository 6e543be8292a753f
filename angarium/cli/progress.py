"""Progress bars on stderr, for work that may take long; nothing where nobody watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def count_progress(what: str, total: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """Yield a function that takes how many are done so far, of at most ``total``."""
    with octets_or_count(what, hidden=hidden) as update:
        yield lambda done: update(done, max(total, done))


@contextmanager
def octets_progress(what: str, *, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that takes octets done, and octets in all."""
    with octets_or_count(what, hidden=hidden) as update:
        yield update


@contextmanager
def octets_or_count(what: str, *, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if hidden or not console.is_terminal:
        yield lambda _done, _total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"))
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield update
