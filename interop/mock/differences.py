"""The intended differences between mock-oauth2-server 6.0.2 and `hallpass serve --dev`.

The test fails on any other difference, and on a row that is no longer seen; `docs/mock-differences.md` is
written from this table.
"""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Difference:
    """One row: `*` stands for any text."""

    request: str
    field: str
    theirs: str
    ours: str
    why: str

    def matches(self, request, field, theirs, ours):
        pairs = ((self.request, request), (self.field, field), (self.theirs, theirs), (self.ours, ours))
        return all(re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), found, re.DOTALL) for wanted, found in pairs)


def row(request, field, theirs, ours, why):
    return Difference(request, field, theirs, ours, why)


ANY = "*"
METADATA = "GET .well-known/*"

DIFFERENCES = [
    # Every answer.
    row(ANY, "header content-type", "application/json;charset=UTF-8", "application/json", "RFC 8259 §11: the media type has no charset"),
    row(ANY, "header content-type", "text/html;charset=UTF-8", "text/html; charset=utf-8", "the same, spelled as RFC 9110 does"),
    row(ANY, "header cache-control", "absent", "*", "RFC 6749 §5.1: tokens and pages are not kept; public documents may be, for a time"),
    row(ANY, "header pragma", "absent", "no-cache", "RFC 6749 §5.1"),
    row(ANY, "header www-authenticate", "absent", "*", "RFC 6750 §3 and RFC 6749 §5.2: a 401 or 403 says how to authenticate"),
    row(ANY, "header allow", "absent", "*", "RFC 9110 §15.5.6: a 405 names the methods; so does an answer to OPTIONS"),
    row(ANY, "header vary", "absent", "Origin", "an answer that echoes the origin is not for the next origin"),
    row(ANY, "header vary", "absent", "Accept-Language, Cookie", "pages come in English, German, French and Spanish"),
    row(ANY, "header access-control-expose-headers", "absent", "WWW-Authenticate, DPoP-Nonce", "a page that calls the endpoint may read these headers"),
    row(ANY, "header set-cookie", "absent", "hallpass_*", "a sign-in lasts in the browser that made it, and forms are bound to the browser"),
    row(ANY, "status", "302", "303", "RFC 9700 §4.12: after a POST the browser must go on with GET"),
    row("* from another origin", "header access-control-allow-methods", "absent", "POST, GET, OPTIONS", "every answer says what a preflight would"),
    row(ANY, "redirect * iss", "absent", "BASE/default", "RFC 9207: the answer names its issuer"),

    # Metadata and keys.
    row(METADATA, "*_supported", "absent", "*", "RFC 8414 §2: grant types, authentication methods and what else clients decide by; without `grant_types_supported` they must assume that there is no device flow"),
    row(METADATA, "device_authorization_endpoint", "absent", "BASE/default/device/authorize", "RFC 8628 §4: the device flow is there"),
    row(METADATA, "pushed_authorization_request_endpoint", "absent", "BASE/default/par", "RFC 9126 §5: requests can be pushed"),
    row(METADATA, "require_pushed_authorization_requests", "absent", "false", "RFC 9126 §5, and need not be"),
    row(METADATA, "registration_endpoint", "absent", "BASE/default/register", "RFC 7591 §3: clients may register themselves"),
    row(METADATA, "code_challenge_methods_supported", '["plain", "S256"]', '["S256"]', "RFC 9700 §2.1.1: `plain` protects nobody"),
    row(METADATA, "response_types_supported", '["code", "none", "id_token", "token"]', '["code"]', "only what is not refused afterwards is advertised"),
    row(METADATA, "id_token_signing_alg_values_supported", '["ES256", "ES384", "RS256", *]', '["RS256"]', "the one algorithm that this server signs with"),
    row("GET the metadata of RFC 8414 §3.1, path inserted", "answer", "405", "200", "RFC 8414 §3.1"),
    row("GET the metadata of the root issuer", "issuer", "BASE/.well-known/openid-configuration", "BASE", "the root is an issuer too"),
    row("HEAD .well-known/openid-configuration", "answer", "405", "200", "RFC 9110 §9.1: HEAD goes wherever GET goes"),
    row("GET jwks*initialKeys", "keys[0].alg", "absent", "RS256", "a key that says what it is for is not used for something else"),

    # Where nothing lies, and other methods.
    row("GET an unknown path", "answer", "405", "404", "RFC 9110 §15.5.5"),
    row("GET token", "answer", "405", "405 invalid_request", "the text is in `error_description`: programs read JSON here"),
    row("PUT token", "answer", "405", "405 invalid_request", "as above"),
    row("POST jwks", "answer", "405", "405 invalid_request", "as above"),
    row("GET introspect", "answer", "405", "405 invalid_request", "as above"),
    row("GET revoke", "answer", "405", "405 invalid_request", "as above"),
    row("GET /favicon.ico", "content", "empty", "a picture", "browser tabs show it"),

    row("GET /isalive", "header content-type", "absent", "text/plain; charset=utf-8", "RFC 9110 §8.3"),

    # CORS and hosts.
    row("* authorize from another origin", "header access-control-*", "*", "absent", "RFC 9700 §2.6: no CORS where browsers go by themselves"),
    row("POST authorize by a browser, loginPagePath", "header access-control-*", "*", "absent", "as above"),
    row("GET metadata with an IPv6 Host", "*", "*", "*", "IPv6 literals work; theirs does not answer in two seconds"),
    row("GET metadata with a foreign Host", "*", "*", "*", "a page that points its own name at 127.0.0.1 (DNS rebinding) gets 400"),
    row("POST token with a body above 64 KiB", "answer", "200", "413 invalid_request", "nobody can fill the memory"),

    # The sign-in page.
    row("GET authorize*", "form action", "", "/default/authorize?*", "the same URL, also when the request came as a POST"),
    row("GET authorize without client_id", "answer", "400 invalid_request", "400", "a person sees this, so it is a page"),
    row("GET authorize, response_type=token", "answer", "400 unsupported_response_type", "redirect to http://localhost:9/cb", "RFC 6749 §4.1.2.1: the client learns of it by redirect"),
    row("GET authorize, response_type=id_token", "answer", "200", "redirect to http://localhost:9/cb", "the implicit flow is gone (RFC 9700 §2.1.2): `unsupported_response_type`"),
    row("GET authorize, redirect_uri elsewhere", "answer", "200", "400", "RFC 9700 §2.1: an open redirector; list the URI under `redirectUris`"),
    row("GET authorize, prompt=none", "answer", "200", "redirect to http://localhost:9/cb", "OIDC Core §3.1.2.1: without a sign-in the client gets `login_required`, and no page"),
    row("POST authorize, response_mode=form_post", "header content-type", "absent", "text/html; charset=utf-8", "browsers need not guess"),
    row("POST authorize, response_mode=form_post", "form fields", "code, state", "code, state, iss", "RFC 9207"),
    row("POST authorize with claims that are no JSON", "answer", "redirect to *", "422", "the mistake is shown; theirs signs in without the claims"),
    row("POST authorize without a user name", "answer", "redirect to *", "422", "nobody is called nothing"),
    row("POST authorize from another site*", "answer", "redirect to *", "403", "another site signs nobody in (login CSRF)"),

    # Looseness that is not copied.
    row("POST token: PKCE, no verifier", "answer", "200", "400 invalid_grant", "RFC 7636 §4.6: a challenge that was sent must be met"),
    row("POST token: code of another redirect_uri", "answer", "200", "400 invalid_grant", "RFC 6749 §4.1.3"),
    row("POST token: code of another client", "answer", "200", "400 invalid_grant", "RFC 6749 §5.2"),
    row("GET userinfo after the same code again", "status", "200", "401", "RFC 6749 §4.1.2: a code used twice takes its tokens with it"),
    row("POST token: refresh of another client", "answer", "200", "400 invalid_grant", "RFC 6749 §6"),
    row("POST revoke without token_type_hint", "answer", "400 unsupported_token_type", "200", "RFC 7009 §2.1: the hint is optional"),
    row("POST revoke of an access token", "answer", "400 unsupported_token_type", "200", "RFC 7009 §2"),
    row("GET userinfo, token without openid", "answer", "200", "403 insufficient_scope", "OIDC Core §5.3.1: userinfo is part of OpenID Connect"),
    row("GET userinfo with an ID token", "answer", "200", "401 invalid_token", "an ID token is no access token"),
    row("GET userinfo, typeHeader at+jwt", "status", "401", "200", "the tokens that `typeHeader` asks for work at our own endpoints"),

    # What tokens say.
    row(ANY, "*client_id", "absent", "*", "RFC 9068 §2.2"),
    row(ANY, "*sid", "absent", "<id>", "the sign-in that the token hangs from"),
    row(ANY, "*auth_time", "absent", "*", "RFC 9068 §2.2.1, OIDC Core §2"),
    row(ANY, "*acr", "absent", "dev", "says that dev mode signed the person in; a mapping or the sign-in page can set it"),
    row(ANY, "*scope", "absent", "*", "RFC 9068 §2.2.3, RFC 6749 §5.1: what the token is good for"),
    row(ANY, "id_token claim.at_hash", "absent", "*", "OIDC Core §3.1.3.6"),
    row(ANY, "id_token claim.nbf", "now", "absent", "OIDC Core §2 has no `nbf`"),
    row(ANY, "id_token claim.jti", "<uuid>", "absent", "OIDC Core §2 has no `jti`"),
    row("POST token: code, initialKeys and systemTime", "id_token claim.nbf", "1579564800", "absent", "as above"),
    row("POST introspect*", "*", "absent", "*", "RFC 7662 §2.2: every claim of the token"),
    row("POST token: refresh, *", "*_token claim.azp", "absent", "app", "a refresh changes nothing about for whom the tokens are"),
    row("POST token: exchange", "access_token claim.azp", "app", "absent", "the new token is not for the client of the old one"),
    row("mapping: none matches, tokenExpiry", "access_token claim.*", "absent", "*", "without a match the tokens say what they say without mappings; theirs have no `sub` and no `aud`"),
    row("mapping: part of a regular expression is no match", "access_token claim.*", "absent", "*", "as above"),
    row("mapping: invalid regular expression only logs", "access_token claim.*", "absent", "*", "as above"),
    row("mapping: *", "id_token claim.aud", "*", "app", "OIDC Core §2: an ID token is for the client, whatever the access token is for"),
    row("POST token: code, initialKeys and systemTime", "expires_in", "-*", "about 3600", "counted from `systemTime`, like the token itself"),
    row("mapping: no aud", "access_token claim.aud", "absent", "[]", "RFC 9068 §2.2 demands the claim; it is empty"),

    # Refresh tokens.
    row(ANY, "refresh_token claim.jti", "<uuid>", "<opaque>", "our refresh tokens are derived, and longer than a UUID"),
    row("POST token: code, without offline_access", "refresh_token*", "*", "absent", "OIDC Core §11: a refresh token is asked for by `offline_access`; a client under `clients` may have `refresh = \"always\"`"),
    row("POST token: refresh, public client, rotateRefreshToken left out", "rotates", "false", "true", "RFC 9700 §2.2.2; `\"rotateRefreshToken\": false` turns it off"),
    row("POST token: the retired token at once, * client", "status", "400", "200", "an answer that was lost on its way may be asked for again within 30 seconds"),

    row("POST revoke", "header content-type", "absent", "application/json", "the body is `{}`: some clients parse it"),

    # Other grants.
    row("POST token: code, without openid", "answer", "400 invalid_request", "200", "plain OAuth works too"),
    row("POST token: code, scope in the token request", "access_token claim.aud", "default", "api:read", "scopes of the token request name the audience in every grant"),
    row("POST token: client credentials without a secret", "answer", "401 invalid_client", "200", "any credentials are accepted from a client that nobody configured, none among them"),
    row("POST token: password", "answer", "200", "400 unsupported_grant_type", "RFC 9700 §2.4: the password grant must not be used"),
    row("POST token: unknown grant", "answer", "400 invalid_grant", "400 unsupported_grant_type", "RFC 6749 §5.2"),
    row("POST token: exchange without client authentication", "answer", "400 invalid_request", "200", "a test needs no credentials that mean nothing"),
    row("POST token: exchange of no token", "answer", "500 server_error", "400 invalid_request", "RFC 8693 §2.2.2"),
    row("POST token: JWT bearer, an access token as assertion", "answer", "200", "400 invalid_grant", "RFC 7523 §3: an assertion names this server as its audience"),
    row("POST device/authorize", "answer", "400 invalid_request", "200", "RFC 8628: the device flow"),
    row("GET userinfo without a token", "answer", "401 invalid_token", "401", "RFC 6750 §3.1: no error code when no token was sent"),
    row("POST userinfo", "answer", "405", "200", "OIDC Core §5.3.1: GET and POST"),

    # Signing out and the debugger.
    row("GET endsession", "text", "logged out", "absent", "a page says so, and asks first whom no `id_token_hint` names"),
    row("POST endsession", "text", "logged out", "absent", "as above"),
    row("* endsession", "form *", "absent", "*", "the form that switches to another language"),
    row("PUT endsession", "answer", "200", "405", "OIDC RP-Initiated Logout §2: GET and POST"),
    row("GET endsession with post_logout_redirect_uri", "answer", "redirect to http://localhost:9/bye", "200", "an open redirector; list the URI under `redirectUris` and send `client_id` or `id_token_hint`"),
    row("GET debugger", "form action", "", "/default/debugger", "the same URL"),
    row("GET debugger", "form fields", "*", "client_id, client_secret, scope", "the flow runs against this server alone: no addresses to fill in, PKCE always, state and nonce drawn"),
    row("POST debugger", "redirect query code_challenge*", "absent", "*", "RFC 7636, always"),
    row("POST debugger", "header set-cookie", "debugger-session", "hallpass_*", "another name"),
    row("GET debugger/callback that nobody began", "status", "500", "403", "an answer that this browser did not ask for is not looked at"),

    # Custom page, files, certificate.
    row("GET /static/*", "answer", "*", "404", "what is not there is 404, whatever the spelling"),
    row("GET /static/*", "header content-type", "text/*", "text/*; charset=utf-8", "text is UTF-8"),
    row("GET /static/*", "text", "not found", "absent", "a page says so"),
    row("GET /static/*", "header content-type", "absent", "text/html; charset=utf-8", "that page"),
    row("the generated certificate", "names", "DNS:localhost, IP Address:127.0.0.1", "DNS:localhost, IP Address:0:0:0:0:0:0:0:1, IP Address:127.0.0.1", "browsers try both addresses of localhost"),
]

GENERATED = """# What is different from mock-oauth2-server

`hallpass serve --dev` stands in for `no.nav.security:mock-oauth2-server` 6.0.2. `interop/mock/test` starts both with the
same configuration, sends both the same requests and compares status, headers, JSON members, token headers and claims,
and redirects. These are all the differences; every one is intended. `*` stands for any text, `absent` for a field that
is not there, `BASE` for the server's URL, `answer` for the answer as a whole. The words of `error_description` and of
pages are not compared, nor what is drawn at random.

This page is written by `interop/mock/test --write`; the test fails when it says something else than was seen.

| request | field | theirs | ours | why |
|---|---|---|---|---|
"""


def cell(text):
    return text.replace("|", "\\|")


def code(text):
    return f"`{text}`" if text else "(empty)"


def paper():
    lines = []
    for one in DIFFERENCES:
        request = "every answer" if one.request == ANY else one.request
        cells = (request, code(one.field), code(one.theirs), code(one.ours), one.why)
        lines.append("| " + " | ".join(map(cell, cells)) + " |\n")
    return GENERATED + "".join(lines)
