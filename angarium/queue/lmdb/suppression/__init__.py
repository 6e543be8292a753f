"""Suppressions on LMDB, and the failures that may lead to one."""
