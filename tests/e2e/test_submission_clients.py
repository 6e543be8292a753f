"""The clients that applications use, as they are: each logs in over STARTTLS, and its message arrives.

What is absent skips, with the package to install. Where a client takes several messages, it sends them on one
connection, as a pool does.
"""

import asyncio
import datetime
import email
import email.policy
import os
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from angarium.simulator.tls import TestAuthority
from tests.e2e.postfix import MAY_RUN, WHY_NOT, Postfix
from tests.e2e.product import Product, token
from tests.e2e.recording_sink import RecordingSink, Taken, wait_until
from tests.swaks import SWAKS, needs_swaks_with_tls

pytestmark = [pytest.mark.interop, pytest.mark.slow]
LISTENERS = """
[[listener]]
kind = "submission"
address = "127.0.0.1:0"
tls = "starttls"
certificate = "{certificate}"
private_key = "{key}"

[[listener]]
kind = "submission"
address = "127.0.0.1:0"
auth = "trusted"
trusted_networks = ["127.0.0.0/8"]
"""
USER, PASSWORD = "app@example.org", "correct horse 1!"
SENDER, TO = "app@example.org", "b@example.net"
UMLAUTS = "Grüße aus Köln"


class Bench:
    """A server with a user, where its mail goes, and the authority that its clients trust."""

    def __init__(self, product: Product, sink: RecordingSink, ca_file: Path, folder: Path) -> None:
        self.product = product
        self.sink = sink
        self.ca_file = ca_file
        self.folder = folder
        self.port, self.trusted_port = product.smtp[:2]

    def run(self, words: list[str], *, input_: str = "", **environment: str) -> str:
        """Run a client; it must succeed."""
        done = subprocess.run(
            words,
            input=input_.encode(),
            capture_output=True,
            timeout=50,
            check=False,
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "LC_ALL": "C.UTF-8",
                "PORT": str(self.port),
                "CA_FILE": str(self.ca_file),
                "LOGIN": USER,
                "PASSWORD": PASSWORD,
                "SENDER": SENDER,
                "TO": TO,
                **environment,
            },
        )
        assert done.returncode == 0, (done.returncode, done.stdout[-3000:], done.stderr[-3000:])
        return done.stdout.decode(errors="replace")

    def script(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def arrived(self, mark: str, count: int = 1, text: str = UMLAUTS) -> list[Taken]:
        """Return what arrived with the mark in its subject, looked at: who sent it, how, and what it says."""
        for number in range(count):
            self.sink.wait_for_token(f"{mark}.{number}")
        found = [each for each in self.sink.taken if f"{mark}.".encode() in each.content]
        assert len(found) == count
        for each in found:
            assert b"with ESMTPSA (TLSv1." in each.content
            parsed = email.message_from_bytes(each.content, policy=email.policy.default)
            assert not parsed.defects
            assert SENDER in parsed["From"]
            assert len(parsed.get_all("Date")) == len(parsed.get_all("Message-ID")) == 1
            assert parsed["Bcc"] is None
            body = parsed.get_body(("plain",))
            assert body is not None
            assert text in body.get_content()
        return found


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("clients")
    authority = TestAuthority(folder, datetime.datetime.now(datetime.UTC))
    certificate, key = authority.issue("localhost")
    with RecordingSink() as sink:
        product = Product(
            folder,
            listeners=LISTENERS.format(certificate=certificate, key=key),
            sink=sink.port,
            users=((USER, PASSWORD, "@example.org"),),
        )
        try:
            yield Bench(product, sink, authority.ca_file, folder)
            product.assert_clean()
        finally:
            product.kill()


def needs(program: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not installed (apt install {package})"
    )


def needs_success(words: list[str], package: str) -> pytest.MarkDecorator:
    """A library: whether a program of its language finds it."""
    found = shutil.which(words[0]) is not None and (
        subprocess.run(words, capture_output=True, timeout=30, check=False).returncode == 0
    )
    return pytest.mark.skipif(not found, reason=f"not installed (apt install {package})")


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = f"Büro <{SENDER}>"
    message["To"] = TO
    message["Subject"] = subject
    message.set_content(UMLAUTS + "\n.\n..\n")
    return message


@needs_swaks_with_tls
def test_swaks(bench: Bench) -> None:
    mark = token()
    assert SWAKS is not None
    bench.run(
        [
            *(SWAKS, "--server", f"localhost:{bench.port}", "--tls", "--tls-verify"),
            *("--tls-ca-path", str(bench.ca_file), "--auth", "PLAIN"),
            *("--auth-user", USER, "--auth-password", PASSWORD),
            *("--from", SENDER, "--to", TO, "--body", UMLAUTS),
            *(
                "--header",
                f"Subject: {mark}.0",
                "--header",
                "Content-Type: text/plain; charset=utf-8",
            ),
        ]
    )
    bench.arrived(mark)


@needs("curl", "curl")
def test_curl(bench: Bench) -> None:
    mark = token()
    content = bench.folder / "letter.eml"
    content.write_bytes(bytes(letter(f"{mark}.0")).replace(b"\n", b"\r\n"))
    bench.run(
        [
            *("curl", "-sS", "--ssl-reqd", "--cacert", str(bench.ca_file)),
            *("--url", f"smtp://localhost:{bench.port}/client.example.org"),
            *("--user", f"{USER}:{PASSWORD}", "--mail-from", SENDER, "--mail-rcpt", TO),
            *("--upload-file", str(content)),
        ]
    )
    bench.arrived(mark)


@needs("msmtp", "msmtp")
def test_msmtp(bench: Bench) -> None:
    mark = token()
    bench.run(
        [
            *("msmtp", "--host=localhost", f"--port={bench.port}", "--tls=on", "--auth=plain"),
            *(f"--tls-trust-file={bench.ca_file}", f"--user={USER}"),
            *("--passwordeval=printenv PASSWORD", f"--from={SENDER}", "-t"),
        ],
        input_=bytes(letter(f"{mark}.0")).decode(),
    )
    bench.arrived(mark)


@needs("s-nail", "s-nail")
def test_s_nail(bench: Bench) -> None:
    mark = token()
    login = f"{USER.replace('@', '%40')}:{PASSWORD.replace(' ', '%20').replace('!', '%21')}"
    bench.run(
        [
            *("s-nail", "-:/", "-Sv15-compat", "-Ssmtp-use-starttls"),
            *(f"-Stls-ca-file={bench.ca_file}", "-Ssmtp-auth=plain", "-Sttycharset=utf-8"),
            *(f"-Smta=smtp://{login}@localhost:{bench.port}", "-Ssendwait", f"-Sfrom={SENDER}"),
            *("-s", f"{mark}.0", TO),
        ],
        input_=UMLAUTS + "\n",
    )
    bench.arrived(mark)


def test_smtplib(bench: Bench) -> None:
    mark = token()
    context = ssl.create_default_context(cafile=bench.ca_file)
    with smtplib.SMTP("localhost", bench.port) as client:
        client.starttls(context=context)
        client.login(USER.upper(), PASSWORD)  # names are compared without case
        for number in range(5):
            assert not client.send_message(letter(f"{mark}.{number}"))
    bench.arrived(mark, 5)


async def test_aiosmtplib(bench: Bench) -> None:
    mark = token()
    context = ssl.create_default_context(cafile=bench.ca_file)
    client = aiosmtplib.SMTP(
        hostname="localhost",
        port=bench.port,
        tls_context=context,
        start_tls=True,
        username=USER,
        password=PASSWORD,
    )
    async with client:
        for number in range(5):
            await client.send_message(letter(f"{mark}.{number}"))
    await asyncio.to_thread(bench.arrived, mark, 5)


DJANGO = """
import os
from django.conf import settings
settings.configure(
    EMAIL_HOST="localhost", EMAIL_PORT=int(os.environ["PORT"]), EMAIL_USE_TLS=True,
    EMAIL_HOST_USER=os.environ["LOGIN"], EMAIL_HOST_PASSWORD=os.environ["PASSWORD"],
)
from django.core.mail import EmailMultiAlternatives, get_connection
letters = []
for number in range(3):
    letter = EmailMultiAlternatives(
        os.environ["MARK"] + "." + str(number), "Grüße aus Köln", os.environ["SENDER"], [os.environ["TO"]],
    )
    letter.attach_alternative("<p>Grüße aus Köln</p>", "text/html")
    letters.append(letter)
assert get_connection().send_messages(letters) == 3
"""


@needs_success(["/usr/bin/python3", "-c", "import django"], "python3-django")
def test_django(bench: Bench) -> None:
    mark = token()
    script = bench.script("send_django.py", DJANGO)
    # Old ones verify no certificate, new ones do
    bench.run(["/usr/bin/python3", script], MARK=mark, SSL_CERT_FILE=str(bench.ca_file))
    bench.arrived(mark, 3)


NODEMAILER = """
const nodemailer = require('nodemailer');
const fs = require('fs');
const env = process.env;
const transport = nodemailer.createTransport({
  pool: true, maxConnections: 2, maxMessages: 5, host: 'localhost', port: +env.PORT, requireTLS: true,
  auth: { user: env.LOGIN, pass: env.PASSWORD }, tls: { ca: [fs.readFileSync(env.CA_FILE)] },
});
const letters = [...Array(12).keys()].map((number) => transport.sendMail({
  from: `"Büro, Köln" <${env.SENDER}>`, to: env.TO, bcc: 'secret@example.net', subject: `${env.MARK}.${number}`,
  text: 'Grüße aus Köln', html: '<p>Grüße aus Köln</p>',
}));
Promise.all(letters).then(() => transport.close(), (error) => { console.error(error); process.exit(1); });
"""
NODE_PATH = "/usr/share/nodejs:/usr/lib/nodejs"


@needs_success(
    ["env", f"NODE_PATH={NODE_PATH}", "node", "-e", "require('nodemailer')"], "node-nodemailer"
)
def test_nodemailer_with_a_pool(bench: Bench) -> None:
    mark = token()
    bench.run(["node", bench.script("send.js", NODEMAILER)], MARK=mark, NODE_PATH=NODE_PATH)
    taken = bench.arrived(mark, 12)
    assert all(any(b"secret@" in each for each in one.rcpts) for one in taken)


PHPMAILER = """<?php
require '/usr/share/php/libphp-phpmailer/autoload.php';
use PHPMailer\\PHPMailer\\PHPMailer;
$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = 'localhost';
$mail->Port = getenv('PORT');
$mail->SMTPAuth = true;
$mail->SMTPKeepAlive = true;
$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;
$mail->SMTPOptions = ['ssl' => ['cafile' => getenv('CA_FILE')]];
$mail->Username = getenv('LOGIN');
$mail->Password = getenv('PASSWORD');
$mail->CharSet = 'utf-8';
$mail->setFrom(getenv('SENDER'), 'Büro, Köln');
$mail->addAddress(getenv('TO'));
$mail->Body = "Grüße aus Köln\\n.\\n";
for ($number = 0; $number < 3; $number++) {
    $mail->Subject = getenv('MARK') . '.' . $number;
    $mail->send();
}
$mail->smtpClose();
"""


@needs_success(
    ["php", "-r", "require '/usr/share/php/libphp-phpmailer/autoload.php';"],
    "php-cli libphp-phpmailer",
)
def test_phpmailer(bench: Bench) -> None:
    mark = token()
    bench.run(["php", bench.script("send.php", PHPMAILER)], MARK=mark)
    bench.arrived(mark, 3)


EMAIL_SENDER = """
use strict; use warnings; use utf8;
use Email::Simple; use Email::Sender::Simple qw(sendmail); use Email::Sender::Transport::SMTP;
use Encode qw(encode);
my $transport = Email::Sender::Transport::SMTP->new({
    host => 'localhost', port => $ENV{PORT}, ssl => 'starttls', ssl_options => { SSL_ca_file => $ENV{CA_FILE} },
    sasl_username => $ENV{LOGIN}, sasl_password => $ENV{PASSWORD}, helo => 'client.example.org',
});
my $letter = Email::Simple->create(
    header => [ From => $ENV{SENDER}, To => $ENV{TO}, Subject => "$ENV{MARK}.0",
        'MIME-Version' => '1.0', 'Content-Type' => 'text/plain; charset=utf-8', 'Content-Transfer-Encoding' => '8bit' ],
    body => encode('utf-8', "Grüße aus Köln\\n"),
);
sendmail($letter, { transport => $transport });
"""


@needs_success(
    [
        *("perl", "-MEmail::Sender::Transport::SMTP", "-MEmail::Simple"),
        *("-MAuthen::SASL", "-MIO::Socket::SSL", "-e", "1"),
    ],
    "libemail-sender-perl libauthen-sasl-perl libio-socket-ssl-perl",
)
def test_email_sender(bench: Bench) -> None:
    mark = token()
    bench.run(["perl", bench.script("send.pl", EMAIL_SENDER)], MARK=mark)
    bench.arrived(mark)


RUBY = """
require 'net/smtp'
context = OpenSSL::SSL::SSLContext.new
context.ca_file = ENV['CA_FILE']
context.verify_mode = OpenSSL::SSL::VERIFY_PEER
smtp = Net::SMTP.new('localhost', ENV['PORT'].to_i)
smtp.enable_starttls(context)
smtp.start('client.example.org', ENV['LOGIN'], ENV['PASSWORD'], :login) do |session|
  3.times do |number|
    letter = "From: #{ENV['SENDER']}\\nTo: #{ENV['TO']}\\nSubject: #{ENV['MARK']}.#{number}\\n" \\
      "MIME-Version: 1.0\\nContent-Type: text/plain; charset=utf-8\\n\\nGrüße aus Köln\\n.\\n"
    session.send_message(letter, ENV['SENDER'], ENV['TO'])
  end
end
"""


@needs_success(["ruby", "-e", "require 'net/smtp'"], "ruby")
def test_rubys_net_smtp(bench: Bench) -> None:
    mark = token()
    bench.run(["ruby", bench.script("send.rb", RUBY)], MARK=mark)
    bench.arrived(mark, 3)


@needs_success(
    ["git", "send-email", "--dump-aliases"],
    "git-email libauthen-sasl-perl libio-socket-ssl-perl libmailtools-perl",
)
def test_git_send_email(bench: Bench) -> None:
    mark = token()
    patch = bench.folder / "0001-x.patch"
    patch.write_text(
        f"From 0123456789abcdef Mon Sep 17 00:00:00 2001\nFrom: Jörg <{SENDER}>\n"
        f"Date: Sun, 29 Nov 2026 03:12:01 +0000\nSubject: [PATCH] {mark}.0\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n"
        f"Content-Transfer-Encoding: 8bit\n\n{UMLAUTS}\n---\n"
    )
    bench.run(
        [
            *("git", "send-email", "--confirm=never", f"--from={SENDER}", f"--to={TO}"),
            *("--suppress-cc=all", "--smtp-encryption=tls", "--smtp-server=localhost"),
            *(f"--smtp-server-port={bench.port}", f"--smtp-ssl-cert-path={bench.ca_file}"),
            *(f"--smtp-user={USER}", f"--smtp-pass={PASSWORD}", str(patch)),
        ],
        **{f"GIT_{who}_NAME": "Jörg" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": SENDER for who in ("AUTHOR", "COMMITTER")},
    )
    bench.arrived(mark)


SASL = list(Path("/usr/lib").glob("*/sasl2/libplain.so"))


@pytest.mark.skipif(not MAY_RUN, reason=WHY_NOT)
@pytest.mark.skipif(not SASL, reason="Postfix cannot log in (apt install libsasl2-modules)")
def test_a_postfix_satellite_hands_on_its_programs_mail_and_its_own_bounces(bench: Bench) -> None:
    mark = token()
    settings = {
        "myhostname": "sat1.example.org",
        "virtual_mailbox_domains": "",
        "smtp_tls_security_level": "encrypt",
        "smtp_sasl_auth_enable": "yes",
        "smtp_sasl_security_options": "noanonymous",
        "smtp_sasl_password_maps": f"static:{{{USER}:{PASSWORD}}}",
    }
    with Postfix(relay_port=bench.port, settings=settings) as postfix:
        with smtplib.SMTP("127.0.0.1", postfix.port) as client:
            content = bytes(letter(f"{mark}.0")).replace(b"\n", b"\r\n")
            client.sendmail(SENDER, ["r@remote.example", "!routed!on@remote.example"], content)
        bench.sink.wait_for_token(f"{mark}.0")

        def bounces() -> list[Taken]:
            taken = [each for each in bench.sink.taken if mark.encode() in each.content]
            return [each for each in taken if b"MAIL FROM:<>" in each.mail]

        wait_until(bounces)
        (bounce,) = bounces()
    assert b"<MAILER-DAEMON@sat1.example.org>" in bounce.content
    assert any(SENDER.encode() in each for each in bounce.rcpts)
