"""Where events may go besides URLs: Kafka, NATS, SQS and its likes, syslog.

A sink is a webhook whose URL has another scheme: outbox, order, retries, replay and the log of deliveries are the same.
Start with ``sink`` (what one is) and ``endpoints`` (who chooses). Libraries are extras, imported when one is needed.
"""
