"""What people put before Postfix: a small web application that takes JSON and hands mail over by SMTP.

As good as it gets without work of one's own: aiohttp, kept SMTP connections, an answer only after the 250.
``python -m bench.mail_app HTTP_PORT SMTP_PORT``
"""

import asyncio
import sys
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

import aiosmtplib
import uvloop
from aiohttp import web

CONNECTIONS: Final = 50


class MailApp:
    def __init__(self, smtp_port: int) -> None:
        self._port = smtp_port
        self._clients: asyncio.Queue[aiosmtplib.SMTP] = asyncio.Queue()

    async def connect(self, _: web.Application) -> None:
        for _number in range(CONNECTIONS):
            client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, start_tls=False)
            await client.connect()
            self._clients.put_nowait(client)

    async def send(self, request: web.Request) -> web.Response:
        asked = await request.json()
        message = EmailMessage()
        message["From"], message["To"] = asked["from"], ", ".join(asked["to"])
        message["Subject"] = asked["subject"]
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="example.com")
        message.set_content(asked["bodyText"])
        message.add_alternative(asked["bodyHtml"], subtype="html")
        client = await self._clients.get()
        try:
            await client.send_message(message)
        finally:
            self._clients.put_nowait(client)
        return web.json_response({"success": True, "messageId": message["Message-ID"]})


def main() -> None:
    http_port, smtp_port = map(int, sys.argv[1:])
    application = web.Application()
    app = MailApp(smtp_port)
    application.on_startup.append(app.connect)
    application.router.add_post("/v1/send", app.send)
    uvloop.install()
    web.run_app(application, host="127.0.0.1", port=http_port, print=None)


if __name__ == "__main__":
    main()
