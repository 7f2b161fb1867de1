"""The browser that `BROWSER` names: signs in as INTEROP_USERNAME (or cancels) and opens the callback."""

import os
import sys

import person
import requests

if __name__ == "__main__":
    username = os.environ["INTEROP_USERNAME"]
    someone = person.Person()
    if os.environ.get("INTEROP_CANCEL"):
        page = someone.cancel(sys.argv[1], username)
    else:
        page = someone.sign_in(sys.argv[1], username)
    assert page.location, f"no redirect to the client: {page}"
    requests.get(page.location, timeout=20).raise_for_status()
