"""``bin/bench lake``: events a second into files, octets of an event, and a report over a hundred million.

The events of the report are made by DuckDB, in the shape of what a busy server has in 90 days, as compaction leaves
them: of each day a file of its large tenant, and one of all others. Every third day is the same one, so that making
them takes minutes and not an hour; reading them costs what it would.
"""

import asyncio
import resource
import shutil
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.table import Table

from angarium.config.schema import Config, Lake, Server
from angarium.lake.asking.answering import Asked, Asker
from angarium.lake.asking.question import Answer
from angarium.lake.catalogue import Catalogue
from angarium.lake.columns import ORDER
from angarium.lake.engine import ROW_GROUP, Engine
from angarium.lake.folder import Folder, lake_folder
from angarium.lake.labels import LabelFinder
from angarium.lake.model import DAY_HOURS, HOUR_MS, Era, NewFile
from angarium.lake.naming import FileName
from angarium.lake.opening import open_for_writing
from angarium.lake.writing import LakeWriter
from angarium.queue import MessageAccepted, MessageId, Position
from bench.history import BEGAN, made_events
from bench.machine import describe
from bench.peer import work_folder
from bench.report import console, print_machine, save

BATCH: Final = 500  # events, as the platform's follower has them
FLUSH: Final = 50_000  # as lake.flush_rows
DAYS: Final = 90
DISTINCT: Final = 3  # days that are made; the others are the same files under other names
ROUNDS: Final = 3
LARGE: Final = 3  # of five events are of the large tenant
REPORTS: Final = {
    "rates by provider and day": """
        SELECT provider, date_trunc('day', ts) AS day,
            count(*) FILTER (event = 'delivered') AS delivered, count(*) FILTER (event = 'bounced') AS bounced,
            count(*) FILTER (event = 'bounced') / count(*) AS bounce_rate
        FROM events WHERE event IN ('delivered', 'bounced', 'expired') GROUP BY ALL ORDER BY ALL""",
    "events by name": "SELECT event, count(*) FROM events GROUP BY ALL",
    "delivery time by provider": """
        SELECT provider, approx_quantile(delay_ms, [0.5, 0.95, 0.99]) FROM events WHERE event = 'delivered'
        GROUP BY ALL""",
    "readers by campaign": """
        SELECT campaign, approx_count_distinct(recipient) FROM events
        WHERE event = 'opened' AND verdict = 'human' GROUP BY ALL""",
}


def run(folder: Path, messages: int, events: int) -> None:
    machine = describe(folder)
    print_machine(machine)
    work = work_folder(folder, "lake")
    try:
        results = _write(work / "written", messages) | _ask(work / "asked", events)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    table = Table(
        title=f"{2 * messages:,} events written; {events:,} asked about, median of {ROUNDS}"
    )
    table.add_column("")
    table.add_column("", justify="right")
    for name, value in results.items():
        table.add_row(name, f"{value:,}")
    console.print(table)
    save("lake", machine, results=results)


def _write(data_dir: Path, messages: int) -> dict[str, Any]:
    made = made_events(messages)
    folder = Folder(data_dir)
    catalogue, engine = open_for_writing(folder, BEGAN)
    writer = LakeWriter(folder, catalogue, engine)
    writer.begin(b"bench", 0)
    labels = LabelFinder(None, _nobody)
    batches = [
        [Position(start + at + 1, each) for at, each in enumerate(made[start : start + BATCH])]
        for start in range(0, len(made), BATCH)
    ]

    async def follow() -> None:
        for batch in batches:
            writer.add(batch, await labels.find(batch))
            if writer.waiting >= FLUSH:
                writer.flush(BEGAN)
        writer.flush(BEGAN)

    began, by_clock = time.process_time(), time.monotonic()
    asyncio.run(follow())
    took, waited = time.process_time() - began, time.monotonic() - by_clock
    octets = catalogue.sizes()[2]
    engine.close()
    catalogue.close()
    return {
        "events/s of processor time": round(len(made) / took),
        "events/s by the clock": round(len(made) / waited),
        "octets an event": round(octets / len(made), 1),
    }


