"""Mirrors angarium/tenancy/plan.py, plan_change.py and what the stores and the snapshot have of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import angarium.tenancy
from angarium.queue.terms import Quota, Terms
from angarium.tenancy import NotFoundError, Plan, PlanChange, SnapshotFile, TenancyError
from angarium.tenancy.database import Database
from angarium.tenancy.plan import UNLIMITED
from angarium.tenancy.platform import Platform
from tests.tenancy.audited import audit_entries


def test_a_plan_is_changed_bit_by_bit_and_limits_are_taken_away(platform: Platform) -> None:
    platform.tenants.create("shop")
    change = PlanChange(per_day=10_000, per_second=5, over_quota="wait", streams=("bulk", "news"))
    changed = platform.tenants.change_plan("shop", change)
    assert changed.plan == Plan(
        per_second=5, per_day=10_000, over_quota="wait", streams=("bulk", "news")
    )
    assert changed.plan.quotas == (
        Quota(period="second", limit=5),
        Quota(period="day", limit=10_000),
    )
    again = PlanChange(per_second=0, streams=(), rate=50, pools=("own",))
    platform.tenants.change_plan("shop", again)
    found = platform.tenants.find("shop").plan
    assert found == Plan(per_day=10_000, over_quota="wait", rate=50, pools=("own",))
    assert platform.tenants.find("default").plan == UNLIMITED
    entry = audit_entries(platform)[0]
    assert (entry.action, entry.tenant) == ("tenant.plan_changed", "shop")
    assert entry.details == {"rate": "50", "per_day": "10000", "over_quota": "wait", "pools": "own"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (PlanChange(per_day=-1), "per_day"),
        (PlanChange(per_month=10**13), "per_month"),
        (PlanChange(rate=2_000_000), "rate"),
        (PlanChange(streams=("a b",)), "streams"),
        (PlanChange(pools=("a,b",)), "pools"),
    ],
)
def test_what_cannot_be_a_plan_is_refused_by_its_field(
    platform: Platform, change: PlanChange, field: str
) -> None:
    with pytest.raises(TenancyError) as refused:
        platform.tenants.change_plan("default", change)
    assert refused.value.field == field
    assert platform.tenants.find("default").plan == UNLIMITED


def test_nobody_has_the_plan_of_a_tenant_that_is_not_there(platform: Platform) -> None:
    with pytest.raises(NotFoundError):
        platform.tenants.change_plan("nobody", PlanChange(per_day=1))


def test_the_snapshot_has_terms_and_plans(
    open_platform: Callable[..., Platform], url: str, tmp_path: Path
) -> None:
    platform = open_platform(url)
    platform.tenants.create("shop")
    platform.tenants.change_plan("shop", PlanChange(per_hour=7, over_quota="wait"))
    platform.publish()
    current = SnapshotFile(platform._data_dir).current
    quotas = (Quota(period="hour", limit=7),)
    assert current.terms("shop") == Terms(tenant="shop", quotas=quotas, over_quota="wait")
    assert current.terms("default") == Terms(tenant="default")
    assert current.terms("nobody") == Terms(tenant="nobody")
    assert current.plan("shop").per_hour == 7
    assert current.plan("nobody") == UNLIMITED


def test_a_database_of_before_plans_gets_them(url: str, tmp_path: Path) -> None:
    database = Database.open(url, tmp_path)
    folder = Path(angarium.tenancy.__file__).parent / "migrations"
    with database._engine.connect() as connection:
        connection = connection.execution_options(writes=True)
        with connection.begin():
            names = [
                each
                for each in sa.inspect(connection).get_table_names()
                if not each.startswith("sqlite_")
            ]
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"DROP TABLE {', '.join(names)} CASCADE")
            else:
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                for name in names:
                    connection.exec_driver_sql(f'DROP TABLE "{name}"')
            config = Config()
            config.set_main_option("script_location", str(folder))
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            columns = [each["name"] for each in sa.inspect(connection).get_columns("tenant")]
            assert "per_day" not in columns
    database.close()
    again = Database.open(url, tmp_path)
    with again.reading() as connection:
        row = connection.execute(sa.text("SELECT * FROM tenant")).one()
        assert (row.name, row.active, row.per_day, row.over_quota) == (
            "default",
            True,
            None,
            "refuse",
        )
    again.close()


@pytest.mark.parametrize(
    ("plan", "stream", "pool", "refused"),
    [
        (Plan(), "bulk", "shared", None),
        (Plan(streams=("bulk",)), "bulk", None, None),
        (
            Plan(streams=("bulk",)),
            "default",
            None,
            "the stream default is not in this tenant's plan: bulk",
        ),
        (Plan(pools=("own",)), "default", None, None),
        (Plan(pools=("own",)), "default", "own", None),
        (
            Plan(pools=("own",)),
            "bulk",
            "shared",
            "the stream bulk leaves by the pool shared, which is not in this tenant's plan",
        ),
    ],
)
def test_streams_and_their_pools_are_those_of_the_plan(
    plan: Plan, stream: str, pool: str | None, refused: str | None
) -> None:
    assert plan.find_refusal(stream, pool) == refused
