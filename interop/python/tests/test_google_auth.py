"""google-auth and google-auth-oauthlib, with the addresses of another issuer."""

import os
import pathlib
import sys

import google.auth.exceptions
import google.auth.transport.requests
import jwt
import person
import pytest
import requests
from conftest import TOML
from google.oauth2 import id_token, sts
from google_auth_oauthlib.flow import Flow, InstalledAppFlow
from oauthlib.oauth2.rfc6749 import errors
from relying_party import tampered
from server import Server

HERE = pathlib.Path(__file__).resolve().parent
BROWSER = f"{sys.executable} {HERE.parent / 'lib/browser.py'} %s &"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
SCOPES = ["openid", "email", "offline_access"]


def client_config(server, client_id="cli"):
    metadata = server.metadata()
    # A file for an installed app always holds a secret; a server that knows none does not ask.
    installed = {
        "client_id": client_id,
        "client_secret": "not-a-secret",
        "auth_uri": metadata["authorization_endpoint"],
        "token_uri": metadata["token_endpoint"],
    }
    return {"installed": installed}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("INTEROP_USERNAME", "ada")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    with Server(toml=TOML) as started:
        yield started


def sign_in(server):
    flow = InstalledAppFlow.from_client_config(client_config(server), SCOPES)
    credentials = flow.run_local_server(
        port=0, browser=BROWSER, timeout_seconds=30, authorization_prompt_message=None
    )
    return flow, credentials


def test_an_installed_app_signs_in_and_its_id_token_verifies(server):
    _, credentials = sign_in(server)
    assert credentials.valid and credentials.refresh_token
    metadata, request = server.metadata(), google.auth.transport.requests.Request()
    claims = id_token.verify_token(
        credentials.id_token, request, audience="cli", certs_url=metadata["jwks_uri"]
    )
    assert (claims["sub"], claims["iss"]) == ("ada", server.issuer)
    with pytest.raises(jwt.InvalidSignatureError):
        id_token.verify_token(
            tampered(credentials.id_token), request, "cli", certs_url=metadata["jwks_uri"]
        )
    with pytest.raises(jwt.InvalidAudienceError):
        id_token.verify_token(
            credentials.id_token, request, "another", certs_url=metadata["jwks_uri"]
        )


def test_credentials_refresh_and_stop_when_they_are_revoked(server):
    _, credentials = sign_in(server)
    request = google.auth.transport.requests.Request()
    first = credentials.token
    credentials.refresh(request)
    assert credentials.token != first
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    assert session.get(server.metadata()["userinfo_endpoint"]).json()["sub"] == "ada"
    answer = requests.post(
        server.metadata()["revocation_endpoint"],
        data={"token": credentials.refresh_token, "client_id": "cli"},
        timeout=10,
    )
    assert answer.status_code == 200
    with pytest.raises(google.auth.exceptions.RefreshError) as refused:
        credentials.refresh(request)
    assert refused.value.args[1]["error"] == "invalid_grant"
    assert not refused.value.retryable


def test_the_person_cancels(server, monkeypatch):
    monkeypatch.setenv("INTEROP_CANCEL", "1")
    with pytest.raises(errors.AccessDeniedError):
        sign_in(server)


def test_refused_with_a_code_that_has_expired(server):
    flow = Flow.from_client_config(
        client_config(server), SCOPES, redirect_uri="http://localhost:8085/callback"
    )
    address, _ = flow.authorization_url()
    callback = person.authorize(address)
    server.advance_clock("1h")
    with pytest.raises(errors.InvalidGrantError):
        flow.fetch_token(authorization_response=callback)


def test_token_exchange(server):
    _, credentials = sign_in(server)
    client = sts.Client(server.metadata()["token_endpoint"])
    request = google.auth.transport.requests.Request()
    answer = client.exchange_token(
        request,
        EXCHANGE_GRANT,
        credentials.token,
        ACCESS_TOKEN,
        audience="service-b",
        scopes=["service-b:read"],
        requested_token_type=ACCESS_TOKEN,
    )
    assert answer["issued_token_type"] == ACCESS_TOKEN
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == ("ada", "service-b")
    with pytest.raises(google.auth.exceptions.OAuthError, match="Error code invalid_request"):
        client.exchange_token(request, EXCHANGE_GRANT, tampered(credentials.token), ACCESS_TOKEN)


def test_a_strict_server_does_not_know_the_client():
    with Server(toml=TOML, flags=["--strict"]) as server:
        flow = Flow.from_client_config(
            client_config(server, "nobody"), SCOPES, redirect_uri="http://localhost:8085/callback"
        )
        address, _ = flow.authorization_url()
        page = person.Person().open(address)
        assert (page.status, page.location) == (400, None)
        with pytest.raises(errors.InvalidClientError):
            flow.fetch_token(code="abc")


def test_the_server_goes_away_before_a_refresh(server):
    _, credentials = sign_in(server)
    server.kill()
    with pytest.raises(google.auth.exceptions.TransportError):
        credentials.refresh(google.auth.transport.requests.Request())
