"""Invitations and forgotten passwords, from the command line through a mail server to a sign-in."""

import pathlib
import ssl
import subprocess

import pytest
from accounts_server import AccountsServer, Browser
from post_office import PostOffice, link_in, only_user

PASSWORD = "engines of analysis"
NEW = "difference engine two"


def smtp(port, security="none", more=""):
    return (
        f'transport = "smtp"\nfrom = "Sign-in <id@example.com>"\nhost = "localhost"\nport = {port}\n'
        f'security = "{security}"\n{more}'
    )


@pytest.fixture
def office():
    office = PostOffice()
    yield office
    office.stop()


def choose(browser, link, password):
    status, page = browser.open(link)
    assert status == 200, page
    return browser.submit(page, password=password, repeated=password)


def test_an_invitation_becomes_an_account(office):
    server = AccountsServer(smtp(office.port))
    server.admin("invite", "ada", "--email", "Ada@example.com", "--display-name", "Ada Lovelace")
    with server:
        envelope, mail = office.next()
        assert envelope.mail_from == "id@example.com"
        assert envelope.rcpt_tos == ["Ada@example.com"]
        assert mail["from"] == "Sign-in <id@example.com>"
        assert mail["to"] == "Ada@example.com"
        assert mail["subject"] == "Your account at Example & Söhne"
        assert mail["auto-submitted"] == "auto-generated"
        assert mail["bcc"] is None and mail["date"] and mail["message-id"]
        link = link_in(mail)
        assert link.startswith(f"{server.url}/login/password?link=hpl_")
        token = link.rpartition("=")[2].encode()
        assert token not in server.database(), "the link lies in the database"
        browser = Browser(server)
        assert not browser.sign_in("ada", PASSWORD)
        status, page = choose(browser, link, PASSWORD)
        assert status == 200 and "Your password is set" in page, page
        assert browser.sign_in("ada", PASSWORD)
        assert browser.sign_in("ada@example.com", PASSWORD)
        status, _ = browser.open(link)
        assert status == 410
        assert PASSWORD.encode() not in server.database()
        assert PASSWORD not in server.words() and token.decode() not in server.words()


def test_a_forgotten_password_is_replaced_and_its_owner_told(office):
    server = AccountsServer(smtp(office.port))
    server.admin("create", "ada", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD + "\n")
    with server:
        browser = Browser(server)
        assert browser.sign_in("ada", PASSWORD)
        answers = []
        for name in ["nobody", "nobody@example.com\r\nBcc: evil@example.com", "ada"]:
            _, page = browser.open("/login/recover")
            answers.append(browser.submit(page, username=name))
        assert answers[0] == answers[1] == answers[2] and answers[0][0] == 200
        envelope, mail = office.next()
        assert envelope.rcpt_tos == ["ada@example.com"]
        assert mail["subject"] == "A new password at Example & Söhne"
        status, page = choose(Browser(server), link_in(mail), NEW)
        assert status == 200, page
        envelope, mail = office.next()
        assert mail["subject"] == "Your password at Example & Söhne was changed"
        assert "http" not in mail.get_body(("plain",)).get_content()
        assert not browser.sign_in("ada", PASSWORD)
        assert browser.sign_in("ada", NEW)
        assert office.mails.empty(), "somebody else got mail"


def test_four_links_in_an_hour_are_three(office):
    server = AccountsServer(smtp(office.port))
    server.admin("create", "ada", "--email", "ada@example.com")
    server.admin("create", "bob", "--email", "bob@example.com")
    with server:
        browser = Browser(server)
        for name in ["ada", "ada", "ada", "ada", "bob"]:
            _, page = browser.open("/login/recover")
            browser.submit(page, username=name)
        got = [office.next()[0].rcpt_tos[0] for _ in range(4)]
        assert got == ["ada@example.com"] * 3 + ["bob@example.com"]


def test_a_host_header_does_not_say_where_a_link_leads(office):
    import urllib.request

    server = AccountsServer(smtp(office.port))
    server.admin("create", "ada", "--email", "ada@example.com")
    with server:
        browser = Browser(server)
        browser.opener.addheaders = [("Host", "evil.test"), ("X-Forwarded-Host", "evil.test")]
        _, page = browser.open("/login/recover")
        browser.submit(page, username="ada")
        assert link_in(office.next()[1]).startswith(server.url)


def test_mail_waits_for_a_server_that_is_down_or_busy(office):
    office.refusals = ["451 come back later"]
    server = AccountsServer(smtp(office.port))
    server.admin("invite", "ada", "--email", "ada@example.com")
    with server:
        assert office.attempts.get(timeout=30) == "ada@example.com"
        # The second attempt is due 15 seconds later, and the link of the first is dead.
        envelope, mail = office.next(60)
        assert office.attempts.get(timeout=1) == "ada@example.com"
        status, page = choose(Browser(server), link_in(mail), PASSWORD)
        assert status == 200, page
    assert "a mail could not be sent" in server.words()


