"""Mirrors angarium/service/platform/upload_sweep.py."""

from pathlib import Path

from angarium.config.schema import Config, Server, Uploads
from angarium.service.platform.upload_sweep import UploadSweep
from tests.uploads.stores import Clock, announce, set_changed, store_in


def test_uploads_go_when_their_time_is_over_by_the_newest_configuration(tmp_path: Path) -> None:
    clock = Clock()
    store = store_in(tmp_path, clock)
    upload = announce(store)
    store.open("shop", upload.id).close()
    set_changed(store, upload, clock.now)
    server = Server(hostname="mx.example.com", data_dir=str(tmp_path))
    sweep = UploadSweep(Config(server=server, uploads=Uploads(incomplete_s=60.0)), clock)
    clock.now += 59_999
    assert sweep.sweep() == 0
    sweep.exchange(Config(server=server, uploads=Uploads(incomplete_s=30.0)))
    assert sweep.sweep() == 1
    assert store.all_of("shop") == []
