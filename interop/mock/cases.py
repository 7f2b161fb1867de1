"""The requests that both servers are sent, one function for each part of what a drop-in must answer."""

import json
import urllib.parse

ISSUER = "/default"
BACK = "http://localhost:9/cb"
# The example of RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def authorize(**changes):
    parameters = {"client_id": "app", "redirect_uri": BACK, "response_type": "code", "scope": "openid offline_access",
                  "state": "s", "nonce": "n"} | changes
    return f"{ISSUER}/authorize?" + urllib.parse.urlencode({k: v for k, v in parameters.items() if v is not None})


def sign_in(api, username="ada", claims=None, **changes):
    form = {"username": username} | ({"claims": json.dumps(claims)} if claims else {})
    return api.send("POST", authorize(**changes), form=form).parameter("code")


def redeem(code, **changes):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": "app"} | changes
    return {name: value for name, value in form.items() if value is not None}


def tokens(api, **changes):
    return api.send("POST", f"{ISSUER}/token", form=redeem(sign_in(api, **changes))).json()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def refresh(token, **changes):
    return {"grant_type": "refresh_token", "refresh_token": token, "client_id": "app"} | changes


def endpoints(api):
    """Where things are, and which methods they take."""
    metadata = "/.well-known/openid-configuration"
    api.see("GET .well-known/openid-configuration", "GET", ISSUER + metadata)
    api.see("GET .well-known/oauth-authorization-server", "GET", f"{ISSUER}/.well-known/oauth-authorization-server")
    api.see("GET the metadata of RFC 8414 §3.1, path inserted", "GET", f"/.well-known/oauth-authorization-server{ISSUER}")
    deep = api.send("GET", "/team/a" + metadata).json()
    api.note("GET the metadata of issuer team/a", issuer=deep["issuer"].replace(api.base, "BASE"))
    root = api.send("GET", metadata).json()
    api.note("GET the metadata of the root issuer", issuer=root["issuer"].replace(api.base, "BASE"))
    api.see("GET jwks", "GET", f"{ISSUER}/jwks")
    api.see("GET /isalive", "GET", "/isalive")
    icon = api.send("GET", "/favicon.ico")
    api.note("GET /favicon.ico", status=icon.status, content="a picture" if icon.body else "empty")
    api.see("GET an unknown path", "GET", "/nowhere")
    api.see("OPTIONS *", "OPTIONS", "*")
    api.see("GET token", "GET", f"{ISSUER}/token")
    api.see("PUT token", "PUT", f"{ISSUER}/token")
    api.see("POST jwks", "POST", f"{ISSUER}/jwks")
    api.see("GET introspect", "GET", f"{ISSUER}/introspect")
    api.see("GET revoke", "GET", f"{ISSUER}/revoke")
    api.see("HEAD .well-known/openid-configuration", "HEAD", ISSUER + metadata)


def cors(api):
    origin = {"Origin": "http://localhost:3000"}
    asks = origin | {"Access-Control-Request-Headers": "authorization,dpop", "Access-Control-Request-Method": "POST"}
    api.see("OPTIONS token from another origin", "OPTIONS", f"{ISSUER}/token", headers=asks)
    api.see("OPTIONS userinfo from another origin", "OPTIONS", f"{ISSUER}/userinfo", headers=asks)
    api.see("OPTIONS authorize from another origin", "OPTIONS", f"{ISSUER}/authorize", headers=asks)
    api.see("GET authorize from another origin", "GET", authorize(), headers=origin)
    api.see("POST token from another origin", "POST", f"{ISSUER}/token", headers=origin,
            form={"grant_type": "client_credentials"}, basic="svc:x")
    api.see("GET jwks from another origin", "GET", f"{ISSUER}/jwks", headers=origin)


