"""Programs that have http://localhost:8080 built in, against servers in trouble."""

import re
import subprocess
import time

from server import Server
from test_programs import ISSUER, Program, start_device_demo
import person


def test_the_device_demo_says_that_its_code_expired():
    toml = '[ttl]\ndevice = "2s"\n[device]\ninterval = "1s"\n'
    with Server(toml=toml, port=8080), Program("device_demo.py") as program:
        start_device_demo(program)
        assert program.read_line(r"^\(Expires in (\d+) seconds\)$")[1] == "2"
        status, complaint = program.end()
        assert (status, complaint) == (1, "Error: Device code expired\n")


def test_the_device_demo_slows_down_when_it_is_told_to():
    faults = {"endpoint": "token", "grant": "device_code", "sequence": ["slow_down"]}
    with Server(toml='[device]\ninterval = "1s"\n', port=8080) as server:
        server.fault(**faults)
        started = time.monotonic()
        with Program("device_demo.py") as program:
            address, code = start_device_demo(program)
            person.Person().decide_device(address, "approve", code, username="demouser")
            status, complaint = program.end()
        assert (status, complaint) == (0, "")
        # The first poll is told to slow down: the second comes after 1 + 5 seconds (RFC 8628 §3.5).
        assert re.search(r"^3\. Waiting for authorization\.\.$", program.transcript, re.MULTILINE)
        assert time.monotonic() - started >= 6
        assert f"iss: {ISSUER}" in program.transcript


def test_the_device_demo_fails_when_the_server_goes_away():
    with Server(toml='[device]\ninterval = "1s"\n', port=8080) as server:
        with Program("device_demo.py") as program:
            start_device_demo(program)
            server.kill()
            status, complaint = program.end()
            assert status == 1
            assert "requests.exceptions.ConnectionError" in complaint
