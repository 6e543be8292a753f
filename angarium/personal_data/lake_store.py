"""The lake's files, here and in the bucket: rows stay, without the person."""

from collections.abc import Iterator

import msgspec

from angarium.config.schema import Config
from angarium.lake import persons
from angarium.lake.model import LakeAwayError
from angarium.personal_data.store import Erased, Found, StoreAwayError, Subject


class LakeStore:
    name = "lake"

    def __init__(self, config: Config) -> None:
        self._config = config

    def find(self, subject: Subject) -> Iterator[Found]:
        try:
            for row in persons.find(self._config, subject.person, subject.tenant):
                yield Found(data=msgspec.to_builtins(row, str_keys=True))
        except LakeAwayError as error:
            raise StoreAwayError(str(error)) from error

    def erase(self, subject: Subject) -> Erased:
        try:
            done = persons.erase(self._config, subject.person, subject.tenant)
        except LakeAwayError as error:
            raise StoreAwayError(str(error)) from error
        return Erased(changed=done.rows)
