"""`hallpass serve` for others: settings, accounts, sessions to refresh."""

import json
import os
import pathlib
import subprocess

from .processes import Process, free_port
from .sign_in import CLIENT, REDIRECT_URI, Browser, redeem

PASSWORD = "engines of analysis"
PEOPLE = 8
# The default of the server; pgbench has as many.
CONNECTIONS_TO_POSTGRES = 8
# A refresh is asked for without `openid`: the RS256 signature of an ID token would be most of the work.
SCOPE = "api:read"
SETTINGS = """
public_url = "{public_url}"
listen = "127.0.0.1:{port}"
[database]
url = "{database}"
max_connections = {connections}
[secrets]
keyring_file = "{ring}"
[email]
transport = "log"
[[client]]
id = "{client}"
grants = ["authorization_code", "refresh_token"]
redirect_uris = ["{redirect_uri}"]
scopes = ["api:read", "openid"]
refresh = "always"
consent = "trusted"
"""


class Production:
    """A server on one database. Servers with one public URL and one ring take each other's tokens."""

    def __init__(self, binary, folder, database, public_url=None):
        self.binary, self.folder, self.database = binary, pathlib.Path(folder), database
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ring = self.folder.parent / "keyring.toml"
        self.port = free_port()
        self.public_url = public_url or f"http://localhost:{self.port}"
        self.config = self.folder / "server.toml"
        text = SETTINGS.format(
            public_url=self.public_url,
            port=self.port,
            database=database,
            connections=CONNECTIONS_TO_POSTGRES,
            ring=self.ring,
            client=CLIENT,
            redirect_uri=REDIRECT_URI,
        )
        self.config.write_text(text)
        self.config.chmod(0o600)
        self.tokens = self.folder / "refresh-tokens"
        self.process = None

    def admin(self, *words, text=None):
        command = [self.binary, "admin", *words, "--config", self.config]
        subprocess.run([str(part) for part in command], input=text, check=True, capture_output=True, text=True)

    def make_ring(self):
        self.admin("keys", "new-ring", self.ring)

    def make_people(self):
        for number in range(PEOPLE):
            self.admin("user", "create", f"person-{number}", "--password-stdin", text=PASSWORD)

    def start(self, probe="/readyz"):
        command = [self.binary, "serve", "--config", self.config]
        env = {"LOG_LEVEL": "warn", "HALLPASS_HOME": str(self.folder / "home")}
        self.process = Process("hallpass", command, self.port, probe, self.folder, env)
        return self.process

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def sign_in(self, sessions):
        """Begins so many sessions, and keeps their refresh tokens."""
        tokens = []
        for number in range(PEOPLE):
            browser = Browser(self.port)
            who = {"username": f"person-{number}", "password": PASSWORD}
            for _ in range(sessions // PEOPLE):
                code = browser.authorize("/oauth2/authorize", SCOPE, who)
                tokens.append(redeem(self.port, "/oauth2/token", code)["refresh_token"])
            browser.connection.close()
        self.tokens.write_text("\n".join(tokens))

    def refresh(self, load, connections, limits):
        """Puts refreshes on it; each new token goes back into the pool. One result of the generator, and server CPU."""
        body = f"grant_type=refresh_token&client_id={CLIENT}&refresh_token="
        command = [load, "--address", f"127.0.0.1:{self.port}", "--host", f"localhost:{self.port}"]
        command += ["--method", "POST", "--path", "/oauth2/token", "--body", body, "--bodies", self.tokens]
        command += ["--capture", "refresh_token", "--return", "--capture-to", self.tokens]
        command += ["--connections", connections, *limits]
        before = self.process.cpu_seconds()
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, env=os.environ)
        cpu = self.process.cpu_seconds() - before
        result = json.loads(done.stdout)
        if result["unexpected"] or not result["requests"]:
            raise SystemExit(f"bench/storage: {result['unexpected']} of {result['requests']} refreshes failed: {result['sample']}")
        return {
            "rate": result["requests"] / result["seconds"],
            "p50": result["p50_ms"],
            "p99": result["p99_ms"],
            "cpu_ms": cpu * 1000 / result["requests"],
        }
