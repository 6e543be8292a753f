"""Mail that leaves by Amazon SES, against the stub: as a route, with its quota kept."""

import pytest

from angarium.feedback.ses import MESSAGE_TAG
from angarium.simulator.sns import SnsSigner, bounce, complaint, event, mail
from tests.e2e.conftest import StartProduct
from tests.e2e.product import good_session, message, token
from tests.e2e.recording_sink import RecordingSink
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


def test_what_ses_notifies_of_ends_in_events_and_suppressions(start_product: StartProduct) -> None:
    with running_stub() as running:
        product = start_product(routes=ROUTE, more=ses_table(running))
        stub, to = running.stub, f"http://127.0.0.1:{product.http}/v1/ses/notifications"
        url = stub.certificate_url
        ids = {}
        for name in ("bounced", "complained", "delivered"):
            good_session(product.smtp[0], f"{name}@example.net", message(token()))
            product.wait_for_disposition(event="relayed", recipient=f"{name}@example.net")
            ids[name] = stub.mails[-1].message_id
        about = mail(ids["bounced"], "bounced@example.net")
        signed = stub.signer.message(bounce(about, "bounced@example.net"), certificate_url=url)
        assert running.run(stub.post(to, signed)) == 200
        returned = product.wait_for_disposition(event="report_bounced")
        assert (returned["recipient"], returned["effect"]) == ("bounced@example.net", "suppress")
        product.wait_for_disposition(event="suppression_added", recipient="bounced@example.net")
        # The same once more; one that was changed on the way; another's
        assert running.run(stub.post(to, signed)) == 200
        assert running.run(stub.post(to, {**signed, "Message": "{}"})) == 403
        assert running.run(stub.post(to, SnsSigner().message("{}", certificate_url=url))) == 403
        about = mail(ids["complained"], "complained@example.net")
        said = complaint(about, "complained@example.net")
        assert running.run(stub.publish(to, said, version="2")) == 200
        complained = product.wait_for_disposition(event="complained")
        assert complained["recipient"] == "complained@example.net"
        # By our own id, which was sent along
        tags = {MESSAGE_TAG: [stub.mails[-1].tags[MESSAGE_TAG]]}
        about = mail("not in our log", "delivered@example.net", tags=tags)
        delivered = {"recipients": ["delivered@example.net"], "smtpResponse": "250 2.0.0 ok"}
        said = event(about, "Delivery", "delivery", **delivered)
        assert running.run(stub.publish(to, said)) == 200
        told = product.wait_for_disposition(event="ses_told")
        assert (told["kind"], told["reply"]) == ("delivery", "250 2.0.0 ok")
        assert [each["event"] for each in product.mail_log()].count("report_bounced") == 1
        subscribing = stub.signer.message(
            "You have chosen to subscribe",
            certificate_url=url,
            kind="SubscriptionConfirmation",
            subscribe_url=f"{stub.url}/?Action=ConfirmSubscription&Token=t",
        )
        assert running.run(stub.post(to, subscribing)) == 200
        assert stub.confirmed == ["t"]


def test_a_reload_sends_by_ses_what_went_another_way_and_with_other_keys(
    start_product: StartProduct,
) -> None:
    with running_stub(keys={"AKIAOTHER": "other"}) as running, RecordingSink() as sink:
        product = start_product(sink=sink.port)
        good_session(product.smtp[0], "first@example.net")
        sink.wait_for(1, timeout=60)
        (product.folder / "ses.key").write_text("wrong\n")
        text = product.config.read_text().replace(f"smtp://127.0.0.1:{sink.port}", "ses")
        keys = 'access_key_id = "AKIAOTHER"\nsecret_key_file = "ses.key"\n'
        product.config.write_text(f"{text}\n{ses_table(running, keys)}")
        product.postmaster("reload", code=None)
        told = product.server.wait_for("ses_quota_not_read")
        assert "InvalidSignatureException" in told["reason"]
        (product.folder / "ses.key").write_text("other\n")
        good_session(product.smtp[0], "second@example.net")
        running.wait_for_mails(1)
        assert running.stub.mails[0].recipients == ("second@example.net",)
        assert "other" not in str(product.server.lines)
        assert len(sink.taken) == 1
