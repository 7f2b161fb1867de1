"""Signs in, checks the ID token and asks userinfo the same (OpenID Connect)."""

import base64
import hashlib
import json
import secrets
import urllib.parse

import jwt
import requests

OAUTH_SERVER = "http://localhost:8080/default"
CLIENT_ID = "cli-app"
REDIRECT_URI = "http://localhost:8085/callback"


def verify_id_token(id_token):
    metadata = requests.get(f"{OAUTH_SERVER}/.well-known/openid-configuration").json()
    key = jwt.PyJWKClient(metadata["jwks_uri"]).get_signing_key_from_jwt(id_token)
    return jwt.decode(
        id_token,
        key.key,
        algorithms=metadata["id_token_signing_alg_values_supported"],
        audience=CLIENT_ID,
        issuer=metadata["issuer"],
        options={"require": ["exp", "iat", "iss", "aud", "sub"]},
    )


def main():
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    state, nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    parameters = urllib.parse.urlencode(
        {
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
    )
    print(f"{OAUTH_SERVER}/authorize?{parameters}", flush=True)
    # The person pastes the address that the browser ended at: no listener is needed.
    pasted = urllib.parse.urlparse(input())
    answer = dict(urllib.parse.parse_qsl(pasted.query))
    if answer["state"] != state:
        raise SystemExit("State mismatch")
    response = requests.post(
        f"{OAUTH_SERVER}/token",
        data={
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": REDIRECT_URI,
            "client_id": CLIENT_ID,
            "code_verifier": verifier,
        },
    )
    response.raise_for_status()
    tokens = response.json()
    claims = verify_id_token(tokens["id_token"])
    if claims["nonce"] != nonce:
        raise SystemExit("Nonce mismatch")
    userinfo = requests.get(
        f"{OAUTH_SERVER}/userinfo",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )
    userinfo.raise_for_status()
    print(json.dumps({"tokens": tokens, "id_token": claims, "userinfo": userinfo.json()}))


if __name__ == "__main__":
    main()
