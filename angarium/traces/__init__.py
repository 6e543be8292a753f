"""Traces of messages, from acceptance to the last reply, made of the event log. Start with ``collecting``.

Nothing on the way of a message knows of them. ``otlp`` sends them to a collector, where one is configured.
"""
