"""Mirrors angarium/access/credentials.py."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import argon2
import pytest

from angarium.access import credentials as module
from angarium.access.credential_file import (
    CredentialFileError,
    add_user,
    credential_path,
    remove_user,
    set_password,
    set_rights,
)
from angarium.access.credentials import Credentials, Refused, Throttled, Verified
from angarium.config.schema import ListenerLimits

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CREATED = "2026-11-22T03:12:29+00:00"
CLIENT = "192.0.2.1"


class CountingHasher(argon2.PasswordHasher):
    """The cheap one, which remembers what was verified, and can be held."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str | bytes] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
        self.verified.append(hash)
        return super().verify(hash, password)


class Bench:
    """Credentials with a clock and a sleep of the test's own."""

    def __init__(self, path: Path, **limits: float) -> None:
        self.path = path
        self.now = 1000.0
        self.slept: list[float] = []
        self.wake: asyncio.Event | None = None  # if set, sleepers wait for it
        self.hasher = CountingHasher()
        self.credentials = Credentials(
            path,
            ListenerLimits(**limits),  # type: ignore[arg-type]
            lambda: self.now,
            sleep=self._sleep,
            hasher=self.hasher,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.wake is not None:
            await self.wake.wait()

    async def verify(self, user: str, password: str, client: str = CLIENT) -> object:
        return await self.credentials.verify(user, password, client)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    path = credential_path(tmp_path)
    add_user(
        path, "joe", "secret", senders=["@a.example"], created=CREATED, tenant="t1", hasher=CHEAP
    )
    add_user(path, "ann", "ann's", senders=["*"], created=CREATED, hasher=CHEAP)
    bench = Bench(path, auth_failures_per_client=5, auth_window_s=600, auth_cache_s=300)
    yield bench
    bench.credentials.close()


JOE = Verified(user="joe", tenant="t1", senders=("@a.example",))


async def test_the_right_password_is_verified(bench: Bench) -> None:
    assert await bench.verify("joe", "secret") == JOE
    assert JOE.allows("x@A.example")
    assert not JOE.allows("x@b.example")
    assert not JOE.allows("rubbish")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        *(
            ("joe", "Secret"),
            ("joe", ""),
            ("joe", "x" * 5000),
            ("joe", "\udcff"),
            ("joe", "secret\0"),
        ),
        *(
            ("Joe ", "secret"),
            ("", "secret"),
            ("nobody", "secret"),
            ("\udcff", "secret"),
            ("x" * 5000, "x"),
        ),
    ],
)
async def test_anything_else_is_refused(bench: Bench, user: str, password: str) -> None:
    assert await bench.verify(user, password) == Refused()
    assert bench.credentials.find_cached(user, password) is None


async def test_s13_an_unknown_user_costs_the_same_hash(bench: Bench) -> None:  # CR1
    await bench.verify("joe", "wrong")
    await bench.verify("nobody", "wrong")
    known, unknown = (argon2.extract_parameters(str(each)) for each in bench.hasher.verified)
    assert known == unknown


async def test_passwords_are_compared_as_nfc(bench: Bench) -> None:
    set_password(bench.path, "joe", "caf\u00e9", hasher=CHEAP)
    bench.credentials.reload()
    assert await bench.verify("joe", "cafe\u0301") == JOE


async def test_a_verified_login_is_remembered_for_a_while(bench: Bench) -> None:
    assert bench.credentials.find_cached("joe", "secret") is None
    await bench.verify("joe", "secret")
    assert bench.credentials.find_cached("joe", "secret") == JOE
    assert bench.credentials.find_cached("joe", "secret2") is None
    assert bench.credentials.find_cached("ann", "secret") is None
    await bench.verify("joe", "secret")
    assert len(bench.hasher.verified) == 1
    bench.now += 300
    assert bench.credentials.find_cached("joe", "secret") is None


async def test_a_new_password_ends_the_old_login_at_once(bench: Bench) -> None:  # CR2
    await bench.verify("joe", "secret")
    set_password(bench.path, "joe", "new", hasher=CHEAP)
    assert bench.credentials.find_cached("joe", "secret") is None
    assert await bench.verify("joe", "secret") == Refused()
    assert await bench.verify("joe", "new") == JOE


async def test_changed_rights_hold_at_once_also_for_a_remembered_login(bench: Bench) -> None:
    await bench.verify("joe", "secret")
    set_rights(bench.path, "joe", senders=["@new.example"], tenant="other")
    expected = Verified(user="joe", tenant="other", senders=("@new.example",))
    assert bench.credentials.find_cached("joe", "secret") == expected


async def test_a_new_user_can_log_in_at_once(bench: Bench) -> None:
    assert await bench.verify("new", "secret") == Refused()
    add_user(bench.path, "new", "secret", senders=["*"], created=CREATED, hasher=CHEAP)
    assert await bench.verify("new", "secret") == Verified(
        user="new", tenant="default", senders=("*",)
    )


