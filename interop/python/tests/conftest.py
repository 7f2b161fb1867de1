"""Servers for the tests, and the clients that they know."""

import os

import pytest
from server import Server

# oauthlib refuses plain HTTP, also on loopback, unless this says so.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

# No character that RFC 6749 §2.3.1 has escaped in a Basic header: Python's clients do not escape.
SECRET = "s3cret-of-the-robot"
REDIRECT_URI = "http://127.0.0.1:8085/callback"
SCOPES = ["openid", "profile", "email", "offline_access"]

TOML = f"""
[device]
interval = "1s"

[refresh]
grace = "0s"

[[client]]
id = "public"
redirect_uris = ["http://127.0.0.1/callback"]
grants = ["authorization_code", "refresh_token", "device_code"]
scopes = ["openid", "profile", "email", "offline_access"]

[[client]]
id = "robot-basic"
type = "confidential"
auth_method = "client_secret_basic"
secret = "{SECRET}"
grants = ["client_credentials"]
scopes = ["api:read"]

[[client]]
id = "robot-post"
type = "confidential"
auth_method = "client_secret_post"
secret = "{SECRET}"
grants = ["client_credentials"]
scopes = ["api:read"]

[[client]]
id = "api"
type = "confidential"
secret = "{SECRET}"
grants = []
introspect = true
"""


@pytest.fixture
def server():
    """A server with the clients above."""
    with Server(toml=TOML) as started:
        yield started


@pytest.fixture
def strict_server():
    with Server(toml=TOML, flags=["--strict"]) as started:
        yield started
