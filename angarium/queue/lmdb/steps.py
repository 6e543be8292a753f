"""Long work on the queue, cut into short steps: written once, run beside an event loop or blocking.

A generator yields an Operation, and is sent its result once that is durable; or None between two reads, for whatever
else there is to do. No read transaction is open while it yields.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from angarium.queue.lmdb.transaction import Operation
from angarium.queue.spool import QueueError

_T = TypeVar("_T")
Steps = Generator[Operation | None, Any, _T]


def run_steps(steps: Steps[_T], transact: Callable[[Operation], Any]) -> _T:
    """Blocks. What ``transact`` raises is raised in the steps, where the operation was yielded."""
    try:
        operation = next(steps)
        while True:
            try:
                result = None if operation is None else transact(operation)
            except QueueError as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
    except StopIteration as stop:
        value: _T = stop.value
        return value


async def follow_steps(steps: Steps[_T], submit: Callable[[Operation], Awaitable[Any]]) -> _T:
    """The same on the event loop, which runs on between the steps."""
    try:
        operation = next(steps)
        while True:
            result: Any = None
            try:
                if operation is None:
                    await asyncio.sleep(0)
                else:
                    result = await submit(operation)
            except QueueError as error:
                operation = steps.throw(error)
            else:
                operation = steps.send(result)
    except StopIteration as stop:
        value: _T = stop.value
        return value
    finally:
        steps.close()
