"""Makes out of the files alone what the catalogue says, where it is lost. Blocks.

Examine each file, conclude, and have the catalogue adopt what was found: that is one transaction, and until then
nothing is touched.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from angarium.lake.accounting import EraAccount
from angarium.lake.engine import Engine
from angarium.lake.examining import Sound, Unsound, examine
from angarium.lake.model import Found, Gone, NewFile, Untouched
from angarium.lake.naming import FileName, read_name
from angarium.lake.rebuilt import LoggedEvents, Rebuilt, There
from angarium.lake.selecting import select
from angarium.lake.spans import Spans


class Rebuilding:
    """Invariant LRB1: of each event that a file has which can be read, or the log, it is said once where it is or that
    it comes; what that cannot be said of is told.
    """

    def __init__(self, engine: Engine, logged: LoggedEvents | None = None) -> None:
        """``engine``: of nobody else. ``logged``: None where no log goes on with what is there."""
        self._engine = engine
        self._spans = Spans(engine)
        self._logged = logged
        # By number
        self._there: dict[int, There] = {}
        self._names: dict[int, FileName] = {}
        self._sound: dict[int, Sound] = {}
        self._unsound: dict[str, Unsound] = {}

    def examine(self, there: There, path: Path) -> bool:
        """Take a file for what it is, and return whether it can be read.

        ``path``: where it is, or what says which events it has; it may be gone afterwards. What was said of one that
        could not be read at another place is taken back. Raises LakeAwayError, OSError: nothing can be concluded.
        """
        name = read_name(there.path)
        assert name is not None
        found = examine(self._engine, path, name)
        if isinstance(found, Unsound):
            self._unsound[there.path] = found
            return False
        self._unsound.pop(there.path, None)
        number = len(self._there)
        self._spans.add(number, path)
        self._there[number], self._names[number], self._sound[number] = there, name, found
        return True

    def conclude(self) -> Rebuilt:
        """Raises LakeAwayError."""
        untouched = [Untouched(path=path, reason=of.reason) for path, of in self._unsound.items()]
        queues = self._queues()
        untouched += self._drop_others(queues)
        counted, shared = select(self._names, self._spans)
        gone: list[Gone] = []
        for number, events in shared.items():
            there, rows = self._there[number], self._sound[number].rows
            if events == rows:
                gone.append(
                    Gone(path=there.path, is_local=there.is_local, is_remote=there.is_remote)
                )
            else:
                text = f"of its {rows} events {events} are in another file, too, and the others in none"
                untouched.append(Untouched(path=there.path, reason=text))
        accounts = [self._account(era, queues, counted) for era in sorted(queues)]
        return Rebuilt(
            found=Found(
                eras=tuple(each.era() for each in accounts),
                files=tuple(self._file(each) for each in counted),
                holes=tuple(hole for each in accounts for hole in each.holes),
                untouched=tuple(sorted(untouched, key=lambda each: each.path)),
                gone=tuple(sorted(gone, key=lambda each: each.path)),
            ),
            eras=tuple(each.told() for each in accounts),
            coming=tuple(stretch for each in accounts for stretch in each.coming),
            lost=tuple(stretch for each in accounts for stretch in each.lost),
            rewind=accounts[-1].rewind if accounts else None,
        )

    def _queues(self) -> dict[int, bytes]:
        """Return whose each era is: of two queues the one that is here, else the one with more events."""
        rows: dict[int, Counter[bytes]] = {}
        for number, name in self._names.items():
            sound = self._sound[number]
            rows.setdefault(name.era, Counter())[sound.queue] += sound.rows
        here = b"" if self._logged is None else self._logged.queue
        return {
            era: max(of, key=lambda each: (each == here, of[each], each))
            for era, of in rows.items()
        }

    def _drop_others(self, queues: dict[int, bytes]) -> Iterator[Untouched]:
        """Two queues that both call their events those of one era: only one of them is this lake's."""
        others = [
            number
            for number, name in self._names.items()
            if self._sound[number].queue != queues[name.era]
        ]
        self._spans.drop(others)
        for number in others:
            name, whose = self._names.pop(number), self._sound[number].queue.hex()
            text = f"it is of the queue {whose}, and era {name.era} here is of {queues[name.era].hex()}"
            yield Untouched(path=name.path, reason=text)

    def _account(self, era: int, queues: dict[int, bytes], counted: Iterable[int]) -> EraAccount:
        known = [self._names[each] for each in counted if self._names[each].era == era]
        broken = [
            name
            for path, said in self._unsound.items()
            if said.is_ours and (name := read_name(path)) is not None and name.era == era
        ]
        queue = queues[era]
        is_here = self._logged is not None and self._logged.queue == queue and era == max(queues)
        earlier = [of for number, of in queues.items() if number < era]
        account = EraAccount(
            era,
            queue,
            known,
            broken,
            self._logged if is_here else None,
            is_first=queue not in earlier,
        )
        # LRB1
        account.take(self._spans.gaps(era, account.start, account.position))
        return account

    def _file(self, number: int) -> NewFile:
        there, name, sound = self._there[number], self._names[number], self._sound[number]
        return NewFile(
            path=name.path,
            hour=name.hour,
            hours=name.hours,
            era=name.era,
            first=name.first,
            last=name.last,
            rows=sound.rows,
            octets=there.octets,
            tenant=sound.tenant,
            revision=name.revision,
            is_part=name.revision == 0,
            is_local=there.is_local,
            is_remote=there.is_remote,
        )
