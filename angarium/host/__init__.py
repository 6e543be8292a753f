"""What the machine gives a server: whom to become, ports to listen at, exit codes to end with.

Knows nothing of mail. Import from its modules.
"""
