"""Orders certificates of an authority by ACME (RFC 8555), each host's by HTTP-01. Blocks on the network and on disk.

Whatever of it is cut short, by a kill too, is gone on with: the account's key is on disk before the authority hears of
it, and the order with its key before it is asked to issue anything.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from josepy.errors import Error as JoseError
from josepy.jwa import ES256
from josepy.jwk import JWKEC

import angarium
from angarium.access.tls_file import TlsFileError
from angarium.config.schema import Acme
from angarium.issuance.model import Account, Answer, PendingOrder, Trouble
from angarium.issuance.store import IssuanceError, IssuanceStore
from angarium.issuance.trouble import told_trouble
from angarium.queue.model import UnixMs

# Ours: a request, and what an authority takes to look and to issue
REQUEST_S: Final = 30
PATIENCE_S: Final = 120
# To see what became of an order that was cut short
RESUME_S: Final = 10
_RSA_BITS: Final = 2048
# Of an order: after that it is not gone on with; authorities keep them for a week
_ORDER_MS: Final = 6 * 86_400_000


class Authority:
    """One order at a time; belongs to one thread."""

    def __init__(self, config: Acme, store: IssuanceStore, clock: Callable[[], UnixMs]) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._retry_after_s = 0.0
        self._caa_names: Sequence[str] = ()

    def resumes(self, host: str) -> bool:
        """Whether an order for the host was cut short that can be gone on with."""
        with contextlib.suppress(IssuanceError):
            return self._find_order(host) is not None
        return False

    def issue(self, host: str) -> Trouble | None:
        """Have its certificate and key on disk on return, or say why not."""
        self._retry_after_s = 0.0
        try:
            self._issue(host)
        except messages.Error as error:
            return self._forgetting(self._trouble(host, error))
        except errors.ValidationError as error:
            self._store.forget_order(host)
            return self._trouble(host, _first_failure(error))
        except errors.IssuanceError as error:
            self._store.forget_order(host)
            return self._trouble(host, error.error)
        except errors.TimeoutError:
            return Trouble(
                kind="slow", text=f"the authority has not decided within {PATIENCE_S} s", remedy=""
            )
        except requests.exceptions.SSLError as error:
            return _unreachable(
                f"{self._config.directory_url} has a certificate that is not believed ({error})",
                "give its authority in acme.ca_file",
            )
        except (requests.RequestException, errors.Error, JoseError, KeyError) as error:
            text = f"{self._config.directory_url} does not answer as an authority ({_shown(error)})"
            return _unreachable(text, "see that this server reaches it by HTTPS")
        except IssuanceError as error:
            return Trouble(kind="disk", text=str(error), remedy="")
        except (OSError, TlsFileError, ValueError) as error:
            text = f"what was issued cannot be kept or used: {error}"
            return Trouble(kind="disk", text=text, remedy="")
        return None

    # ----------------------------------------------------------------------------------------

    def _issue(self, host: str) -> None:
        acme = self._client()
        pending = self._find_order(host)
        if pending is not None:
            with contextlib.suppress(errors.TimeoutError, errors.Error):
                self._keep(
                    host, pending, acme.poll_finalization(_resumed(host, pending), _in(RESUME_S))
                )
                return
            self._store.forget_order(host)
        key = self._new_key()
        order = acme.new_order(_request(host, key))
        pending = PendingOrder(
            directory_url=self._config.directory_url,
            order_url=order.uri,
            finalize_url=order.body.finalize,
            private_key=key,
            began=self._clock(),
        )
        self._store.write_order(host, pending)
        with self._answering(acme, host, order):
            order = acme.poll_authorizations(order, _in(PATIENCE_S))
        self._keep(host, pending, acme.finalize_order(order, _in(PATIENCE_S)))

    def _keep(self, host: str, pending: PendingOrder, order: messages.OrderResource) -> None:
        self._store.write_certificate(host, pending.private_key, order.fullchain_pem)
        self._store.forget_order(host)

    def _find_order(self, host: str) -> PendingOrder | None:
        pending = self._store.find_order(host)
        if pending is None or pending.directory_url != self._config.directory_url:
            return None
        return pending if self._clock() - pending.began < _ORDER_MS else None

    @contextlib.contextmanager
    def _answering(
        self, acme: client.ClientV2, host: str, order: messages.OrderResource
    ) -> Iterator[None]:
        """Have what the authority looks for at the host to be found there, and tell it so."""
        tokens: list[str] = []
        try:
            for authorization in order.authorizations:
                if authorization.body.status == messages.STATUS_VALID:
                    continue
                body = _http_challenge(authorization)
                response, text = body.response_and_validation(acme.net.key)
                token = body.chall.encode("token")
                tokens.append(token)
                self._store.write_answer(token, Answer(host=host, text=text))
                acme.answer_challenge(body, response)
            yield
        finally:
            for each in tokens:
                self._store.forget_answer(each)

    def _client(self) -> client.ClientV2:
        """Return one that speaks for our account, which is made where there is none."""
        account = self._account()
        key = JWKEC(key=load_pem_private_key(account.private_key.encode(), None))
        # The library says bool, and hands it to requests, which takes a file, too
        trusted = cast(bool, self._config.ca_file or True)
        net = client.ClientNetwork(
            key,
            alg=ES256,
            verify_ssl=trusted,
            user_agent=f"Angarium/{angarium.__version__}",
            timeout=REQUEST_S,
        )
        net.session.trust_env = False
        net.session.hooks["response"].append(self._note_retry_after)
        acme = client.ClientV2(client.ClientV2.get_directory(self._config.directory_url, net), net)
        self._caa_names = acme.directory.meta.caa_identities or ()
        if not account.url:
            account = self._registered(acme, account)
        net.account = messages.RegistrationResource(uri=account.url, body=messages.Registration())
        contact = _contact(self._config)
        if account.contact != contact:
            wanted = messages.Registration.from_data(contact=contact)
            acme.update_registration(net.account, wanted)
            self._write(account, url=account.url, contact=contact)
            net.account = messages.RegistrationResource(
                uri=account.url, body=messages.Registration()
            )
        return acme

    def _account(self) -> Account:
        account = self._store.find_account(self._config.directory_url)
        if account is None:
            key = _pem(ec.generate_private_key(ec.SECP256R1()))
            account = Account(directory_url=self._config.directory_url, private_key=key)
            self._store.write_account(account)
        return account

    def _registered(self, acme: client.ClientV2, account: Account) -> Account:
        """Asked for with the same key, an authority gives the account that there is (RFC 8555 section 7.3.1)."""
        contact = _contact(self._config)
        wanted = messages.NewRegistration.from_data(
            contact=contact,
            terms_of_service_agreed=self._config.agree_terms,
            external_account_binding=self._binding(acme),
        )
        try:
            url = acme.new_account(wanted).uri
        except errors.ConflictError as error:
            # Whatever contact that one has is made ours by the caller
            acme.net.account = None
            return self._write(account, url=error.location, contact=())
        return self._write(account, url=url, contact=contact)

    def _write(self, account: Account, *, url: str, contact: tuple[str, ...]) -> Account:
        changed = Account(
            directory_url=account.directory_url,
            private_key=account.private_key,
            url=url,
            contact=contact,
        )
        self._store.write_account(changed)
        return changed

    def _binding(self, acme: client.ClientV2) -> dict[str, Any] | None:
        if not self._config.account_id or acme.net.key is None:
            return None
        secret = Path(self._config.account_key_file).read_text(encoding="ascii").strip()
        return messages.ExternalAccountBinding.from_data(
            acme.net.key.public_key(), self._config.account_id, secret, acme.directory
        )

    def _new_key(self) -> str:
        if self._config.key_type == "rsa":
            return _pem(rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS))
        return _pem(ec.generate_private_key(ec.SECP256R1()))

    def _note_retry_after(self, response: requests.Response, **_: object) -> None:
        text = response.headers.get("Retry-After", "")
        is_seconds = text.isascii() and text.isdigit() and len(text) < 8
        self._retry_after_s = float(text) if is_seconds and not response.ok else 0.0

    def _trouble(self, host: str, error: messages.Error) -> Trouble:
        problems = error.subproblems or ()
        inner = problems[0] if problems else error
        code = inner.code or error.code or str(error.typ).rpartition(":")[2]
        detail = inner.detail or error.detail or ""
        return told_trouble(host, code, detail, self._caa_names, self._retry_after_s)

    def _forgetting(self, trouble: Trouble) -> Trouble:
        """An account that the authority does not know is made anew the next time, with another key."""
        if trouble.is_new_account:
            account = self._store.find_account(self._config.directory_url)
            if account is not None:
                self._write(account, url="", contact=())
        return trouble


def _request(host: str, key: str) -> bytes:
    """Return a certificate signing request in PEM."""
    return crypto_util.make_csr(key.encode(), domains=[host])


def _resumed(host: str, pending: PendingOrder) -> messages.OrderResource:
    return messages.OrderResource(
        uri=pending.order_url,
        body=messages.Order(finalize=pending.finalize_url),
        csr_pem=_request(host, pending.private_key),
    )


def _http_challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for each in authorization.body.challenges:
        if isinstance(each.chall, challenges.HTTP01):
            return each
    raise messages.Error.with_code(
        "rejectedIdentifier", detail="it offers no challenge by HTTP (http-01)"
    )


def _first_failure(error: errors.ValidationError) -> messages.Error:
    for authorization in error.failed_authzrs:
        for challenge in authorization.body.challenges:
            if challenge.error is not None:
                return challenge.error
    return cast(messages.Error, messages.Error.from_json({"detail": "no reason given"}))


def _contact(config: Acme) -> tuple[str, ...]:
    return tuple([f"mailto:{each}" for each in config.contact])


def _in(seconds: float) -> datetime.datetime:
    """As the library has deadlines: local time, without a zone."""
    return datetime.datetime.now() + datetime.timedelta(seconds=seconds)  # noqa: DTZ005


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _unreachable(text: str, remedy: str) -> Trouble:
    return Trouble(kind="authority_unreachable", text=text, remedy=remedy)


def _shown(error: Exception) -> str:
    return str(error) or type(error).__name__
