"""Takes out of a file's tables what is at fault, so that the rest can be looked at. Pure."""

from collections.abc import Sequence
from typing import Any

from angarium.config.error import KeyPath


def take_out(tree: Any, path: KeyPath) -> bool:
    """Delete what stands at ``path`` of nested dicts and lists. Returns whether there was anything."""
    *above, last = path
    for step in above:
        tree = _below(tree, step)
    if isinstance(tree, dict) and last in tree:
        del tree[last]
        return True
    if isinstance(tree, list) and isinstance(last, int) and last < len(tree):
        del tree[last]
        return True
    return False


def _below(tree: Any, step: str | int) -> Any:
    if isinstance(tree, dict):
        return tree.get(str(step))
    if isinstance(tree, Sequence) and isinstance(step, int) and step < len(tree):
        return tree[step]
    return None
