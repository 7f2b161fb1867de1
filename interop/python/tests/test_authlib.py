"""Authlib's clients on requests and on httpx2: the flows they know, and the errors they promise."""

import secrets
import time

import httpx2
import person
import pytest
import requests
from authlib.integrations import httpx_client, requests_client
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.rfc6749.errors import MismatchingStateException, MissingCodeException
from authlib.oidc.core import CodeIDToken
from conftest import REDIRECT_URI, SCOPES, SECRET, TOML
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidClaimError
from joserfc.jwk import KeySet
from relying_party import tampered
from server import Server

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


class Library:
    """One of the two clients: they have the same methods."""

    def __init__(self, client, unreachable):
        self._client, self.unreachable, self._open = client, unreachable, []

    def __call__(self, server, client_id="public", secret=None, **more):
        made = self._client(client_id, secret, **server.metadata(), **more)
        self._open.append(made)
        return made

    def close(self):
        for made in self._open:
            made.close()


@pytest.fixture(params=["requests", "httpx2"])
def library(request):
    if request.param == "requests":
        made = Library(requests_client.OAuth2Session, requests.exceptions.ConnectionError)
    else:
        made = Library(httpx_client.OAuth2Client, httpx2.ConnectError)
    yield made
    made.close()


class SignIn:
    """An authorization request of a public client, and what it takes to redeem the answer."""

    def __init__(self, library, server, client_id="public"):
        self.client = library(
            server,
            client_id,
            scope=" ".join(SCOPES),
            redirect_uri=REDIRECT_URI,
            code_challenge_method="S256",
        )
        self.metadata = self.client.metadata
        self.verifier, self.nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(12)
        self.url, self.state = self.client.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=self.verifier, nonce=self.nonce
        )

    def redeem(self, callback):
        return self.client.fetch_token(
            authorization_response=callback, state=self.state, code_verifier=self.verifier
        )


def check(raw, metadata, client_id, nonce, access_token=None, now=None):
    """The checks of the ID token, as Authlib's documentation has them done."""
    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    token = jwt.decode(raw, keys, algorithms=metadata["id_token_signing_alg_values_supported"])
    options = {
        "iss": {"essential": True, "value": metadata["issuer"]},
        "aud": {"essential": True, "value": client_id},
    }
    params = {"nonce": nonce, "client_id": client_id, "access_token": access_token}
    claims = CodeIDToken(token.claims, token.header, options, params)
    claims.validate(now=now)
    return claims


def assert_refused(code, ask, *arguments, **named):
    with pytest.raises(OAuthError) as refused:
        ask(*arguments, **named)
    assert refused.value.error == code
    assert refused.value.description


def start_device(library, server, client_id="public"):
    """The client, a function that asks for the token once, and the codes."""
    client = library(server, client_id)
    # The library leaves the first request to its user.
    answer = requests.post(
        client.metadata["device_authorization_endpoint"],
        data={"client_id": client_id, "scope": " ".join(SCOPES)},
        timeout=10,
    )
    codes = answer.json()

    def ask():
        return client.fetch_token(grant_type=DEVICE_GRANT, device_code=codes["device_code"])

    return client, ask, codes


def robot(library, server, name, secret=SECRET):
    method = "client_secret_post" if name.endswith("post") else "client_secret_basic"
    return library(server, name, secret, token_endpoint_auth_method=method)


def test_code_flow_with_pkce_and_a_checked_id_token(library, server):
    flow = SignIn(library, server)
    token = flow.redeem(person.authorize(flow.url))
    assert token["token_type"] == "Bearer"
    assert set(token["scope"].split()) == set(SCOPES)
    claims = check(
        token["id_token"], flow.metadata, "public", flow.nonce, access_token=token["access_token"]
    )
    assert claims["sub"] == "ada" and claims["at_hash"]
    assert flow.client.get(flow.metadata["userinfo_endpoint"]).json()["sub"] == "ada"


