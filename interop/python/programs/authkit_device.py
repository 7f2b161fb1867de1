"""AuthKit's way to sign in a command-line program. Bodies are forms, or JSON with `--json`."""

import json
import sys
import time

import requests

API = "http://localhost:8080/user_management"
CLIENT_ID = "client_123"


def post(path, fields):
    body = {"json": fields} if "--json" in sys.argv[1:] else {"data": fields}
    return requests.post(f"{API}/{path}", **body)


def main():
    response = post("authorize/device", {"client_id": CLIENT_ID})
    response.raise_for_status()
    device = response.json()
    print(f"Please visit: {device['verification_uri']}")
    print(f"And enter code: {device['user_code']}")
    print(f"Or visit: {device['verification_uri_complete']}", flush=True)
    interval = device.get("interval", 5)
    while True:
        response = post(
            "authenticate",
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "device_code": device["device_code"],
                "client_id": CLIENT_ID,
            },
        )
        if response.status_code == 200:
            print(json.dumps(response.json()))
            return
        error = response.json()["error"]
        if error == "slow_down":
            interval += 5
        elif error != "authorization_pending":
            sys.exit(f"Error: {error}")
        time.sleep(interval)


if __name__ == "__main__":
    main()
