"""Signs in with the browser of this machine: authorization code and PKCE (RFC 7636)."""

import base64
import hashlib
import http.server
import secrets
import sys
import urllib.parse
import webbrowser

import requests

OAUTH_SERVER = "http://localhost:8080/default"
CLIENT_ID = "cli-app"
CALLBACK_PORT = 8085
REDIRECT_URI = f"http://localhost:{CALLBACK_PORT}/callback"
LINE = "=" * 40


def generate_pkce_pair():
    verifier = secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class CallbackHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parsed = urllib.parse.urlparse(self.path)
        if parsed.path != "/callback":
            self.send_error(404)
            return
        self.server.answer = dict(urllib.parse.parse_qsl(parsed.query))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<p>You may close this window.</p>")

    def log_message(self, *_):
        pass


def wait_for_callback(server):
    server.answer = None
    # A browser may ask for the icon first: only the callback ends the wait.
    while server.answer is None:
        server.handle_request()
    return server.answer


def exchange_code(code, verifier):
    response = requests.post(
        f"{OAUTH_SERVER}/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "client_id": CLIENT_ID,
            "code_verifier": verifier,
        },
    )
    response.raise_for_status()
    return response.json()


def main():
    verifier, challenge = generate_pkce_pair()
    state = secrets.token_urlsafe(16)
    parameters = urllib.parse.urlencode(
        {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    url = f"{OAUTH_SERVER}/authorize?{parameters}"
    print("CLI OAuth2 Demo")
    print(LINE)
    with http.server.HTTPServer(("127.0.0.1", CALLBACK_PORT), CallbackHandler) as server:
        print("1. Opening browser for authentication...")
        print(f"URL: {url}", flush=True)
        webbrowser.open(url)
        print("2. Waiting for authentication callback...", flush=True)
        answer = wait_for_callback(server)
    if answer.get("state") != state:
        raise RuntimeError("State mismatch: possible CSRF attack")
    if "error" in answer:
        raise RuntimeError(f"Authorization failed: {answer['error']}")
    print(f"Received authorization code: {answer['code'][:20]}...")
    print("3. Exchanging code for access token...")
    tokens = exchange_code(answer["code"], verifier)
    print(f"Received access token: {tokens['access_token'][:20]}...")
    print("4. Fetching user info with access token...")
    response = requests.get(
        f"{OAUTH_SERVER}/userinfo",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )
    response.raise_for_status()
    user = response.json()
    print(LINE)
    print("Authentication successful!")
    print(LINE)
    print("User Info:")
    for name in ("sub", "azp", "iss"):
        print(f"{name}: {user[name]}")


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"Error: {error}")
