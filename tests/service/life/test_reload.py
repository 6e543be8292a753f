"""Mirrors angarium/service/life/reload.py and role_table.py: what each role reads, and what a change calls for."""

import inspect
from pathlib import Path

import msgspec
import pytest

from angarium.config.loader import parse
from angarium.config.schema import Config
from angarium.service.life.reload import all_keys, plan_reload
from angarium.service.role_table import READ_ONCE, ROLES, Reads, RoleSpec, RoleTable, import_run

BASE = '[server]\nhostname = "mx.example.com"\n'
HTTP = '[[listener]]\nkind = "http"\naddress = "127.0.0.1:8025"\n'


def config(text: str = "") -> Config:
    return parse(BASE + text, Path("/etc/angarium/angarium.toml"))


def role(name: str, *after: str) -> RoleSpec:
    return RoleSpec(name=name, run="a:b", count=lambda _: 1, reads=Reads(), drains_after=after)


# --- the table ------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", tuple(ROLES), ids=lambda spec: spec.name)
def test_every_key_of_the_configuration_is_read_at_the_start_live_or_never(spec: RoleSpec) -> None:
    """A new table, or a new key of [delivery], must be entered for each role: or its change would be lost."""
    keys = [key for key in all_keys() if key.partition(".")[0] not in READ_ONCE]
    assert [key for key in keys if spec.reads.find(key) is None] == []


@pytest.mark.parametrize("spec", tuple(ROLES), ids=lambda spec: spec.name)
def test_the_table_names_nothing_that_is_not_in_the_configuration(spec: RoleSpec) -> None:
    named = [*spec.reads.at_start, *spec.reads.live, *spec.reads.never]
    known = {*all_keys(), *Config.__struct_fields__} - set(READ_ONCE)
    assert [name for name in named if name not in known] == []
    assert len(set(named)) == len(named)


def test_a_forgotten_table_is_noticed() -> None:
    reads = Reads(at_start=("delivery.port",), never=("route",))
    assert reads.find("delivery.port") == "at_start"
    assert reads.find("delivery.tls") is None
    assert reads.find("route") == "never"
    assert reads.find("pool") is None


def test_a_key_wins_over_its_table() -> None:
    reads = Reads(live=("delivery",), at_start=("delivery.port",))
    assert (reads.find("delivery.tls"), reads.find("delivery.port")) == ("live", "at_start")


@pytest.mark.parametrize("spec", tuple(ROLES), ids=lambda spec: spec.name)
def test_what_a_role_runs_is_there(spec: RoleSpec) -> None:
    assert inspect.iscoroutinefunction(import_run(spec.run))


def test_who_writes_the_log_ends_after_those_it_writes_of_rl1() -> None:
    first = frozenset({"delivery", "feedback", "campaigns"})
    stages = (first, frozenset({"ingress"}), frozenset({"platform"}))
    assert ROLES.drain_stages == stages


def test_the_order_of_the_end_is_as_the_table_says_rl1() -> None:
    table = RoleTable([role("a", "c"), role("b"), role("c", "b")])
    assert table.drain_stages == (frozenset("b"), frozenset("c"), frozenset("a"))


@pytest.mark.parametrize(
    "roles", [[role("a", "a")], [role("a", "b"), role("b", "a")], [role("a", "x")]]
)
def test_an_order_that_has_no_end_is_refused(roles: list[RoleSpec]) -> None:
    with pytest.raises(ValueError, match="drain after"):
        RoleTable(roles)


def test_two_roles_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="one name"):
        RoleTable([role("a"), role("a")])


def test_slots_are_as_configured_in_the_order_of_their_start() -> None:
    names = [each.name for each in ROLES.slots(config("ingress_processes = 2\n"))]
    assert names == ["ingress-0", "ingress-1", "delivery-0", "platform-0"]
    single = [each.name for each in ROLES.single_slots(config())]
    assert single == ["ingress-0", "delivery-0", "platform-0"]


def test_what_comes_back_is_read_by_a_process_where_it_is_wanted() -> None:
    used = config('[feedback]\nmaildir = "md"\n')
    assert [each.name for each in ROLES.slots(used)][-2:] == ["feedback-0", "platform-0"]
    assert "feedback-0" in [each.name for each in ROLES.single_slots(used)]


# --- reloads --------------------------------------------------------------------------------


def test_what_a_reload_cannot_change_is_named_and_stays() -> None:
    old = config(HTTP)
    new = config('data_dir = "/x"\n' + HTTP.replace("8025", "8026") + "[queue]\npartitions = 4\n")
    plan = plan_reload(ROLES, old, new, can_renew=True)
    assert plan.restart == [
        *("server.data_dir", "queue.partitions"),
        # The default ones are in the data directory
        *("feedback.key_file", "tracking.key_file", "listener"),
    ]
    assert plan.config == msgspec.structs.replace(old, log=new.log)
    # The default mail log is in the data directory.
    assert plan.anew == {"platform": ["log.mail_log"]}


@pytest.mark.parametrize(
    ("more", "anew"),
    [
        ("", {}),
        ("[dns]\nmx_hosts = 3\n", {}),
        ('[[route]]\ndomain = "a.test"\n', {}),
        ('[[provider]]\nname = "a"\ndomains = ["a.test"]\n', {}),
        ('[[source]]\nname = "a"\n', {}),
        ('[dkim]\nkeys = [{domain="a.b", selector="s", file="f"}]\n', {}),
        ("[dkim]\nthreads = 2\n", {}),
        ('[log]\nmail_log = "-"\n', {"platform": ["log.mail_log"]}),
        ('[log]\nlevel = "debug"\n', {}),
        ("[delivery]\nretry_s = [1]\n", {}),
        ("[delivery]\nconnections = 3\n", {}),
        ("[delivery]\npoll_s = 3\nexpire_s = 1e6\n", {}),
    ],
)
def test_a_reload_renews_only_whom_it_concerns(more: str, anew: dict[str, list[str]]) -> None:
    plan = plan_reload(ROLES, config(), config(more), can_renew=True)
    assert plan.anew == anew
    assert plan.restart == []
    assert plan.config == config(more)


def test_no_reload_renews_a_delivery_process() -> None:
    """Its connections may wait for the last reply to a message, and a cut one is sent again."""
    assert not ROLES.find("delivery").reads.at_start


def test_changed_limits_of_a_listener_renew_the_ingress() -> None:
    changed = config(HTTP + "[listener.limits]\nconnections = 5\n")
    plan = plan_reload(ROLES, config(HTTP), changed, can_renew=True)
    assert plan.anew == {"ingress": ["listener"]}
    assert plan.config.listener[0].limits.connections == 5


def test_where_no_process_can_be_renewed_its_keys_wait_for_a_restart_and_stay() -> None:
    """Each time they are named again, and who takes the rest in place is not told of them."""
    old = config()
    new = config('[log]\nmail_log = "-"\n[[provider]]\nname = "a"\ndomains = ["a.test"]\n')
    for _ in range(2):
        plan = plan_reload(ROLES, old, new, can_renew=False)
        assert plan.restart == ["log.mail_log"]
        assert plan.anew == {}
        assert plan.config == msgspec.structs.replace(new, log=old.log)
        old = plan.config
