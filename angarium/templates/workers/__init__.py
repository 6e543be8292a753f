"""Rendering in processes of their own, where a hostile template harms nobody.

Start with ``pool.RenderPool``, the ``Renderer`` of a server's process; ``worker`` is what runs in each of its workers,
``confinement`` what a worker may not do. A worker imports nothing of the server.
"""
