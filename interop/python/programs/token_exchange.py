"""Service A trades a person's token for one that is good at service B (RFC 8693)."""

import json
import sys

import requests

OAUTH_SERVER = "http://localhost:8080/default"


def exchange(original_access_token):
    response = requests.post(
        f"{OAUTH_SERVER}/token",
        data={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": original_access_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": "service-b",
            "scope": "service-b:read",
        },
    )
    if response.status_code != 200:
        sys.exit(f"Error: {response.json()['error']}")
    return response.json()


if __name__ == "__main__":
    print(json.dumps(exchange(sys.stdin.readline().strip())))
