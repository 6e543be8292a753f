"""What goes where: ``postmaster top``, ``providers``, ``sources``, ``forecast`` and ``connections``."""
