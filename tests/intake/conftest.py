import pytest

from tests.intake.order_fixture import Fixture


@pytest.fixture
async def fixture() -> Fixture:
    return Fixture()
