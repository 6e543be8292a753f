"""Mail that leaves by Amazon SES, against the stub: as a route, with its quota kept."""

import pytest

from tests.e2e.conftest import StartProduct
from tests.e2e.product import good_session, message, token
from tests.e2e.ses_stub import running_stub, ses_table, wait_until

ROUTE = '[[route]]\ndomain = "*"\nvia = "ses"\n'


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUB")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def test_a_route_sends_by_ses_and_says_what_it_is_called_there(start_product: StartProduct) -> None:
    with running_stub() as running:
        product = start_product(routes=ROUTE, more=ses_table(running))
        content = message(token())
        good_session(product.smtp[0], "b@example.net", content)
        done = product.wait_for_disposition(event="relayed")
        (mail,) = running.stub.mails
        assert mail.recipients == ("b@example.net",)
        assert content.partition(b"\r\n\r\n")[0] in mail.content
        assert mail.tags["angarium-message"] in str(done)
        assert mail.message_id in str(done)


def test_what_ses_refuses_for_now_is_tried_again_and_for_ever_is_returned(
    start_product: StartProduct,
) -> None:
    with running_stub() as running:
        running.stub.faults.extend(["TooManyRequestsException", "", "MessageRejected"])
        product = start_product(routes=ROUTE, more=ses_table(running))
        good_session(product.smtp[0], "b@example.net", message(token()))
        product.wait_for_disposition(event="deferred", enhanced="4.7.0")
        product.wait_for_disposition(event="relayed")
        good_session(product.smtp[0], "c@example.net", message(token()))
        product.wait_for_disposition(event="bounced", enhanced="5.6.0")


def test_its_rate_and_its_quota_are_kept_and_shown(start_product: StartProduct) -> None:
    with running_stub(quota=10, rate=5) as running:
        running.stub.sent_before = 4
        product = start_product(routes=ROUTE, more=ses_table(running), single=False)
        for number in range(8):
            good_session(product.smtp[0], f"b{number}@example.net", message(token()))
        running.wait_for_mails(6)
        queued = product.queued()
        assert len(queued) == 2
        assert {each["attempts"] for each in queued} == {0}  # our own throttle is no attempt
        wait_until(lambda: "angarium_ses_used_recipients 10.0" in product.get("/metrics").decode())
        assert "angarium_ses_quota_recipients 10.0" in product.get("/metrics").decode()
        product.server.wait_for("ses_quota_nearly_used")
        explained = product.postmaster("queue", "explain", queued[0]["id"])
        assert "the quota of SES, 10 recipients in 24 hours, is used up" in explained
        assert not [each for each in running.stub.calls if each[2] != 200]  # it never had to say so


def test_an_account_that_may_not_read_its_quota_sends_as_in_the_sandbox(
    start_product: StartProduct,
) -> None:
    with running_stub() as running:
        running.stub.account_faults.append("AccessDeniedException")
        product = start_product(routes=ROUTE, more=ses_table(running))
        told = product.server.wait_for("ses_quota_not_read")
        assert "ses:GetAccount" in told["reason"]
        good_session(product.smtp[0], "b@example.net", message(token()))
        running.wait_for_mails(1)
