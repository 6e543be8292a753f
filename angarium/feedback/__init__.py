"""What comes back about mail that was sent, understood: replies, bounces, complaints, unsubscribes. Pure.

Start with ``classes`` (what a refusal can mean) and ``report`` (what a mail that came back says).
"""
