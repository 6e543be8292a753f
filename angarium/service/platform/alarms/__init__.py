"""Alarms in the platform process: what is measured, what follows of it on disk, and who is told.

``parts`` puts it together; ``watch`` looks, ``teller`` tells. When an alarm is raised and whom to tell is
``angarium.alarms``'.
"""
