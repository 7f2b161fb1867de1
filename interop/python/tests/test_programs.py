"""Programs that have http://localhost:8080 built in, run unchanged."""

import base64
import contextlib
import json
import pathlib
import re
import sys
import time

import person
import pytest
import requests
from program import Program
from server import Server

HERE = pathlib.Path(__file__).resolve().parent
BROWSER = f"{sys.executable} {HERE.parent / 'lib/browser.py'} %s &"
ISSUER = "http://localhost:8080/default"


def assert_transcript(transcript, expected):
    """Line by line, each a regular expression."""
    lines, patterns = transcript.splitlines(), expected.strip().splitlines()
    assert len(lines) == len(patterns), transcript
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}:\n{transcript}"


def start_device_demo(program):
    address = program.read_line(r"^(http://\S+)$")[1]
    code = program.read_line(r"^Enter code: (\S+)$")[1]
    assert address == f"{ISSUER}/device"
    return address, code


# First the servers in trouble: the port is free until a test asks for the shared server.


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


@pytest.fixture(scope="module")
def server():
    with Server(port=8080) as started:
        yield started


@pytest.fixture(scope="module")
def device_programs(server):
    """Every program that polls, started at once: each waits five seconds between its questions."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(Program(*words))
            for name, words in {
                "approved": ("device_demo.py",),
                "denied": ("device_demo.py",),
                "authkit form": ("authkit_device.py",),
                "authkit json": ("authkit_device.py", "--json"),
                "authkit denied": ("authkit_device.py",),
            }.items()
        }


@pytest.fixture(scope="module")
def decided(device_programs):
    """The same, and the person has decided."""
    for name, action in (("approved", "approve"), ("denied", "deny")):
        address, code = start_device_demo(device_programs[name])
        person.Person().decide_device(address, action, code, username="demouser")
    for name in ("authkit form", "authkit json", "authkit denied"):
        program = device_programs[name]
        address = program.read_line(r"^Please visit: (\S+)$")[1]
        code = program.read_line(r"^And enter code: ([A-Z0-9]{4}-[A-Z0-9]{4})$")[1]
        complete = program.read_line(r"^Or visit: (\S+)$")[1]
        assert complete == f"{address}?user_code={code}"
        action = "deny" if name.endswith("denied") else "approve"
        person.Person().decide_device(complete, action, username="demouser")
    return device_programs


def test_the_device_demo_prints_what_its_document_shows(decided):
    program = decided["approved"]
    status, complaint = program.end()
    assert (status, complaint) == (0, ""), program.transcript
    assert_transcript(
        program.transcript,
        r"""
CLI OAuth2 Demo \(Device Flow\)
={40}
1\. Requesting device code\.\.\.
2\. Open this URL in any browser:
http://localhost:8080/default/device
Enter code: [A-Z0-9]{4}-[A-Z0-9]{4}
\(Expires in 600 seconds\)
3\. Waiting for authorization\.+
Received access token: eyJraWQiOiJkZWZhdWx0\.\.\.
4\. Fetching user info with access token\.\.\.
={40}
Authentication successful!
={40}
User Info:
sub: demouser
azp: cli-app
iss: http://localhost:8080/default
""",
    )


def test_the_device_demo_says_that_the_person_denied(decided):
    program = decided["denied"]
    status, complaint = program.end()
    assert (status, complaint) == (1, "Error: Authorization denied by user\n")
    assert "Received access token" not in program.transcript


def test_the_pkce_demo_prints_what_its_document_shows(server):
    env = {"BROWSER": BROWSER, "INTEROP_USERNAME": "demouser"}
    with Program("pkce_demo.py", env=env) as program:
        status, complaint = program.end()
        assert (status, complaint) == (0, ""), program.transcript
        assert_transcript(
            program.transcript,
            r"""
