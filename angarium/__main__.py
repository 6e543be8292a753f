"""``python -m angarium`` is the postmaster command."""

from angarium.cli.main import main

main()
