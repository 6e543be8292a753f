"""What holds for all tests: none depends on how fast the machine is."""

from hypothesis import HealthCheck, settings

from tests.postgres import postgres as postgres

# By default an example that takes longer than 200 ms fails, which on a busy machine any one may
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