def test_a_spoiled_or_misdirected_id_token_is_noticed(library, server):
    flow = SignIn(library, server)
    raw = flow.redeem(person.authorize(flow.url))["id_token"]
    with pytest.raises(BadSignatureError):
        check(tampered(raw), flow.metadata, "public", flow.nonce)
    for metadata, client_id, nonce, access_token, claim in (
        (flow.metadata | {"issuer": server.url}, "public", flow.nonce, None, "iss"),
        (flow.metadata, "another", flow.nonce, None, "aud"),
        (flow.metadata, "public", "another", None, "nonce"),
        (flow.metadata, "public", flow.nonce, "another", "at_hash"),
    ):
        with pytest.raises(InvalidClaimError) as noticed:
            check(raw, metadata, client_id, nonce, access_token)
        assert noticed.value.claim == claim
    with pytest.raises(ExpiredTokenError):
        check(raw, flow.metadata, "public", flow.nonce, now=int(time.time()) + 24 * 3600)


def test_an_old_refresh_token_is_refused(library, server):
    flow = SignIn(library, server)
    first = dict(flow.redeem(person.authorize(flow.url)))
    second = dict(flow.client.refresh_token())
    assert second["refresh_token"] != first["refresh_token"]
    for spent in (first, second):
        # RFC 9700 §4.14.2: the reuse of the first ends the second too.
        assert_refused(
            "invalid_grant", flow.client.refresh_token, refresh_token=spent["refresh_token"]
        )


def test_an_expired_token_is_refreshed_on_the_way(library, server):
    flow = SignIn(library, server)
    token = dict(flow.redeem(person.authorize(flow.url)))
    kept = []
    client = library(
        server,
        token=token | {"expires_at": int(time.time()) - 1},
        update_token=lambda new, refresh_token=None, access_token=None: kept.append(dict(new)),
    )
    assert client.get(flow.metadata["userinfo_endpoint"]).json()["sub"] == "ada"
    assert kept[0]["access_token"] != token["access_token"]


@pytest.mark.parametrize("name", ["robot-basic", "robot-post"])
def test_client_credentials(library, server, name):
    token = robot(library, server, name).fetch_token(
        grant_type="client_credentials", scope="api:read"
    )
    assert token["scope"] == "api:read"
    assert "refresh_token" not in token


def test_device_flow(library, server):
    client, ask, codes = start_device(library, server)
    assert_refused("authorization_pending", ask)
    person.Person().decide_device(codes["verification_uri_complete"], "approve")
    token = ask()
    assert token["refresh_token"]
    assert client.get(client.metadata["userinfo_endpoint"]).json()["sub"] == "ada"


def test_token_exchange(library, server):
    flow = SignIn(library, server)
    original = flow.redeem(person.authorize(flow.url))["access_token"]
    client = library(server, "service-a")
    request = {
        "grant_type": EXCHANGE_GRANT,
        "subject_token": original,
        "subject_token_type": ACCESS_TOKEN,
        "audience": "service-b",
        "scope": "service-b:read",
    }
    token = client.fetch_token(**request)
    assert token["issued_token_type"] == ACCESS_TOKEN
    keys = KeySet.import_key_set(requests.get(client.metadata["jwks_uri"], timeout=10).json())
    claims = jwt.decode(token["access_token"], keys).claims
    assert (claims["sub"], claims["aud"]) == ("ada", "service-b")
    # RFC 8693 §2.2.2.
    request["subject_token"] = tampered(original)
    assert_refused("invalid_request", client.fetch_token, **request)


def test_introspection_and_revocation(library, server):
    flow = SignIn(library, server)
    token = dict(flow.redeem(person.authorize(flow.url)))
    api = library(server, "api", SECRET)
    endpoint = flow.metadata["introspection_endpoint"]
    access_token = token["access_token"]
    told = api.introspect_token(endpoint, token=access_token, token_type_hint="access_token").json()
    assert told["active"] is True
    assert (told["client_id"], told["sub"]) == ("public", "ada")
    # Row S-159: a refresh token is nothing to a resource server.
    told = api.introspect_token(endpoint, token=token["refresh_token"]).json()
    assert told == {"active": False}
    revoked = flow.client.revoke_token(
        flow.metadata["revocation_endpoint"],
        token=token["refresh_token"],
        token_type_hint="refresh_token",
    )
    assert revoked.status_code == 200
    # RFC 7009 §2.1: the access tokens of the same grant end with the refresh token.
    assert api.introspect_token(endpoint, token=access_token).json() == {"active": False}
    assert_refused("invalid_grant", flow.client.refresh_token)