async def _nobody(_: MessageId) -> MessageAccepted | None:
    return None


def _ask(data_dir: Path, events: int) -> dict[str, Any]:
    config = Config(
        server=Server(hostname="mx.example.com", data_dir=str(data_dir)),
        lake=Lake(enabled=True, query_s=120.0),
    )
    folder = Folder(lake_folder(config))
    catalogue, engine = open_for_writing(folder, BEGAN)
    began = time.monotonic()
    octets = _make(folder, catalogue, engine, events)
    results: dict[str, Any] = {
        "of the report: made in s": round(time.monotonic() - began),
        "of the report: octets an event": round(octets / events, 1),
        "of the report: files": catalogue.sizes()[0],
    }
    engine.close()
    catalogue.close()
    for name, sql in REPORTS.items():
        results[f"s, {name}"], results[f"s of processor, {name}"] = _asked_s(config, sql, None)
    for tenant in ("large", "small1"):
        name = "rates by provider and day"
        whose = f"{name}, tenant {tenant}"
        results[f"s, {whose}"], results[f"s of processor, {whose}"] = _asked_s(
            config, REPORTS[name], tenant
        )
    return results


def _asked_s(config: Config, sql: str, tenant: str | None) -> tuple[float, float]:
    took, used = [], []
    for _ in range(ROUNDS):
        began, before = time.monotonic(), _processor_s()
        said = asyncio.run(Asker(config).ask(Asked(sql=sql, tenant=tenant)))
        took.append(time.monotonic() - began)
        used.append(_processor_s() - before)
        assert isinstance(said, Answer), said
        assert said.count
    return round(median(took), 2), round(median(used), 2)


