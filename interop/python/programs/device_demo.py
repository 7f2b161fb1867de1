"""Signs in from a machine without a browser: the device flow (RFC 8628)."""

import sys
import time

import requests

OAUTH_SERVER = "http://localhost:8080/default"
CLIENT_ID = "cli-app"
LINE = "=" * 40


def request_device_code():
    response = requests.post(
        f"{OAUTH_SERVER}/device/authorize",
        data={"client_id": CLIENT_ID, "scope": "openid profile"},
    )
    response.raise_for_status()
    return response.json()


def poll_for_token(device_code, interval, expires_in):
    deadline = time.monotonic() + expires_in
    while time.monotonic() < deadline:
        print(".", end="", flush=True)
        response = requests.post(
            f"{OAUTH_SERVER}/token",
            data={
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "client_id": CLIENT_ID,
                "device_code": device_code,
            },
        )
        if response.status_code == 200:
            print()
            return response.json()
        error = response.json().get("error")
        if error == "slow_down":
            interval += 5
        elif error == "access_denied":
            raise RuntimeError("Authorization denied by user")
        elif error == "expired_token":
            raise RuntimeError("Device code expired")
        elif error != "authorization_pending":
            raise RuntimeError(f"Unexpected error: {error}")
        time.sleep(interval)
    raise RuntimeError("Device code expired")


def get_user_info(access_token):
    response = requests.get(
        f"{OAUTH_SERVER}/userinfo", headers={"Authorization": f"Bearer {access_token}"}
    )
    response.raise_for_status()
    return response.json()


def main():
    print("CLI OAuth2 Demo (Device Flow)")
    print(LINE)
    print("1. Requesting device code...")
    device = request_device_code()
    print("2. Open this URL in any browser:")
    print(device["verification_uri"])
    print(f"Enter code: {device['user_code']}")
    print(f"(Expires in {device['expires_in']} seconds)")
    print("3. Waiting for authorization", end="", flush=True)
    tokens = poll_for_token(device["device_code"], device.get("interval", 5), device["expires_in"])
    print(f"Received access token: {tokens['access_token'][:20]}...")
    print("4. Fetching user info with access token...")
    user = get_user_info(tokens["access_token"])
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
        print()
        sys.exit(f"Error: {error}")
