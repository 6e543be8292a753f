"""Each fault of the proxy, seen by a client of an echo server behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from angarium.simulator.fault_proxy import Fault, FaultProxy


@asynccontextmanager
async def echo_behind(fault: Fault | None) -> AsyncIterator[FaultProxy]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(65536):
                writer.write(octets)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1], fault) as proxy:
            yield proxy
    finally:
        server.close()


@asynccontextmanager
async def connection(
    proxy: FaultProxy,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        async with asyncio.timeout(10):
            yield reader, writer
    finally:
        writer.close()


async def test_without_a_fault_everything_passes_and_half_close_too() -> None:
    async with echo_behind(None) as proxy, connection(proxy) as (reader, writer):
        writer.write(b"x" * 300_000)
        writer.write_eof()
        assert len(await reader.read()) == 300_000
        assert proxy.connections == 1


async def test_octets_are_delayed() -> None:
    fault = Fault(delay_s=0.1, direction="to_server")
    async with echo_behind(fault) as proxy, connection(proxy) as (reader, writer):
        started = asyncio.get_running_loop().time()
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        assert asyncio.get_running_loop().time() - started >= 0.099


async def test_a_slow_reader_takes_its_time() -> None:
    fault = Fault(octets_per_s=1000, block_octets=50, direction="to_server")
    async with echo_behind(fault) as proxy, connection(proxy) as (reader, writer):
        started = asyncio.get_running_loop().time()
        writer.write(b"x" * 200)
        await reader.readexactly(200)
        assert asyncio.get_running_loop().time() - started >= 0.19


async def test_a_reset_comes_right_behind_its_octet() -> None:
    fault = Fault(reset_after_octets=3, direction="to_client")
    async with echo_behind(fault) as proxy, connection(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(3) == b"hel"
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)


async def test_a_close_comes_right_behind_its_octet() -> None:
    fault = Fault(close_after_octets=3, direction="to_client")
    async with echo_behind(fault) as proxy, connection(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.read(-1) == b"hel"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(swallow_after_octets=2, direction="to_server"),
        Fault(stop_after_octets=2, direction="to_server"),
    ],
)
async def test_swallowed_octets_and_half_open_connections_stay_silent(fault: Fault) -> None:
    async with echo_behind(fault) as proxy, connection(proxy) as (reader, writer):
        writer.write(b"hello")
        assert await reader.readexactly(2) == b"he"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)


async def test_only_the_first_connections_have_a_fault_that_says_so() -> None:
    fault = Fault(close_after_octets=0, connections=1)
    async with echo_behind(fault) as proxy:
        async with connection(proxy) as (reader, _):
            assert await reader.read() == b""
        async with connection(proxy) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"


async def test_all_connections_can_be_reset_at_once() -> None:
    async with echo_behind(None) as proxy, connection(proxy) as (reader, writer):
        writer.write(b"hello")
        await reader.readexactly(5)
        proxy.reset_all()
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)


async def test_a_target_that_is_down_closes_the_client() -> None:
    async with echo_behind(None) as proxy:
        pass
    async with (
        FaultProxy("127.0.0.1", proxy.port) as behind_nothing,
        connection(behind_nothing) as (
            reader,
            _,
        ),
    ):
        assert await reader.read() == b""
