"""MSAL with a generic authority. It insists on https, so the server makes itself a certificate."""

import json
import ssl
import urllib.parse

import jwt
import msal
import person
import pytest
import requests
from conftest import SECRET
from server import Server

REDIRECT_URI = "http://localhost:8085/callback"
CONFIG = {
    "interactiveLogin": True,
    "httpServer": {"type": "NettyWrapper", "ssl": {}},
    "clients": [
        {
            "id": "robot",
            "type": "confidential",
            "auth_method": "client_secret_post",
            "secret": SECRET,
            "grants": ["client_credentials"],
            "scopes": ["api:read"],
        }
    ],
}


@pytest.fixture(params=[()], ids=["dev"])
def server(request, tmp_path, monkeypatch):
    with Server(json_config=json.dumps(CONFIG), flags=request.param) as started:
        address = urllib.parse.urlsplit(started.url)
        certificate = tmp_path / "server.pem"
        certificate.write_text(ssl.get_server_certificate((address.hostname, address.port)))
        # What `requests` trusts: in MSAL and in the person's browser.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        yield started


strict = pytest.mark.parametrize("server", [("--strict",)], ids=["strict"], indirect=True)


def cli(server, client_id="cli"):
    return msal.PublicClientApplication(client_id, oidc_authority=server.issuer)


def robot(server, secret=SECRET):
    return msal.ConfidentialClientApplication(
        "robot", client_credential=secret, oidc_authority=server.issuer
    )


def poll_once(app, flow):
    """MSAL's loop, told to give up after its first question."""
    return app.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


def assert_refused(answer, code):
    assert answer["error"] == code, answer
    assert answer["error_description"]
    assert "access_token" not in answer


def sign_in(app, decide=person.authorize):
    """The redirect that ends an authorization request, and MSAL's own state of it."""
    flow = app.initiate_auth_code_flow(
        ["api:read"], redirect_uri=REDIRECT_URI, response_mode="query"
    )
    callback = urllib.parse.urlsplit(decide(flow["auth_uri"]))
    return flow, dict(urllib.parse.parse_qsl(callback.query))


def test_plain_http_is_refused_by_the_library():
    with Server() as server, pytest.raises(ValueError, match="should consist of an https url"):
        cli(server)


@pytest.mark.filterwarnings("ignore:response_mode")
def test_code_flow_with_pkce_and_nonce(server):
    app = cli(server)
    flow, answer = sign_in(app)
    assert "code_challenge=" in flow["auth_uri"] and "nonce=" in flow["auth_uri"]
    result = app.acquire_token_by_auth_code_flow(flow, answer)
    assert result["id_token_claims"]["sub"] == "ada"
    # MSAL checks audience and nonce, not the signature: that is its user's part.
    keys = requests.get(f"{server.issuer}/jwks", timeout=10).json()
    claims = jwt.decode(
        result["id_token"],
        jwt.PyJWKSet.from_dict(keys)["default"],
        audience="cli",
        issuer=server.issuer,
    )
    assert claims == result["id_token_claims"]


def test_device_flow_then_silently_by_refresh(server):
    app = cli(server)
    flow = app.initiate_device_flow(["api:read"])
    assert flow["interval"] == 5 and flow["expires_in"] == 600
    person.Person().decide_device(flow["verification_uri"], "approve", flow["user_code"])
    result = app.acquire_token_by_device_flow(flow)
    assert result["id_token_claims"]["sub"] == "ada"
    account = app.get_accounts()[0]
    cached = app.acquire_token_silent(["api:read"], account)
    assert cached["access_token"] == result["access_token"]
    fresh = app.acquire_token_silent(["api:read"], account, force_refresh=True)
    assert fresh["access_token"] != result["access_token"]
    assert fresh["token_source"] == "identity_provider"


def test_client_credentials(server):
    result = robot(server).acquire_token_for_client(["api:read"])
    assert result["token_type"] == "Bearer" and result["expires_in"] == 3600


def test_refused_with_a_wrong_secret(server):
    assert_refused(robot(server, "wrong").acquire_token_for_client(["api:read"]), "invalid_client")


def test_refused_a_scope_that_the_client_may_not_have(server):
    assert_refused(robot(server).acquire_token_for_client(["api:write"]), "invalid_scope")


@pytest.mark.filterwarnings("ignore:response_mode")
def test_refused_when_the_person_cancels(server):
    app = cli(server)
    flow, answer = sign_in(app, person.cancel)
    refused = app.acquire_token_by_auth_code_flow(flow, answer)
    assert refused["error"] == "access_denied"


@pytest.mark.filterwarnings("ignore:response_mode")
def test_a_callback_of_another_request_is_noticed(server):
    app = cli(server)
    flow, _ = sign_in(app)
    _, other = sign_in(app)
    with pytest.raises(ValueError, match="state mismatch"):
        app.acquire_token_by_auth_code_flow(flow, other)


@pytest.mark.filterwarnings("ignore:response_mode")
def test_refused_when_the_code_was_used_or_has_expired(server):
    app = cli(server)
    flow, answer = sign_in(app)
    assert "access_token" in app.acquire_token_by_auth_code_flow(flow, answer)
    assert_refused(app.acquire_token_by_auth_code_flow(flow, answer), "invalid_grant")
    flow, answer = sign_in(app)
    server.advance_clock("1h")
    assert_refused(app.acquire_token_by_auth_code_flow(flow, answer), "invalid_grant")


def test_refused_when_the_person_denies_the_device(server):
    app = cli(server)
    flow = app.initiate_device_flow(["api:read"])
    person.Person().decide_device(flow["verification_uri"], "deny", flow["user_code"])
    assert_refused(app.acquire_token_by_device_flow(flow), "access_denied")


@pytest.mark.filterwarnings("ignore:Attempted too soon")
def test_refused_who_polls_too_fast(server):
    app = cli(server)
    flow = app.initiate_device_flow(["api:read"])
    assert_refused(poll_once(app, flow), "authorization_pending")
    assert_refused(poll_once(app, flow), "slow_down")
    # RFC 8628 §3.5: its loop now waits five seconds more.
    assert flow["interval"] == 10


def test_refused_when_the_device_code_has_expired(server):
    app = cli(server)
    flow = app.initiate_device_flow(["api:read"])
    server.advance_clock("601s")
    assert_refused(poll_once(app, flow), "expired_token")


@strict
def test_a_strict_server_does_not_know_the_client(server):
    flow = cli(server, "nobody").initiate_device_flow(["api:read"])
    assert flow["error"] == "invalid_client"
    assert "user_code" not in flow


def test_the_server_goes_away_between_two_polls(server):
    app = cli(server)
    flow = app.initiate_device_flow(["api:read"])
    server.kill()
    with pytest.raises(requests.exceptions.ConnectionError):
        app.acquire_token_by_device_flow(flow)
