"""requests-oauthlib and oauthlib: the flows they know, and the errors they promise."""

import secrets
import time

import jwt
import person
import pytest
import requests
from conftest import REDIRECT_URI, SCOPES, SECRET, TOML
from oauthlib.oauth2 import BackendApplicationClient, DeviceClient
from oauthlib.oauth2.rfc6749 import errors
from relying_party import check, tampered
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session
from server import Server


class SignIn:
    """An authorization request of a public client, and what it takes to redeem the answer."""

    def __init__(self, server, scopes=tuple(SCOPES), client_id="public"):
        self.metadata, self.nonce = server.metadata(), secrets.token_urlsafe(12)
        self.session = OAuth2Session(
            client_id, redirect_uri=REDIRECT_URI, scope=list(scopes), pkce="S256"
        )
        self.url, self.state = self.session.authorization_url(
            self.metadata["authorization_endpoint"], nonce=self.nonce
        )

    def redeem(self, callback, **more):
        return self.session.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=callback,
            include_client_id=True,
            **more,
        )


class Device:
    """A device authorization of a client without a secret."""

    def __init__(self, server, client_id="public"):
        self.metadata, self.client_id = server.metadata(), client_id
        self.session = OAuth2Session(client=DeviceClient(client_id))
        # The library leaves the first request to its user.
        self.answer = requests.post(
            self.metadata["device_authorization_endpoint"],
            data={"client_id": client_id, "scope": " ".join(SCOPES)},
            timeout=10,
        )
        self.codes = self.answer.json()

    def ask(self):
        return self.session.fetch_token(
            self.metadata["token_endpoint"],
            device_code=self.codes["device_code"],
            include_client_id=True,
        )

    def poll(self):
        """The loop of RFC 8628 §3.5, with what the library raises."""
        interval = self.codes["interval"]
        while True:
            try:
                return self.ask()
            except errors.CustomOAuth2Error as pending:
                # oauthlib's client has no class of its own for these codes.
                if pending.error == "slow_down":
                    interval += 5
                elif pending.error != "authorization_pending":
                    raise
            time.sleep(interval)


def robot(server, name, secret=SECRET, scope=None):
    """Client credentials, with the secret in the header or in the body."""
    session = OAuth2Session(client=BackendApplicationClient(name, scope=scope))
    if name.endswith("post"):
        how = {"client_secret": secret, "include_client_id": True}
    else:
        how = {"auth": HTTPBasicAuth(name, secret)}
    return session.fetch_token(server.metadata()["token_endpoint"], **how)


def test_code_flow_with_pkce_and_a_checked_id_token(server):
    flow = SignIn(server)
    token = flow.redeem(person.authorize(flow.url))
    assert token["token_type"] == "Bearer"
    assert set(token["scope"]) == set(SCOPES)
    claims = check(token["id_token"], flow.metadata, "public", flow.nonce)
    assert claims["sub"] == "ada"
    userinfo = flow.session.get(flow.metadata["userinfo_endpoint"]).json()
    assert userinfo["sub"] == "ada"


def test_a_spoiled_or_misdirected_id_token_is_noticed(server):
    flow = SignIn(server)
    raw = flow.redeem(person.authorize(flow.url))["id_token"]
    with pytest.raises(jwt.InvalidSignatureError):
        check(tampered(raw), flow.metadata, "public", flow.nonce)
    with pytest.raises(jwt.InvalidAudienceError):
        check(raw, flow.metadata, "another", flow.nonce)
    with pytest.raises(jwt.InvalidIssuerError):
        check(raw, flow.metadata | {"issuer": server.url}, "public", flow.nonce)


def test_an_old_refresh_token_is_refused(server):
    flow = SignIn(server)
    first = flow.redeem(person.authorize(flow.url))
    endpoint = flow.metadata["token_endpoint"]
    second = flow.session.refresh_token(endpoint, client_id="public")
    assert second["refresh_token"] != first["refresh_token"]
    with pytest.raises(errors.InvalidGrantError) as refused:
        flow.session.refresh_token(
            endpoint, refresh_token=first["refresh_token"], client_id="public"
        )
    assert refused.value.error == "invalid_grant"
    # RFC 9700 §4.14.2: who used it again is unknown, so the new one ends too.
    with pytest.raises(errors.InvalidGrantError):
        flow.session.refresh_token(
            endpoint, refresh_token=second["refresh_token"], client_id="public"
        )


def test_an_expired_token_is_refreshed_on_the_way(server):
    flow = SignIn(server)
    token = flow.redeem(person.authorize(flow.url))
    kept = []
    session = OAuth2Session(
        "public",
        token=token | {"expires_at": time.time() - 1, "expires_in": -1},
        auto_refresh_url=flow.metadata["token_endpoint"],
        auto_refresh_kwargs={"client_id": "public"},
        token_updater=kept.append,
    )
    assert session.get(flow.metadata["userinfo_endpoint"]).json()["sub"] == "ada"
    assert kept[0]["access_token"] != token["access_token"]


@pytest.mark.parametrize("name", ["robot-basic", "robot-post"])
def test_client_credentials(server, name):
    token = robot(server, name, scope=["api:read"])
    assert token["scope"] == ["api:read"]
    assert "refresh_token" not in token