CLI OAuth2 Demo
={40}
1\. Opening browser for authentication\.\.\.
URL: http://localhost:8080/default/authorize\?client_id=cli-app&.*
2\. Waiting for authentication callback\.\.\.
Received authorization code: [A-Za-z0-9_.~-]{20}\.\.\.
3\. Exchanging code for access token\.\.\.
Received access token: eyJraWQiOiJkZWZhdWx0\.\.\.
4\. Fetching user info with access token\.\.\.
={40}
Authentication successful!
={40}
User Info:
sub: demouser
azp: cli-app
iss: http://localhost:8080/default
""",
        )


def test_the_pkce_demo_says_that_the_person_cancelled(server):
    env = {"BROWSER": BROWSER, "INTEROP_USERNAME": "demouser", "INTEROP_CANCEL": "1"}
    with Program("pkce_demo.py", env=env) as program:
        status, complaint = program.end()
        assert (status, complaint) == (1, "Error: Authorization failed: access_denied\n")


def run(name, *words, typed=""):
    with Program(name, *words) as program:
        status, complaint = program.end(typed)
        assert (status, complaint) == (0, ""), program.transcript
        return json.loads(program.transcript)


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_service_gets_a_token_of_its_own(server):
    answer = run("client_credentials.py")
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert set(answer["scope"].split()) == {"api:read", "api:write"}
    # RFC 6749 §4.4.3: no refresh token, another one is asked for instead.
    assert "refresh_token" not in answer and "id_token" not in answer
    token = claims(answer["access_token"])
    assert token["sub"] == "service-a"
    assert set(token["aud"]) == {"api:read", "api:write"}


def sign_in(username="demouser"):
    """Runs the OpenID Connect program, its person with the keyboard included."""
    with Program("oidc_demo.py") as program:
        address = program.read_line(r"^(http\S+)$")[1]
        status, complaint = program.end(person.authorize(address, username) + "\n")
        assert (status, complaint) == (0, ""), program.transcript
        return json.loads(program.transcript.splitlines()[1])


def test_the_id_token_verifies_and_userinfo_says_the_same(server):
    told = sign_in()
    assert told["id_token"]["iss"] == ISSUER
    assert told["id_token"]["sub"] == "demouser"
    assert told["id_token"]["aud"] == "cli-app"
    assert told["userinfo"]["sub"] == "demouser"
    assert set(told["tokens"]["scope"].split()) == {"openid", "profile", "email"}


def test_a_token_is_exchanged_for_one_at_service_b(server):
    original = sign_in()["tokens"]["access_token"]
    answer = run("token_exchange.py", typed=original + "\n")
    # RFC 8693 §2.2.1.
    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert answer["token_type"] == "Bearer"
    token = claims(answer["access_token"])
    assert (token["sub"], token["aud"]) == ("demouser", "service-b")
    assert answer.get("scope", "service-b:read") == "service-b:read"


def test_a_foreign_subject_token_is_refused(server):
    original = sign_in()["tokens"]["access_token"]
    head, payload, signature = original.split(".")
    forged = {**claims(original), "sub": "somebody-else"}
    payload = base64.urlsafe_b64encode(json.dumps(forged).encode()).rstrip(b"=").decode()
    with Program("token_exchange.py") as program:
        status, complaint = program.end(f"{head}.{payload}.{signature}\n")
        # RFC 8693 §2.2.2: an invalid subject token is an invalid request.
        assert (status, complaint) == (1, "Error: invalid_request\n")


@pytest.mark.parametrize("body", ["form", "json"])
def test_authkit_signs_in_a_device(decided, body):
    program = decided[f"authkit {body}"]
    status, complaint = program.end()
    assert (status, complaint) == (0, ""), program.transcript
    answer = json.loads(program.transcript.splitlines()[-1])
    assert answer["user"]["id"] == "demouser"
    assert claims(answer["access_token"])["sub"] == "demouser"
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": answer["refresh_token"],
        "client_id": "client_123",
    }
    refreshed = requests.post(
        "http://localhost:8080/user_management/authenticate",
        **({"json": fields} if body == "json" else {"data": fields}),
        timeout=10,
    )
    assert refreshed.status_code == 200, refreshed.text
    assert claims(refreshed.json()["access_token"])["sub"] == "demouser"


def test_authkit_says_that_the_person_denied(decided):
    status, complaint = decided["authkit denied"].end()
    assert (status, complaint) == (1, "Error: access_denied\n")
