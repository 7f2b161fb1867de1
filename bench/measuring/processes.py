"""Processes under measurement: started, timed, weighed, stopped."""

import os
import pathlib
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 60


class Process:
    """A server that has answered its first request; `millis` is how long that took."""

    def __init__(self, name, command, port, probe, cwd, env=None):
        self.name, self.port, self.probe = name, port, probe
        self.log = open(pathlib.Path(cwd) / f"{name}.log", "ab")
        began = time.perf_counter()
        self.popen = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        while not answers(port, probe):
            waited = time.perf_counter() - began
            if self.popen.poll() is not None or waited > PATIENCE:
                self.stop()
                raise SystemExit(f"bench: {name} does not start; see {self.log.name}")
            time.sleep(0.0005)
        self.millis = (time.perf_counter() - began) * 1000

    def cpu_seconds(self):
        """User and system time of all its threads, and of children that ended."""
        stat = pathlib.Path(f"/proc/{self.popen.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return sum(int(field) for field in fields[11:15]) / TICKS

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.popen.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def stop(self):
        self.popen.terminate()
        waited = time.perf_counter()
        # A server that was asked whether it is ready goes on until it has said that it is not.
        while self.popen.poll() is None and time.perf_counter() - waited < PATIENCE:
            answers(self.port, self.probe)
            time.sleep(0.05)
        self.popen.kill()
        self.popen.wait()
        self.log.close()


def answers(port, path):
    request = f"GET {path} HTTP/1.0\r\nhost: localhost:{port}\r\n\r\n".encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]
