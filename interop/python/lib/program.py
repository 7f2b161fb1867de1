"""A program as its user starts it."""

import os
import pathlib
import queue
import re
import subprocess
import sys
import tempfile
import threading

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "programs"
PATIENCE = 40  # seconds; only turns what hangs into a failure


class Program:
    """A program as its user starts it, and what it has printed."""

    def __init__(self, name, *words, env=None):
        self._home = tempfile.TemporaryDirectory(prefix="hallpass-program-")
        self._complaint = open(pathlib.Path(self._home.name) / "stderr", "w+")
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAMS / name), *words],
            cwd=self._home.name,
            env={"PATH": os.environ["PATH"], "HOME": self._home.name, "PYTHONUNBUFFERED": "1"}
            | (env or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaint,
            text=True,
        )
        self.transcript, self._lines = "", queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def read_line(self, pattern):
        """Reads on until a line matches."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.transcript += line
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"no {pattern}:\n{self.transcript}{self.end()}")

    def end(self, typed=""):
        """Waits for the end: the exit status, and what went to standard error."""
        self.process.stdin.write(typed)
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self._reader.join()
        while not self._lines.empty():
            self.transcript += self._lines.get() or ""
        self._complaint.seek(0)
        return status, self._complaint.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()
        self._complaint.close()
        self._home.cleanup()
