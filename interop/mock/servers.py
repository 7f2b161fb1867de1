"""Starts both servers with the same configuration, and stops them."""

import http.client
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
THEIRS, OURS = "theirs", "ours"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def hallpass():
    given = os.environ.get("HALLPASS")
    if given:
        return str(pathlib.Path(given).resolve())
    target = os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    return str(pathlib.Path(target) / "debug" / "hallpass")


class Server:
    """One server: where it is, and its process."""

    def __init__(self, name, config, env, files, https):
        self.name, self.https = name, https
        self.folder = tempfile.TemporaryDirectory(prefix="hallpass-mock-")
        place = pathlib.Path(self.folder.name)
        for path, content in files.items():
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        if name == THEIRS:
            self.command = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{HERE}/lib/*",
                            "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt"]
        else:
            self.command = [hallpass(), "serve", "--dev"]
        self.place = place
        settings = {key: value for key, value in os.environ.items()
                    if key in ("PATH", "HOME", "JAVA_HOME", "TMPDIR", "LANG")}
        settings |= {"SERVER_HOSTNAME": "localhost", "LOG_LEVEL": "ERROR",
                     "XDG_CONFIG_HOME": f"{place}/xdg"} | env
        if config is not None:
            # mock-oauth2-server finds static files only under an absolute path.
            settings["JSON_CONFIG"] = json.dumps(config).replace("FOLDER", str(place))
        self.settings = settings
        self.log = open(place / "log", "w+b")
        self.start()

    def start(self):
        self.port = free_port()
        self.base = f"{'https' if self.https else 'http'}://localhost:{self.port}"
        self.process = subprocess.Popen(self.command, cwd=self.place, stdout=self.log, stderr=self.log,
                                        env=self.settings | {"SERVER_PORT": str(self.port)})

    def wait(self):
        """Waits until it answers, or says why it does not."""
        end, starts, ended = time.monotonic() + 90, 1, ""
        while time.monotonic() < end:
            code = self.process.poll()
            if code is not None:
                # Somebody may have taken the port between our look and its bind.
                ended = f" (it ended with {code})"
                if starts == 3:
                    break
                starts += 1
                self.start()
            try:
                connection = self.connect(5)
                connection.request("GET", "/isalive")
                if connection.getresponse().status == 200:
                    connection.close()
                    return
            except OSError:
                time.sleep(0.05)
        self.log.seek(0)
        raise SystemExit(f"{self.name} does not start{ended}:\n{self.log.read().decode(errors='replace')}")

    def connect(self, timeout=30):
        if self.https:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=context)
        return http.client.HTTPConnection("localhost", self.port, timeout=timeout)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.folder.cleanup()


class Pair:
    """Both servers, with one configuration."""

    def __init__(self, config=None, env=None, files=None, https=False):
        self.servers = [Server(name, config, env or {}, files or {}, https) for name in (THEIRS, OURS)]

    def __enter__(self):
        return self

    def ready(self):
        for server in self.servers:
            server.wait()
        return self.servers

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()
