"""A service asks for a token of its own (RFC 6749 section 4.4)."""

import json

import requests

OAUTH_SERVER = "http://localhost:8080/default"
CLIENT_ID = "service-a"
CLIENT_SECRET = "service-a-secret"


def get_access_token():
    response = requests.post(
        f"{OAUTH_SERVER}/token",
        data={
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": "api:read api:write",
        },
    )
    response.raise_for_status()
    return response.json()


if __name__ == "__main__":
    print(json.dumps(get_access_token()))
