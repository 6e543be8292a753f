"""``python -m angarium.sendmail``: the command, without its name being installed."""

from angarium.sendmail.main import main

main()
