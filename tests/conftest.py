"""What holds for all tests."""

from hypothesis import settings

# No test depends on how fast a busy machine is: an example may take as long as it takes
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")
