"""A mail server (aiosmtpd) that keeps what it is sent, and can be told to refuse it."""

import email
import email.policy
import queue
import re

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class PostOffice:
    """One mail server on a free port of this machine."""

    def __init__(self, **options):
        self.mails = queue.Queue()
        self.refusals = []
        self.attempts = queue.Queue()
        # Port 0 would be looked up wrongly by the controller's own self-test.
        self._controller = Controller(self, hostname="127.0.0.1", port=_free_port(), **options)
        self._controller.start()

    @property
    def port(self):
        return self._controller.port

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.attempts.put(address)
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.put((envelope, parsed))
        return "250 OK"

    def next(self, seconds=30):
        """The next mail: its envelope and the parsed message."""
        return self.mails.get(timeout=seconds)

    def stop(self):
        self._controller.stop()


def only_user(user, password):
    """Who may send: aiosmtpd's authenticator for one user."""

    def authenticate(server, session, envelope, mechanism, data):
        wanted = (user.encode(), password.encode())
        return AuthResult(success=(data.login, data.password) == wanted)

    return authenticate


def link_in(message):
    """The link of a mail, which must be the same in its plain and in its HTML part."""
    plain = message.get_body(("plain",)).get_content()
    html = message.get_body(("html",)).get_content()
    links = re.findall(r"https?://\S+", plain)
    assert len(links) == 1, plain
    assert f'href="{links[0]}"' in html.replace("&#38;", "&").replace("&amp;", "&"), html
    assert "<script" not in html and "<img" not in html
    return links[0]


def _free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