def hosts(api):
    """What the issuer is called, by whom it is asked for."""
    def issuer(name, headers, timeout=30):
        answer = api.send("GET", f"{ISSUER}/.well-known/openid-configuration", headers=headers, timeout=timeout)
        known = answer.json()["issuer"] if answer.status == 200 else "none"
        api.note(name, answer=answer.status or "none within the time", issuer=known.replace(api.base, "BASE"))
    port = api.server.port
    issuer("GET metadata with X-Forwarded-Proto and X-Forwarded-Port",
           {"Host": f"localhost:{port}", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"})
    issuer("GET metadata with X-Forwarded-Proto, Host without a port", {"Host": "localhost", "X-Forwarded-Proto": "https"})
    issuer("GET metadata with X-Forwarded-Port of the scheme",
           {"Host": f"localhost:{port}", "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"})
    issuer("GET metadata with Host 127.0.0.1:8080", {"Host": "127.0.0.1:8080"})
    issuer("GET metadata with an IPv6 Host", {"Host": "[::1]:8080"}, timeout=2)
    issuer("GET metadata with a foreign Host", {"Host": "evil.test:8080"})
    large = {"grant_type": "client_credentials", "client_id": "svc", "client_secret": "x", "padding": "x" * 70_000}
    api.see("POST token with a body above 64 KiB", "POST", f"{ISSUER}/token", form=large)


def login_page(api):
    api.see("GET authorize", "GET", authorize())
    api.see("GET authorize without client_id", "GET", f"{ISSUER}/authorize")
    api.see("GET authorize, response_type=token", "GET", authorize(response_type="token"))
    api.see("GET authorize, response_type=id_token", "GET", authorize(response_type="id_token"))
    api.see("GET authorize, redirect_uri elsewhere", "GET", authorize(redirect_uri="https://evil.test/cb"))
    api.see("GET authorize, prompt=none", "GET", authorize(prompt="none"))
    for mode in ("query", "fragment", "form_post"):
        api.see(f"POST authorize, response_mode={mode}", "POST", authorize(response_mode=mode), form={"username": "ada"})
    api.see("POST authorize with claims that are no JSON", "POST", authorize(), form={"username": "ada", "claims": "x"})
    api.see("POST authorize without a user name", "POST", authorize(), form={"username": ""})
    api.see("POST authorize from another site", "POST", authorize(), form={"username": "ada"},
            headers={"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"})


def code_grant(api):
    token = f"{ISSUER}/token"
    code = sign_in(api)
    first = api.see("POST token: code, public client", "POST", token, form=redeem(code))
    access = first.json()["access_token"]
    api.see("GET userinfo", "GET", f"{ISSUER}/userinfo", headers=bearer(access))
    api.see("POST introspect", "POST", f"{ISSUER}/introspect", form={"token": access}, basic="rs:any")
    api.see("POST introspect with a Bearer token", "POST", f"{ISSUER}/introspect", form={"token": access},
            headers=bearer("any"))
    api.see("POST introspect without credentials", "POST", f"{ISSUER}/introspect", form={"token": access})
    api.see("POST introspect of no token", "POST", f"{ISSUER}/introspect", form={"token": "x"}, basic="rs:any")
    api.see("POST token: the same code again", "POST", token, form=redeem(code))
    after = api.send("GET", f"{ISSUER}/userinfo", headers=bearer(access))
    api.note("GET userinfo after the same code again", status=after.status)
    api.see("POST token: code, no nonce, Basic, claims of the login page", "POST", token, basic="app:any",
            form=redeem(sign_in(api, nonce=None, claims={"role": "r", "acr": "Level4"}), client_id=None))
    api.see("POST token: code, scope in the token request", "POST", token, form=redeem(sign_in(api), scope="api:read"))
    api.see("POST token: code, other scopes at authorize", "POST", token,
            form=redeem(sign_in(api, scope="openid offline_access api:read")))
    api.see("POST token: code, without openid", "POST", token, form=redeem(sign_in(api, scope="api:read", nonce=None)))
    api.see("POST token: code, without offline_access", "POST", token, form=redeem(sign_in(api, scope="openid")))
    api.see("POST token: unknown code", "POST", token, form=redeem("nope"))
    api.see("POST token: code of another redirect_uri", "POST", token, form=redeem(sign_in(api), redirect_uri=BACK + "x"))
    api.see("POST token: code of another client", "POST", token, form=redeem(sign_in(api), client_id="other"))
    pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    api.see("POST token: PKCE", "POST", token, form=redeem(sign_in(api, **pkce), code_verifier=VERIFIER))
    api.see("POST token: PKCE, wrong verifier", "POST", token, form=redeem(sign_in(api, **pkce), code_verifier=VERIFIER[::-1]))
    api.see("POST token: PKCE, no verifier", "POST", token, form=redeem(sign_in(api, **pkce)))


def userinfo(api):
    api.see("GET userinfo without a token", "GET", f"{ISSUER}/userinfo")
    api.see("GET userinfo with no token of ours", "GET", f"{ISSUER}/userinfo", headers=bearer("x"))
    service = api.send("POST", f"{ISSUER}/token", form={"grant_type": "client_credentials"}, basic="svc:x").json()
    api.see("GET userinfo, token without openid", "GET", f"{ISSUER}/userinfo", headers=bearer(service["access_token"]))
    person = tokens(api)["access_token"]
    api.see("POST userinfo", "POST", f"{ISSUER}/userinfo", headers=bearer(person))
    api.see("GET userinfo with an ID token", "GET", f"{ISSUER}/userinfo", headers=bearer(tokens(api)["id_token"]))


def refreshing(api):
    token = f"{ISSUER}/token"
    given = tokens(api)["refresh_token"]
    answer = api.see("POST token: refresh, nonce was sent", "POST", token, form=refresh(given))
    again = answer.json()["refresh_token"]
    api.note("POST token: refresh, public client, rotateRefreshToken left out", rotates=given != again)
    given = tokens(api, nonce=None)["refresh_token"]
    api.see("POST token: refresh, no nonce", "POST", token, form=refresh(given))
    wide = sign_in(api, nonce=None)
    secret = api.send("POST", token, form=redeem(wide, client_id=None), basic="app:x").json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": secret}
    again = api.see("POST token: refresh, Basic", "POST", token, form=form, basic="app:x").json()["refresh_token"]
    api.note("POST token: refresh, confidential client, rotateRefreshToken left out", rotates=secret != again)
    api.see("POST token: refresh of another client", "POST", token, form=form, basic="other:x")
    api.see("POST token: refresh with an unknown token", "POST", token, form=refresh("x"))
    given = tokens(api)["refresh_token"]
    api.see("POST revoke without token_type_hint", "POST", f"{ISSUER}/revoke", form={"token": given, "client_id": "app"})
    given = tokens(api)["refresh_token"]
    api.see("POST revoke", "POST", f"{ISSUER}/revoke",
            form={"token": given, "client_id": "app", "token_type_hint": "refresh_token"})
    api.see("POST token: refresh after revoke", "POST", token, form=refresh(given))
    access = tokens(api)["access_token"]
    api.see("POST revoke of an access token", "POST", f"{ISSUER}/revoke",
            form={"token": access, "client_id": "app", "token_type_hint": "access_token"})


def other_grants(api):
    token = f"{ISSUER}/token"
    service = {"grant_type": "client_credentials"}
    api.see("POST token: client credentials by Basic", "POST", token, form=service, basic="svc:x")
    named = service | {"client_id": "svc", "client_secret": "x"}
    api.see("POST token: client credentials by form, one scope", "POST", token, form=named | {"scope": "api:read"})
    api.see("POST token: client credentials, scopes", "POST", token, form=named | {"scope": "api:read api:write openid"})
    api.see("POST token: client credentials without a client", "POST", token, form=service)
    api.see("POST token: client credentials without a secret", "POST", token, form=service | {"client_id": "svc"})
    api.see("POST token: password", "POST", token, basic="svc:x",
            form={"grant_type": "password", "username": "ada", "password": "p", "scope": "openid"})
    api.see("POST token: unknown grant", "POST", token, form={"grant_type": "Foo"}, basic="svc:x")
    api.see("POST token without grant_type", "POST", token, form={"a": "b"}, basic="svc:x")
    api.see("POST token with JSON", "POST", token, body="{}", headers={"Content-Type": "application/json"})
    subject = tokens(api, nonce=None, claims={"role": "r", "acr": "Level4", "groups": ["a", "b"]})["access_token"]
    form = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN, "audience": "svc-b"}
    api.see("POST token: exchange", "POST", token, form=form, basic="svc:x")
    api.see("POST token: exchange without client authentication", "POST", token, form=form | {"scope": "svc-b:read"})
    api.see("POST token: exchange of no token", "POST", token, form=form | {"subject_token": "x"}, basic="svc:x")
    api.see("POST token: JWT bearer, an access token as assertion", "POST", token, basic="svc:x",
            form={"grant_type": BEARER, "assertion": subject, "scope": "openid"})
    api.see("POST device/authorize", "POST", f"{ISSUER}/device/authorize", form={"client_id": "cli", "scope": "openid"})


def ending(api):
    api.see("GET endsession", "GET", f"{ISSUER}/endsession")
    api.see("POST endsession", "POST", f"{ISSUER}/endsession", form={})
    api.see("PUT endsession", "PUT", f"{ISSUER}/endsession")
    ask = {"post_logout_redirect_uri": "http://localhost:9/bye", "state": "s"}
    api.see("GET endsession with post_logout_redirect_uri", "GET", f"{ISSUER}/endsession?" + urllib.parse.urlencode(ask))
    listed = {"post_logout_redirect_uri": "http://app.test/bye", "state": "s", "client_id": "app"}
    api.see("GET endsession with one of redirectUris", "GET", f"{ISSUER}/endsession?" + urllib.parse.urlencode(listed))


def debugger(api):
    """The page that tries the code flow: form, redirect, answer."""
    api.see("GET debugger", "GET", f"{ISSUER}/debugger")
    form = {"authorize_url": f"{api.base}{ISSUER}/authorize", "token_url": f"{api.base}{ISSUER}/token",
            "client_auth_method": "CLIENT_SECRET_BASIC", "client_id": "debugger", "client_secret": "x",
            "scope": "openid somescope", "response_type": "code", "response_mode": "query", "state": "1234",
            "nonce": "5678", "redirect_uri": f"{api.base}{ISSUER}/debugger/callback"}
    started = api.see("POST debugger", "POST", f"{ISSUER}/debugger", form=form)
    jar = "; ".join(started.cookies)
    path = urllib.parse.urlsplit(started.location())
    to_login = urllib.parse.urlunsplit(path._replace(scheme="", netloc=""))
    answer = api.send("POST", to_login, form={"username": "ada"}, headers={"Cookie": jar})
    back = urllib.parse.urlsplit(answer.location())
    shown = api.send("GET", urllib.parse.urlunsplit(back._replace(scheme="", netloc="")), headers={"Cookie": jar})
    api.note("GET debugger/callback", status=shown.status, names_access_token="access_token" in shown.body,
             scripts=shown.body.count("<script"))
    strange = api.send("GET", f"{ISSUER}/debugger/callback?code=x&state=y")
    api.note("GET debugger/callback that nobody began", status=strange.status)


# With the configuration of `test_config` in compare.py.

def without_login(api):
    """`interactiveLogin` left out of the JSON: nobody is asked."""
    code = api.see("GET authorize, interactiveLogin left out", "GET", authorize()).parameter("code")
    answer = api.see("POST token: code, nobody was asked", "POST", f"{ISSUER}/token", form=redeem(code))
    api.note("sub of a code when nobody was asked", kind=answer_sub(answer))
    for word in ("login", "consent", "select_account"):
        shown = api.send("GET", authorize(prompt=word))
        api.note(f"GET authorize, prompt={word}, interactiveLogin left out", status=shown.status,
                 login_page='name="username"' in shown.body)


def answer_sub(answer):
    import jose
    from api import UUID
    return "<uuid>" if UUID.fullmatch(jose.decode(answer.json()["access_token"])[1]["sub"]) else "other"


def mapped(api):
    """`tokenCallbacks`: which mapping speaks, and what it says."""
    def token(name, issuer, form, **more):
        api.see(name, "POST", f"/{issuer}/token", form=form, **more)
    service = {"grant_type": "client_credentials", "client_id": "svc", "client_secret": "x"}
    token("mapping: exact value, typeHeader, templates, nested claims", "mapped", service | {"scope": "exact", "p": "v"})
    token("mapping: full regular expression", "mapped", service | {"scope": "rx-42"})
    token("mapping: part of a regular expression is no match", "mapped", service | {"scope": "rx-42-more"})
    token("mapping: no aud", "mapped", service | {"scope": "noaud"})
    token("mapping: client_id of Basic", "byclient", {"grant_type": "client_credentials"}, basic="special:x")
    token("mapping: form parameter before client_id", "byclient", service | {"client_id": "special"})
    token("mapping: any value", "byclient", service | {"resource_name": "x", "client_id": "other"})
    token("mapping: none matches, tokenExpiry", "byclient", service | {"client_id": "other"})
    token("mapping: unknown name stays", "templates", service | {"scope": "t"})
    form = {"username": "ada", "claims": json.dumps({"more": 1, "fixed": "login"})}
    code = api.send("POST", authorize(prompt="login").replace(ISSUER, "/people", 1), form=form).parameter("code")
    token("mapping: code, claims of the login page", "people", redeem(code))
    code = api.send("POST", authorize(prompt="login").replace(ISSUER, "/subject", 1), form={"username": "ada"}).parameter("code")
    token("mapping: subject is the name typed at the login page", "subject", redeem(code))
    person = api.send("POST", authorize(prompt="login").replace(ISSUER, "/typ", 1), form={"username": "ada"}).parameter("code")
    at = api.send("POST", "/typ/token", form=redeem(person)).json()["access_token"]
    shown = api.send("GET", "/typ/userinfo", headers=bearer(at))
    api.note("GET userinfo, typeHeader at+jwt", status=shown.status)
    api.see("mapping: invalid regular expression only logs", "POST", "/badregex/token", form=service)


def rotating(api):
    """`rotateRefreshToken: true`."""
    for name, change, basic in (("public", {}, None), ("confidential", {"client_id": None}, "app:x")):
        code = api.send("GET", authorize(nonce=None)).parameter("code")
        given = api.send("POST", f"{ISSUER}/token", form=redeem(code, **change), basic=basic).json()["refresh_token"]
        form = {k: v for k, v in refresh(given, **change).items() if v}
        again = api.send("POST", f"{ISSUER}/token", form=form, basic=basic).json()["refresh_token"]
        api.note(f"POST token: refresh, {name} client, rotateRefreshToken true", rotates=given != again)
        old = api.send("POST", f"{ISSUER}/token", form=form, basic=basic)
        api.note(f"POST token: the retired token at once, {name} client", status=old.status)


def es256(api):
    """`keyProvider.algorithm`."""
    api.see("GET jwks, algorithm ES256", "GET", f"{ISSUER}/jwks")
    api.see("POST token: client credentials, algorithm ES256", "POST", f"{ISSUER}/token", basic="svc:x",
            form={"grant_type": "client_credentials"})


# With the configuration of `https_config` in compare.py.

def https(api):
    """`httpServer.ssl`, `loginPagePath`, `staticAssetsPath`."""
    api.see("GET authorize, loginPagePath", "GET", authorize())
    api.note("GET authorize, loginPagePath: the page", page=api.send("GET", authorize()).body.strip())
    api.see("POST authorize, loginPagePath", "POST", authorize(), form={"username": "ada", "claims": '{"a": 1}'})
    own = {"Origin": api.base, "Sec-Fetch-Site": "same-origin"}
    api.see("POST authorize by a browser, loginPagePath", "POST", authorize(), form={"username": "ada"}, headers=own)
    other = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    api.see("POST authorize from another site, loginPagePath", "POST", authorize(), form={"username": "ada"}, headers=other)
    for file in ("style.css", "js/app.js", "logo.svg", "note.txt", "logo.png"):
        api.see(f"GET /static/{file}", "GET", f"/static/{file}")
    for path in ("missing.css", "../login.html", "%2e%2e/login.html", ".env", "js"):
        api.see(f"GET /static/{path}", "GET", f"/static/{path}")
    found = api.send("GET", f"{ISSUER}/.well-known/openid-configuration").json()
    api.note("GET metadata over TLS", issuer=found["issuer"].replace(api.base, "BASE"),
             scheme=found["token_endpoint"].split(":")[0])
    api.note("the generated certificate", **certificate(api))


def certificate(api):
    import ssl
    import subprocess
    import tempfile
    import datetime
    pem = ssl.get_server_certificate(("localhost", api.server.port))
    said = subprocess.run(["openssl", "x509", "-noout", "-subject", "-dates", "-ext", "subjectAltName"], input=pem,
                          text=True, capture_output=True, check=True).stdout
    lines = dict(line.split("=", 1) for line in said.splitlines() if "=" in line and not line.startswith(" "))
    moment = [datetime.datetime.strptime(lines[name], "%b %d %H:%M:%S %Y %Z") for name in ("notBefore", "notAfter")]
    names = sorted(name.strip() for line in said.splitlines() if line.startswith(" ") for name in line.split(","))
    return {"subject": lines["subject"].replace(" ", ""), "names": ", ".join(names),
            "days": (moment[1] - moment[0]).days}


# With the configuration of `fixed_config` in compare.py.

def fixed(api):
    """`initialKeys`, `systemTime`, a PKCS12 key store, `JSON_CONFIG_PATH`."""
    api.see("GET jwks, initialKeys", "GET", f"{ISSUER}/jwks")
    code = api.send("GET", authorize()).parameter("code")
    api.see("POST token: code, initialKeys and systemTime", "POST", f"{ISSUER}/token", form=redeem(code))
    api.note("the certificate of keystoreFile", **certificate(api))
    api.see("GET jwks of a second issuer, initialKeys", "GET", "/second/jwks")


def bare(api):
    """No configuration at all: only `PORT`."""
    api.see("GET authorize without a configuration", "GET", authorize())