def _processor_s() -> float:
    """Of processes that have ended, which is what questions are asked in."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _make(folder: Folder, catalogue: Catalogue, engine: Engine, events: int) -> int:
    """Return the octets of the files."""
    era = catalogue.begin_era(b"bench", 0)
    a_day = events // DAYS
    begin = BEGAN // HOUR_MS // DAY_HOURS * DAY_HOURS
    files: list[NewFile] = []
    for day in range(DISTINCT):
        place = folder.unfinished()
        select = _select(begin + day * DAY_HOURS, day * a_day, a_day)
        engine.ask(
            f"COPY ({select}) TO '{place}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP},"
            " PARTITION_BY (piece_made))"
        )
        for made in sorted(place.glob("*/*.parquet")):
            piece = int(made.parent.name.partition("=")[2])
            [(rows,)] = engine.ask(f"SELECT num_rows FROM parquet_file_metadata('{made}')")
            for later in range(day, DAYS, DISTINCT):
                hour = begin + later * DAY_HOURS
                files.append(_file(folder, era, made, hour, piece, later * a_day, rows))
        shutil.rmtree(place)
    position = a_day * DAYS
    reached = Era(id=era.id, queue=era.queue, start=0, position=position, skipped=0, forgotten=0)
    catalogue.append(reached, files, BEGAN)
    return sum(each.octets for each in files)


def _file(
    folder: Folder, era: Era, made: Path, hour: int, piece: int, first: int, rows: int
) -> NewFile:
    name = FileName(
        hour=hour,
        hours=DAY_HOURS,
        first=first + 1,
        last=first + rows,
        era=era.id,
        piece=piece,
        pieces=2,
        revision=2,
    )
    path = folder.locate(name.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.hardlink_to(made)
    return NewFile(
        path=name.path,
        hour=hour,
        hours=DAY_HOURS,
        era=era.id,
        first=name.first,
        last=name.last,
        rows=rows,
        octets=path.stat().st_size,
        tenant="large" if piece == 1 else None,
        revision=2,
        is_part=False,
    )


def _select(hour: int, first: int, a_day: int) -> str:
    """Of ten events four are acceptances, and what follows; recipients are of a million, as lists are."""
    who = f"(hash(x // 5 + {hour}) % 1000000)"
    return f"""
    WITH made AS (
        SELECT x, x % 10 AS kind, {who} AS who, {who} % 9 AS site, x // 10 AS mail
        FROM range({first}, {first + a_day}) t(x)),
    named AS (
        SELECT *, CASE WHEN kind < 4 THEN 'accepted' WHEN kind < 7 THEN 'delivered' WHEN kind = 7 THEN 'opened'
            WHEN kind = 8 AND who % 5 = 0 THEN 'bounced' WHEN kind = 8 THEN 'deferred'
            WHEN who % 4 = 0 THEN 'clicked' ELSE 'delivered' END AS event FROM made),
    told AS (SELECT *, event IN ('delivered', 'deferred', 'bounced') AS tried, event IN ('opened', 'clicked') AS seen
        FROM named)
    SELECT (x + 1)::BIGINT AS sequence, 1::INTEGER AS era,
        make_timestamp_ms({hour * HOUR_MS} + (x - {first}) * {DAY_HOURS * HOUR_MS} // {a_day})::TIMESTAMP_MS AS ts,
        event,
        CASE WHEN x % 5 < {LARGE} THEN 1 ELSE 2 END AS piece_made,
        md5(concat(mail, 'm'))::UUID AS message_id, 0::INTEGER AS recipient_index,
        concat('user', who, '@site', site, '.example') AS recipient,
        concat('site', site, '.example') AS recipient_domain,
        1::INTEGER AS recipients, CASE WHEN x % 5 < {LARGE} THEN 'large' ELSE concat('small', who % 20) END AS tenant,
        'news' AS stream, concat('cmp_', mail // 50000) AS campaign, ['a', concat('b', who % 20)] AS tags,
        NULL::VARCHAR AS template, NULL::INTEGER AS template_version, 'shop.example' AS sender_domain,
        CASE WHEN tried THEN concat('provider', site) END AS provider,
        CASE WHEN tried THEN concat('source', who % 4) END AS source,
        CASE WHEN tried THEN concat('mx', who % 3, '.site', site, '.example') END AS host,
        CASE WHEN tried THEN concat('192.0.2.', who % 200) END AS ip, CASE WHEN tried THEN 'final_dot' END AS stage,
        CASE WHEN tried THEN 'TLSv1.3' END AS tls,
        CASE event WHEN 'delivered' THEN 250 WHEN 'deferred' THEN 451 WHEN 'bounced' THEN 550 END::SMALLINT AS code,
        CASE event WHEN 'delivered' THEN '2.0.0' WHEN 'deferred' THEN '4.7.1' WHEN 'bounced' THEN '5.1.1' END
            AS enhanced,
        CASE event WHEN 'deferred' THEN 'greylisted' WHEN 'bounced' THEN 'user_unknown' END AS class,
        CASE event WHEN 'delivered' THEN concat('OK ', hash(x)) WHEN 'deferred' THEN 'try again later'
            WHEN 'bounced' THEN 'no such user here' END AS reply,
        CASE WHEN tried THEN 1 END::INTEGER AS attempt, CASE WHEN tried THEN hash(x) % 60000 END::BIGINT AS queue_ms,
        (hash(x) % 600000)::BIGINT AS delay_ms,
        CASE WHEN seen THEN CASE WHEN who % 3 = 0 THEN 'machine' ELSE 'human' END END AS verdict,
        CASE WHEN seen AND who % 3 = 0 THEN ['early'] END AS reasons,
        CASE event WHEN 'clicked' THEN concat('https://shop.example/offer/', who % 30) END AS url,
        CASE event WHEN 'clicked' THEN who % 30 END::INTEGER AS link,
        CASE WHEN seen THEN concat('198.51.100.0 Browser/', who % 50) END AS client,
        CASE event WHEN 'accepted' THEN 20000 + who % 5000 END::BIGINT AS size_octets, NULL::VARCHAR[] AS addresses,
        CASE event WHEN 'accepted' THEN concat('{{"subject":"Offer ', who % 30, '","message_id_header":"<', mail,
            '@shop.example>"}}')
            WHEN 'delivered' THEN '{{"tls_cipher":"TLS_AES_256_GCM_SHA384","tls_verified":true}}' END AS fields
    FROM told ORDER BY {", ".join(ORDER)}"""