def test_mail_outlives_a_restart(office):
    port = office.port
    office.stop()
    server = AccountsServer(smtp(port))
    server.admin("invite", "ada", "--email", "ada@example.com")
    with server:
        import time

        deadline = time.monotonic() + 30
        while "a mail could not be sent" not in server.words():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    from aiosmtpd.controller import Controller

    office._controller = Controller(office, hostname="127.0.0.1", port=port)
    office._controller.start()
    with server:
        assert office.next(60)[0].rcpt_tos == ["ada@example.com"]


def certificate(folder):
    """A certificate for `localhost` that nobody trusts unless told to."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
         "-addext", "extendedKeyUsage=serverAuth"],
        check=True, capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context, cert


def test_with_starttls_and_a_password(tmp_path):
    context, cert = certificate(tmp_path)
    office = PostOffice(
        tls_context=context, require_starttls=True, auth_required=True,
        authenticator=only_user("mailer", "s3cret"),
    )
    (tmp_path / "password").write_text("s3cret\n")
    more = f'user = "mailer"\npassword_file = "{tmp_path}/password"'
    email = smtp(office.port, "starttls", more)
    server = AccountsServer(email, {"SSL_CERT_FILE": str(cert)})
    server.admin("invite", "ada", "--email", "ada@example.com")
    try:
        with server:
            envelope, mail = office.next()
            assert envelope.rcpt_tos == ["ada@example.com"]
        assert "s3cret" not in server.words()
    finally:
        office.stop()


@pytest.mark.parametrize("kind", ["untrusted certificate", "no TLS"])
def test_without_tls_that_is_trusted_nothing_is_sent(tmp_path, kind):
    context, _ = certificate(tmp_path)
    office = PostOffice(tls_context=context) if kind == "untrusted certificate" else PostOffice()
    server = AccountsServer(smtp(office.port, "starttls"))
    server.admin("invite", "ada", "--email", "ada@example.com")
    try:
        with server:
            import time

            deadline = time.monotonic() + 30
            while "a mail could not be sent" not in server.words():
                assert time.monotonic() < deadline, server.words()
                time.sleep(0.05)
        assert office.mails.empty() and office.attempts.empty()
    finally:
        office.stop()


def test_sendmail_is_handed_the_mail(tmp_path):
    program = tmp_path / "sendmail"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\ncat > {tmp_path}/part\nmv {tmp_path}/part {tmp_path}/mail\n')
    program.chmod(0o755)
    server = AccountsServer(f'transport = "sendmail"\nfrom = "id@example.com"\ncommand = "{program}"')
    server.admin("invite", "ada", "--email=-oQ/tmp@example.com")
    with server:
        import email
        import email.policy
        import time

        mail, deadline = tmp_path / "mail", time.monotonic() + 30
        while not mail.exists():
            assert time.monotonic() < deadline, server.words()
            time.sleep(0.05)
        message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
        assert link_in(message).startswith(server.url)
        arguments = (tmp_path / "arguments").read_text().splitlines()
        # An address that looks like an option is an address.
        assert arguments.index("--") < arguments.index("-oQ/tmp@example.com")


def test_the_command_line_refuses_what_is_wrong(office):
    server = AccountsServer(smtp(office.port))
    server.admin("create", "ada", "--email", "ada@example.com", "--password-stdin", stdin=PASSWORD)
    for arguments, stdin, words in [
        (["create", "ADA"], "", "another account has this name"),
        (["create", "a b"], "", "a user name is made of"),
        (["invite", "bob"], "", "no e-mail address"),
        (["invite", "bob", "--email", "bob@example.com\nBcc: evil@example.com"], "", "is no e-mail address"),
        (["create", "bob", "--password-stdin"], "short\n", "at least 12 characters"),
        (["create", "bob", "--password-stdin"], "", "no password"),
        (["lock", "nobody"], "", "no account is called"),
        (["set-password", "ada"], "ada@example.com\n", "not the user name"),
    ]:
        done = server.admin(*arguments, stdin=stdin, code=2)
        assert words in done.stderr, done.stderr
    assert server.admin("list").stdout.count("\n") == 1, "something was left behind"
    server.admin("lock", "ada")
    assert "locked" in server.admin("list").stdout
    with server:
        assert not Browser(server).sign_in("ada", PASSWORD)
    server.admin("unlock", "ada")
    server.admin("set-password", "ada", stdin=NEW + "\n")
    link = server.admin("invite", "bob", "--print-link").stdout.strip()
    with server:
        assert Browser(server).sign_in("ada", NEW)
        browser = Browser(server)
        assert choose(browser, link, PASSWORD)[0] == 200
        assert browser.sign_in("bob", PASSWORD)
    with server:
        # One process uses the file; the second says so.
        refused = server.admin("list", code=5)
        assert "stop the other process" in refused.stderr, refused.stderr