def test_device_flow(server):
    device = Device(server)
    person.Person().decide_device(device.codes["verification_uri_complete"], "approve")
    token = device.ask()
    assert token["refresh_token"]
    userinfo = device.session.get(device.metadata["userinfo_endpoint"]).json()
    assert userinfo["sub"] == "ada"


def test_device_flow_that_waits_for_the_person(server):
    device = Device(server)
    with pytest.raises(errors.CustomOAuth2Error) as pending:
        device.ask()
    assert pending.value.error == "authorization_pending"
    person.Person().decide_device(
        device.codes["verification_uri"], "approve", device.codes["user_code"]
    )
    assert device.poll()["access_token"]


def test_a_revoked_refresh_token_is_refused(server):
    flow = SignIn(server)
    token = flow.redeem(person.authorize(flow.url))
    url, headers, body = flow.session._client.prepare_token_revocation_request(
        flow.metadata["revocation_endpoint"], token["refresh_token"], "refresh_token"
    )
    answer = requests.post(url, data=body + "&client_id=public", headers=headers, timeout=10)
    assert answer.status_code == 200
    with pytest.raises(errors.InvalidGrantError):
        flow.session.refresh_token(flow.metadata["token_endpoint"], client_id="public")
    assert flow.session.get(flow.metadata["userinfo_endpoint"]).status_code == 401


@pytest.mark.parametrize("name", ["robot-basic", "robot-post"])
def test_refused_with_a_wrong_secret(server, name):
    with pytest.raises(errors.InvalidClientError) as refused:
        robot(server, name, secret="wrong")
    assert refused.value.error == "invalid_client"
    assert refused.value.description


def test_refused_a_scope_or_a_grant_that_the_client_may_not_have(server):
    with pytest.raises(errors.InvalidScopeError):
        robot(server, "robot-post", scope=["api:write"])
    with pytest.raises(errors.UnauthorizedClientError):
        robot(server, "api")


def test_refused_when_the_person_cancels(server):
    flow = SignIn(server)
    callback = person.cancel(flow.url)
    with pytest.raises(errors.AccessDeniedError) as refused:
        flow.redeem(callback)
    assert refused.value.error == "access_denied"


def test_refused_when_nobody_may_be_asked(server):
    flow = SignIn(server)
    page = person.Person().open(flow.url + "&prompt=none")
    with pytest.raises(errors.LoginRequired):
        flow.redeem(page.location)


def test_a_callback_of_another_request_is_noticed(server):
    flow, other = SignIn(server), SignIn(server)
    with pytest.raises(errors.MismatchingStateError):
        flow.redeem(person.authorize(other.url))


def test_refused_when_the_person_denies_the_device(server):
    device = Device(server)
    person.Person().decide_device(device.codes["verification_uri_complete"], "deny")
    with pytest.raises(errors.AccessDeniedError):
        device.ask()


def test_refused_who_polls_too_fast():
    with Server() as server:
        device = Device(server)
        assert device.codes["interval"] == 5
        for expected in ("authorization_pending", "slow_down"):
            with pytest.raises(errors.CustomOAuth2Error) as refused:
                device.ask()
            assert refused.value.error == expected


def test_refused_when_the_device_code_has_expired(server):
    device = Device(server)
    server.advance_clock(f"{device.codes['expires_in'] + 1}s")
    with pytest.raises(errors.CustomOAuth2Error) as refused:
        device.ask()
    assert refused.value.error == "expired_token"
    someone = person.Person()
    entry = someone.open(device.codes["verification_uri"])
    page = someone.submit(entry, user_code=device.codes["user_code"])
    assert page.has("user_code") and not page.has("username"), page
    assert "valid any more" in page.body


def test_refused_when_the_code_has_expired_or_was_used(server):
    flow = SignIn(server)
    callback = person.authorize(flow.url)
    token = flow.redeem(callback)
    with pytest.raises(errors.InvalidGrantError):
        flow.redeem(callback)
    # RFC 6749 §4.1.2: the tokens of the first use end with the second.
    userinfo = flow.metadata["userinfo_endpoint"]
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert requests.get(userinfo, headers=headers, timeout=10).status_code == 401

    flow = SignIn(server)
    callback = person.authorize(flow.url)
    server.advance_clock("1h")
    with pytest.raises(errors.InvalidGrantError):
        flow.redeem(callback)


def test_refused_with_another_verifier(server):
    flow = SignIn(server)
    callback = person.authorize(flow.url)
    flow.session._code_verifier = secrets.token_urlsafe(48)
    with pytest.raises(errors.InvalidGrantError):
        flow.redeem(callback)


def test_a_strict_server_does_not_know_the_client(strict_server):
    device = Device(strict_server, client_id="nobody")
    assert (device.answer.status_code, device.codes["error"]) == (401, "invalid_client")
    flow = SignIn(strict_server, client_id="nobody")
    # RFC 6749 §4.1.2.1: the person is told, the browser is sent nowhere.
    page = person.Person().open(flow.url)
    assert (page.status, page.location) == (400, None)
    with pytest.raises(errors.InvalidClientError):
        flow.redeem(f"{REDIRECT_URI}?code=abc&state={flow.state}")


def test_the_server_goes_away_between_two_polls():
    with Server(toml=TOML) as server:
        device = Device(server)
        with pytest.raises(errors.CustomOAuth2Error):
            device.ask()
        server.kill()
        with pytest.raises(requests.exceptions.ConnectionError):
            device.ask()
