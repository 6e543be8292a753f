"""Mail must not come back to the server that sends it, whatever DNS says and whoever runs it."""

from pathlib import Path

import pytest

from tests.e2e.conftest import StartProduct
from tests.e2e.nameserver import NSD, Nameserver
from tests.e2e.product import good_session
from tests.free_port import free_port

LISTENER = """
[[listener]]
kind = "submission"
address = "127.0.0.1:{port}"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
"""


@pytest.mark.skipif(NSD is None, reason="needs nsd")
@pytest.mark.parametrize("single", [True, False])
def test_an_mx_that_is_our_own_listener_is_a_loop_at_the_first_look(
    start_product: StartProduct, tmp_path: Path, single: bool
) -> None:
    port = free_port()
    records = "loop MX 10 self\nself A 127.0.0.1\n"
    with Nameserver(tmp_path, "own.test", records) as dns:
        product = start_product(
            listeners=LISTENER.format(port=port),
            delivery=f"port = {port}\nallow_private = true",
            more=f'[dns]\nnameservers = ["127.0.0.1:{dns.port}"]\n',
            single=single,
        )
        good_session(port, "u@loop.own.test")
        product.wait_for_disposition(event="bounced", recipient="u@loop.own.test", enhanced="5.4.6")
        accepted = [
            each
            for each in product.mail_log()
            if each["event"] == "accepted" and each["listener"] != "dsn"
        ]
        assert len(accepted) == 1
