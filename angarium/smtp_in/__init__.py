"""Receiving mail: listeners, their sessions' sockets, who may log in, and what becomes of a message.

Start with ``listener`` (accepts connections) and ``intake`` (turns a received message into a submission);
``credentials`` knows users. This package knows nothing of delivery, and of the queue only what it hands over.
"""
