"""nsd with one zone, on loopback."""

import contextlib
import shutil
import socket
import subprocess
from pathlib import Path

from tests.e2e.postfix import PATH
from tests.e2e.recording_sink import wait_until
from tests.free_port import free_port

NSD = shutil.which("nsd", path=PATH)
CONF = """server:
  ip-address: 127.0.0.1
  port: {port}
  username: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: ""
  xfrdfile: ""
  zonelistfile: "{folder}/zone.list"
  cookie-secret-file: ""
remote-control:
  control-enable: no
zone:
  name: {origin}
  zonefile: zone
"""


class Nameserver:
    def __init__(self, folder: Path, origin: str, records: str) -> None:
        self.port = free_port()
        self._conf = folder / "nsd.conf"
        self._conf.write_text(CONF.format(port=self.port, folder=folder, origin=origin))
        start = f"$ORIGIN {origin.rstrip('.')}.\n$TTL 60\n@ SOA ns hm 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
        (folder / "zone").write_text(start + records)

    def __enter__(self) -> "Nameserver":
        assert NSD is not None
        self._process = subprocess.Popen(
            [NSD, "-d", "-c", str(self._conf)], stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
