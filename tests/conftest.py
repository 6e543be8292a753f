"""What holds for all tests: none depends on how fast the machine is."""

import os

from hypothesis import HealthCheck, settings

from tests.postgres import postgres as postgres
from tests.uploads.bucket.stubs import s3_stub as s3_stub

# By default an example that takes longer than 200 ms fails, which on a busy machine any one may
CHECKS = [HealthCheck.too_slow]
settings.register_profile("unhurried", deadline=None, max_examples=50, suppress_health_check=CHECKS)
settings.register_profile("thorough", deadline=None, suppress_health_check=CHECKS)
# bin/test --faults looks longer; it is the same test
settings.load_profile(os.environ.get("EXAMPLES", "unhurried"))
