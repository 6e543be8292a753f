"""The ``postmaster`` command line. Start with ``main``; knows everything, is imported by nothing."""
