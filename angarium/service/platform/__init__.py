"""The platform role: followers of the event log, and all that is done from time to time."""
