"""A person with a new browser, and the program that gets their tokens."""

import html.parser
import http.client
import json
import urllib.parse

CLIENT = "program"
REDIRECT_URI = "http://127.0.0.1:8085/callback"
# RFC 7636 appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
DEV_SCOPE = "openid offline_access"


class Browser:
    """Keeps cookies, reads forms, presses buttons."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("localhost", port)
        self.cookies = {}

    def ask(self, method, path, form=None):
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["content-type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer, text

    def authorize(self, path, scope, fields):
        """Asks for a code, and fills the page in: whoever is signed in presses `continue`."""
        path += "?" + urllib.parse.urlencode(
            {
                "client_id": CLIENT,
                "redirect_uri": REDIRECT_URI,
                "response_type": "code",
                "scope": scope,
                "state": "state-of-the-program",
                "nonce": "nonce-of-the-program",
                "code_challenge": CHALLENGE,
                "code_challenge_method": "S256",
            }
        )
        answer, page = self.ask("GET", path)
        expect(answer, page, 200)
        form = Form(page)
        is_signed_in = 'value="continue"' in page
        answer, page = self.ask("POST", form.action or path, form.hidden | ({"action": "continue"} if is_signed_in else fields))
        expect(answer, page, 302, 303)
        query = urllib.parse.urlsplit(answer.headers["location"]).query
        return urllib.parse.parse_qs(query)["code"][0]


def sign_in(port, issuer, username):
    """Authorization request, page, form, code, tokens, in dev mode."""
    browser = Browser(port)
    code = browser.authorize(f"/{issuer}/authorize", DEV_SCOPE, {"username": username})
    tokens = redeem(port, f"/{issuer}/token", code)
    browser.connection.close()
    return tokens


def redeem(port, path, code):
    """The tokens of a code."""
    form = {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    program = Browser(port)
    answer, body = program.ask("POST", path, form)
    program.connection.close()
    expect(answer, body, 200)
    tokens = json.loads(body)
    if "refresh_token" not in tokens:
        raise SystemExit(f"bench: no refresh token: {body}")
    return tokens


def expect(answer, text, *statuses):
    if answer.status not in statuses:
        raise SystemExit(f"bench: {answer.status} instead of {statuses}: {text[:300]}")


class Form(html.parser.HTMLParser):
    """The first form of a page."""

    def __init__(self, page):
        super().__init__()
        self.action, self.hidden, self.is_over = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attributes.get("action")
        elif tag == "input" and attributes.get("type") == "hidden" and not self.is_over:
            self.hidden[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag):
        self.is_over = self.is_over or tag == "form"
