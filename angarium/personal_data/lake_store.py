"""The lake's files, here and in the bucket: rows stay, without the address."""

from collections.abc import Iterator
from typing import Final

import msgspec

from angarium.config.schema import Config
from angarium.lake import persons
from angarium.lake.model import LakeAwayError
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject

_OF_ALL: Final = "the lake's files are of all tenants: erase without --tenant"


class LakeStore:
    name = "lake"

    def __init__(self, config: Config) -> None:
        self._config = config

    def find(self, subject: Subject) -> Iterator[Found]:
        try:
            for row in persons.find(self._config, subject.person.address):
                if subject.tenant in (None, row.get("tenant")):
                    yield Found(data=msgspec.to_builtins(row, str_keys=True))
        except LakeAwayError as error:
            raise StoreAwayError(str(error)) from error

    def erase(self, subject: Subject) -> Erased:
        if subject.tenant is not None:
            has = next(self.find(subject), None) is not None
            return Erased(left=(_OF_ALL,) if has else ())
        try:
            done = persons.erase(self._config, subject.person.address)
        except LakeAwayError as error:
            raise StoreAwayError(str(error)) from error
        return Erased(changed=done.rows)