async def test_a_password_that_changes_while_it_is_hashed_is_the_old_one(bench: Bench) -> None:
    login = asyncio.create_task(bench.verify("joe", "secret"))
    # The hash is with a thread now, whose end is heard of after the next line.
    await asyncio.sleep(0)
    set_password(bench.path, "joe", "new", hasher=CHEAP)
    assert await login == Refused()


async def test_a_removed_user_cannot_log_in(bench: Bench) -> None:
    await bench.verify("joe", "secret")
    remove_user(bench.path, "joe")
    bench.credentials.reload()
    assert bench.credentials.find_cached("joe", "secret") is None
    assert await bench.verify("joe", "secret") == Refused()


async def test_a_broken_file_leaves_the_users_of_before(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.path.write_text("rubbish")
    for _ in range(3):
        bench.now += 2
        assert await bench.verify("joe", "secret") == JOE
    assert [each.levelname for each in caplog.records] == ["ERROR"]  # once, not each second
    with pytest.raises(CredentialFileError):
        bench.credentials.reload()
    assert await bench.verify("joe", "secret") == JOE


async def test_p8_a_file_that_others_may_read_is_refused(bench: Bench) -> None:
    bench.path.chmod(0o640)
    with pytest.raises(CredentialFileError, match="0600"):
        bench.credentials.reload()
    with pytest.raises(CredentialFileError, match="0600"):
        Bench(bench.path)


async def test_without_a_file_nobody_can_log_in(tmp_path: Path) -> None:
    bench = Bench(credential_path(tmp_path))
    assert await bench.verify("joe", "secret") == Refused()
    add_user(
        bench.path,
        "joe",
        "secret",
        senders=["@a.example"],
        created=CREATED,
        tenant="t1",
        hasher=CHEAP,
    )
    bench.now += 1.1
    assert await bench.verify("joe", "secret") == JOE
    bench.credentials.close()


async def test_s13_guessing_is_slowed_and_then_not_looked_at(bench: Bench) -> None:
    for _ in range(5):
        assert await bench.verify("joe", "wrong") == Refused()
    assert bench.slept == [0.25, 0.5]
    hashed = len(bench.hasher.verified)
    assert isinstance(await bench.verify("joe", "secret"), Throttled)  # right, but not looked at
    assert len(bench.hasher.verified) == hashed
    assert await bench.verify("joe", "secret", "192.0.2.2") == JOE
    assert bench.credentials.find_cached("joe", "secret") == JOE
    bench.now += 600
    assert await bench.verify("ann", "ann's") == Verified(
        user="ann", tenant="default", senders=("*",)
    )


async def test_s13_guesses_of_one_ipv6_network_count_together(bench: Bench) -> None:
    for n in range(5):
        await bench.verify("nobody", "x", f"2001:db8::{n}")
    assert isinstance(await bench.verify("joe", "secret", "2001:db8::ffff"), Throttled)
    assert await bench.verify("joe", "secret", "2001:db8:0:1::1") == JOE


async def test_s13_guesses_at_once_count_like_guesses_one_by_one(bench: Bench) -> None:  # CR3
    results = await asyncio.gather(*(bench.verify("joe", f"wrong{n}") for n in range(20)))
    assert results.count(Refused()) == 5
    assert len(bench.hasher.verified) == 5


async def test_many_users_at_one_address_log_in_at_once(bench: Bench) -> None:
    """More of them than failures are allowed: those beyond wait for the others, which may be right."""
    names = [f"user{number}" for number in range(12)]
    for name in names:
        add_user(bench.path, name, name, senders=["*"], created=CREATED, hasher=CHEAP)
    results = await asyncio.gather(*(bench.verify(name, name) for name in names))
    assert [type(each) for each in results] == [Verified] * 12
    right_and_wrong = [bench.verify(name, "wrong") for name in names]
    results = await asyncio.gather(*right_and_wrong, bench.verify("joe", "secret"))
    assert [type(each) for each in results] == [Refused] * 5 + [Throttled] * 8


async def test_s13_a_guess_that_hangs_up_counts(bench: Bench) -> None:
    bench.wake = asyncio.Event()
    for _ in range(3):
        await bench.verify("joe", "wrong")
    for _ in range(2):
        guess = asyncio.create_task(bench.verify("joe", "wrong"))
        await asyncio.sleep(0)
        guess.cancel()
        with pytest.raises(asyncio.CancelledError):
            await guess
    assert isinstance(await bench.verify("joe", "wrong"), Throttled)


async def test_one_users_guesses_from_everywhere_are_limited(bench: Bench) -> None:
    for n in range(5 * module.USER_FACTOR):
        assert await bench.verify("joe", "wrong", f"198.51.100.{n}") == Refused()
    assert isinstance(await bench.verify("joe", "secret", "203.0.113.1"), Throttled)
    assert isinstance(await bench.verify("ann", "ann's", "203.0.113.1"), Verified)
    assert max(bench.slept) == module.MAX_DELAY_S


async def test_successes_are_not_counted_as_failures(bench: Bench) -> None:
    for n in range(20):
        bench.now += 301  # past the cache
        assert await bench.verify("joe", "secret") == JOE, n


async def test_logins_at_once_hash_once(bench: Bench) -> None:
    """As when a client that logs in for each message starts with many connections."""
    results = await asyncio.gather(*(bench.verify("joe", "secret") for _ in range(50)))
    assert results == [JOE] * 50
    assert len(bench.hasher.verified) == 1
    assert not bench.slept  # nor is it taken for guessing


async def test_s13_the_same_guess_at_once_is_one_guess(bench: Bench) -> None:
    results = await asyncio.gather(*(bench.verify("joe", "wrong") for _ in range(50)))
    assert results == [Refused()] * 50
    assert await bench.verify("joe", "secret") == JOE
    assert len(bench.hasher.verified) == 2


async def test_when_the_first_of_many_logins_at_once_hangs_up_the_others_go_on(
    bench: Bench,
) -> None:
    logins = [asyncio.create_task(bench.verify("joe", "secret")) for _ in range(4)]
    await asyncio.sleep(0)
    logins[0].cancel()
    assert await asyncio.gather(*logins[1:]) == [JOE] * 3


async def test_s7_waiting_logins_are_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HASH_WAITERS", 3)
    guesses = (bench.verify(f"u{n}", "x", f"198.51.100.{n}") for n in range(20))
    results = await asyncio.gather(*guesses)
    assert sum(isinstance(each, Throttled) for each in results) == 20 - 3 - module.HASH_THREADS
    monkeypatch.setattr(module, "DELAYED_LOGINS", 0)
    for _ in range(3):
        await bench.verify("joe", "wrong")
    assert isinstance(await bench.verify("joe", "secret"), Throttled)


async def test_s7_remembered_logins_are_bounded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHED_LOGINS", 1)
    await bench.verify("joe", "secret")
    await bench.verify("ann", "ann's")
    assert bench.credentials.find_cached("joe", "secret") is None
    assert bench.credentials.find_cached("ann", "ann's") is not None


async def test_a_user_is_found_whatever_the_case_of_what_was_typed(tmp_path: Path) -> None:
    path = credential_path(tmp_path)
    add_user(path, "Jörg@a.example", "secret", senders=["*"], created=CREATED, hasher=CHEAP)
    bench = Bench(path, auth_failures_per_client=5, auth_window_s=600, auth_cache_s=300)
    known = Verified(user="Jörg@a.example", tenant="default", senders=("*",))
    assert await bench.verify("JO\u0308RG@A.example", "secret") == known
    assert bench.credentials.find_cached("jörg@A.EXAMPLE", "secret") == known
    assert await bench.verify("jorg@a.example", "secret") == Refused()
    bench.credentials.close()


async def test_other_spellings_of_a_name_share_its_failures_s13(bench: Bench) -> None:
    for name in ("joe", "Joe", "JOE", "jOe", "joE"):
        await bench.verify(name, f"wrong {name}")
    assert isinstance(await bench.verify("joe", "secret"), Throttled)


async def test_users_of_an_old_file_that_differ_in_case_stay_two(tmp_path: Path) -> None:
    path = credential_path(tmp_path)
    add_user(path, "App", "one", senders=["*"], created=CREATED, hasher=CHEAP)
    line = path.read_text().splitlines()[1]
    with path.open("a") as file:
        file.write(line.replace('"App"', '"app"').replace('"*"', '"@b.example"') + "\n")
    bench = Bench(path, auth_failures_per_client=5, auth_window_s=600, auth_cache_s=300)
    for name, senders in (("App", ("*",)), ("app", ("@b.example",))):
        verified = Verified(user=name, tenant="default", senders=senders)
        assert await bench.verify(name, "one") == verified
    assert await bench.verify("APP", "one") == Refused()
    bench.credentials.close()


async def test_of_a_name_that_is_no_users_only_a_digest_is_shown_p8(bench: Bench) -> None:
    shown = bench.credentials.shown_name
    assert shown("JOE") == "joe"
    secret = shown("Hunter2!")
    assert re.fullmatch("unknown:[0-9a-f]{8}", secret)
    assert shown("hunter2!") == secret != shown("hunter3!")
    other = Bench(bench.path)
    assert other.credentials.shown_name("Hunter2!") != secret  # of another key
    other.credentials.close()
