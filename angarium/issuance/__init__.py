"""Certificates that an authority issues to us by ACME (RFC 8555), for hosts that links in tracked mail lead to.

``schedule`` says when, ``authority`` carries an order out, ``trouble`` says in words what went wrong, and ``store`` has
what is on disk. One process orders; all of a server read what is there.
"""
