"""A real `hallpass serve` with accounts in a SQLite file, and the browser of one person."""

import html.parser
import http.cookiejar
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


class AccountsServer:
    def __init__(self, email, environment=None):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.config = self.path / "server.toml"
        self.config.write_text(
            f'public_url = "{self.url}"\nlisten = "127.0.0.1:{self.port}"\n'
            f'[tls]\nmode = "off"\n[database]\nurl = "sqlite://{self.path}/hallpass.db"\n'
            f'[branding]\nname = "Example & Söhne"\n[email]\n{email}\n'
        )
        self.environment = {**os.environ, "HALLPASS_STATE_DIR": str(self.path), **(environment or {})}
        self.process = None

    def admin(self, *arguments, stdin="", code=0):
        """Runs `hallpass admin user …` on the database itself."""
        command = [os.environ["HALLPASS"], "admin", "--offline", "--config", str(self.config), "user"]
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def __enter__(self):
        self.log = open(self.path / "log", "w")
        command = [os.environ["HALLPASS"], "serve", "--config", str(self.config)]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=self.environment)
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/livez", timeout=2).close()
                return self
            except OSError:
                assert self.process.poll() is None, self.words()
                assert time.monotonic() < deadline, self.words()
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.log.close()

    def words(self):
        return (self.path / "log").read_text()

    def database(self):
        """Every byte of the records, for whoever looks for secrets in them."""
        return b"".join(file.read_bytes() for file in self.path.glob("hallpass.db*"))


class _Page(html.parser.HTMLParser):
    """The forms of a page: where each leads, what it may carry, and what it carries unseen."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append((attributes.get("action", ""), set(), {}))
        if tag in ("input", "button") and "name" in attributes and self.forms:
            _, names, hidden = self.forms[-1]
            names.add(attributes["name"])
            if attributes.get("type") == "hidden":
                hidden[attributes["name"]] = attributes.get("value", "")

    def form_with(self, fields):
        return next((action, hidden) for action, names, hidden in self.forms if names.issuperset(fields))


class Browser:
    def __init__(self, server):
        self.base = server.url
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(jar)

    def open(self, address, fields=None):
        url = urllib.parse.urljoin(self.base, address)
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            with self.opener.open(url, data, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def submit(self, page, **fields):
        action, hidden = _Page(page).form_with(fields)
        return self.open(action, {**hidden, **fields})

    def sign_in(self, username, password):
        _, page = self.open("/login")
        status, page = self.submit(page, username=username, password=password)
        return status == 200 and 'name="user_code"' in page