def test_refused_introspection_with_a_wrong_secret(library, server):
    answer = library(server, "api", "wrong").introspect_token(
        server.metadata()["introspection_endpoint"], token="any"
    )
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    # RFC 6749 §5.2: who used a header is told the scheme.
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("name", ["robot-basic", "robot-post"])
def test_refused_with_a_wrong_secret(library, server, name):
    client = robot(library, server, name, secret="wrong")
    assert_refused("invalid_client", client.fetch_token, grant_type="client_credentials")


def test_refused_a_scope_or_a_grant_that_the_client_may_not_have(library, server):
    client = robot(library, server, "robot-post")
    request = {"grant_type": "client_credentials"}
    assert_refused("invalid_scope", client.fetch_token, **request, scope="api:write")
    assert_refused("unauthorized_client", robot(library, server, "api").fetch_token, **request)
    assert_refused("unsupported_grant_type", client.fetch_token, grant_type="magic")


def test_refused_when_the_person_cancels(library, server):
    flow = SignIn(library, server)
    callback = person.cancel(flow.url)
    # Authlib's client leaves `error` to its user and promises only that there is no code.
    with pytest.raises(MissingCodeException):
        flow.client.fetch_token(
            grant_type="authorization_code",
            authorization_response=callback,
            code_verifier=flow.verifier,
        )
    assert "error=access_denied" in callback and f"state={flow.state}" in callback


def test_a_callback_of_another_request_is_noticed(library, server):
    flow, other = SignIn(library, server), SignIn(library, server)
    with pytest.raises(MismatchingStateException):
        flow.redeem(person.authorize(other.url))


def test_refused_when_the_person_denies_the_device(library, server):
    _, ask, codes = start_device(library, server)
    person.Person().decide_device(codes["verification_uri_complete"], "deny")
    assert_refused("access_denied", ask)


def test_refused_who_polls_too_fast(library):
    with Server() as server:
        _, ask, codes = start_device(library, server)
        assert codes["interval"] == 5
        assert_refused("authorization_pending", ask)
        assert_refused("slow_down", ask)


def test_refused_when_the_device_code_has_expired(library, server):
    _, ask, codes = start_device(library, server)
    server.advance_clock(f"{codes['expires_in'] + 1}s")
    assert_refused("expired_token", ask)


def test_refused_when_the_code_has_expired_or_was_used(library, server):
    flow = SignIn(library, server)
    callback = person.authorize(flow.url)
    flow.redeem(callback)
    assert_refused("invalid_grant", flow.redeem, callback)
    flow = SignIn(library, server)
    callback = person.authorize(flow.url)
    server.advance_clock("1h")
    assert_refused("invalid_grant", flow.redeem, callback)


def test_refused_with_another_verifier_or_none(library, server):
    for verifier in (secrets.token_urlsafe(48), None):
        flow = SignIn(library, server)
        callback = person.authorize(flow.url)
        flow.verifier = verifier
        assert_refused("invalid_grant", flow.redeem, callback)


def test_a_strict_server_does_not_know_the_client(library, strict_server):
    flow = SignIn(library, strict_server, client_id="nobody")
    # RFC 6749 §4.1.2.1: the person is told, the browser is sent nowhere.
    page = person.Person().open(flow.url)
    assert (page.status, page.location) == (400, None)
    assert_refused("invalid_client", flow.redeem, f"{REDIRECT_URI}?code=abc&state={flow.state}")


def test_the_server_goes_away_between_two_polls(library):
    with Server(toml=TOML) as server:
        _, ask, _ = start_device(library, server)
        assert_refused("authorization_pending", ask)
        server.kill()
        with pytest.raises(library.unreachable):
            ask()
