"""`hallpass serve --dev` as a process of its own."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading

import requests

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
READY = re.compile(r"^Ready: (\S+)  issuer (\S+)$")


def binary():
    given = os.environ.get("HALLPASS")
    return str(pathlib.Path(given).resolve() if given else REPOSITORY / "target/debug/hallpass")


class Server:
    """One server: where it is, its metadata, and its process."""

    def __init__(self, toml=None, json_config=None, flags=(), port=0):
        if port != 0:
            self._insist_on(port)
        self._folder = tempfile.TemporaryDirectory(prefix="hallpass-python-")
        home = pathlib.Path(self._folder.name)
        words = [binary(), "serve", "--dev", "--port", str(port), *flags]
        if toml is not None:
            config = home / "server.toml"
            config.write_text(toml)
            words += ["--config", str(config)]
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "HALLPASS_HOME": str(home)}
        if json_config is not None:
            env["JSON_CONFIG"] = json_config
        self._log = open(home / "log", "w+b")
        self.process = subprocess.Popen(
            words, cwd=home, env=env, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        line = self.process.stdout.readline()
        found = READY.match(line.rstrip("\n"))
        if found is None:
            self.kill()
            self._log.seek(0)
            raise RuntimeError(f"no ready line but {line!r}:\n{self._log.read().decode()}")
        self.url, self.issuer = found.groups()
        # The pipe is emptied, or a talkative server would stop at a full one.
        self._reader = threading.Thread(target=self.process.stdout.read)
        self._reader.start()

    @staticmethod
    def _insist_on(port):
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(2)
                if probe.connect_ex((address, port)) == 0:
                    raise RuntimeError(
                        f"port {port} is taken: these programs have it built in. End what listens there."
                    )

    def metadata(self):
        """The discovery document, as a program reads it."""
        answer = requests.get(f"{self.issuer}/.well-known/openid-configuration", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def advance_clock(self, span):
        answer = requests.post(f"{self.url}/_hallpass/clock", json={"advance": span}, timeout=10)
        answer.raise_for_status()

    def fault(self, **fault):
        answer = requests.post(f"{self.url}/_hallpass/faults", json=fault, timeout=10)
        answer.raise_for_status()

    def kill(self):
        """As `kill -9` does; it may be gone already."""
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self._reader.join()
        self.process.stdout.close()
        self._log.close()
        self._folder.cleanup()
