"""Runs every case against both servers and compares what they answer, field by field."""

import concurrent.futures
import json
import pathlib
import subprocess
import sys

import cases
from api import Api
from differences import DIFFERENCES, paper
from servers import HERE, ROOT, Pair

PAPER = ROOT / "docs" / "mock-differences.md"

KEY = json.loads((HERE / "key.json").read_text())


def mapping(issuer, *mappings, expiry=120):
    names = ("requestParam", "match", "claims", "typeHeader")
    return {"issuerId": issuer, "tokenExpiry": expiry,
            "requestMappings": [dict(zip(names, one)) for one in mappings]}


def test_config():
    templates = {"sub": "${clientId}", "aud": ["one", "two"], "p": "${p}", "list": ["${client_id}"], "map": {"s": "${scope}"}}
    return {"rotateRefreshToken": True, "httpServer": "NettyWrapper",
            "tokenProvider": {"keyProvider": {"algorithm": "ES256"}},
            "tokenCallbacks": [
                mapping("mapped", ("scope", "exact", templates, "JWT"), ("scope", r"rx-\d+", {"sub": "regex", "aud": ["r"]}),
                        ("scope", "noaud", {"sub": "n"})),
                mapping("byclient", ("client_id", "special", {"sub": "special", "aud": ["c"]}),
                        ("resource_name", "*", {"sub": "any", "aud": ["a"]})),
                mapping("templates", ("scope", "t", {"sub": "${nobody}", "aud": ["${scope}"], "who": "${clientId}"})),
                mapping("people", ("code", "*", {"sub": "mapped", "aud": ["x"], "fixed": "config"})),
                mapping("subject", ("subject", "ada", {"sub": "${subject}", "aud": ["s"], "by": "subject"})),
                mapping("typ", ("grant_type", "*", {"sub": "t", "aud": ["t"], "scope": "openid"}, "at+jwt")),
                mapping("badregex", ("client_id", "[", {"sub": "never"})),
            ]}


def https_config():
    return {"interactiveLogin": True, "loginPagePath": "login.html", "staticAssetsPath": "FOLDER/assets",
            "httpServer": {"type": "NettyWrapper", "ssl": {}}}


HTTPS_FILES = {"login.html": b'<!doctype html><form method="post"><input name="username"><input name="claims"></form>\n',
               "assets/style.css": b"a{}\n", "assets/js/app.js": b"1\n", "assets/logo.svg": b"<svg/>\n",
               "assets/note.txt": b"text\n", "assets/logo.png": b"\x89PNG\n", "assets/.env": b"SECRET=1\n"}


def fixed_config():
    ssl = {"keyPassword": "changeit", "keystoreFile": "server.p12", "keystoreType": "PKCS12", "keystorePassword": "changeit"}
    provider = {"keyProvider": {"initialKeys": json.dumps(KEY), "algorithm": "RS256"}, "systemTime": "2020-01-21T00:00:00Z"}
    return {"httpServer": {"type": "NettyWrapper", "ssl": ssl}, "tokenProvider": provider}


def key_store():
    """A key store that this machine's `keytool` makes."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "server.p12"
        subprocess.run(["keytool", "-genkeypair", "-alias", "a", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=store.test",
                        "-ext", "san=dns:store.test", "-validity", "30", "-storetype", "PKCS12", "-keystore", str(path),
                        "-storepass", "changeit"], check=True, capture_output=True)
        return path.read_bytes()


def runs():
    """Each configuration, with the cases that need it."""
    fixed = json.dumps(fixed_config()).encode()
    listed = {"interactiveLogin": True, "redirectUris": ["http://app.test/bye"]}
    return [
        (dict(config=listed), [cases.endpoints, cases.cors, cases.hosts, cases.login_page, cases.code_grant,
                               cases.userinfo, cases.refreshing, cases.other_grants, cases.ending, cases.debugger]),
        (dict(config=test_config()), [cases.without_login, cases.mapped, cases.rotating, cases.es256]),
        (dict(config=https_config(), files=HTTPS_FILES, https=True), [cases.https]),
        (dict(env={"JSON_CONFIG_PATH": "settings.json"}, https=True,
              files={"settings.json": fixed, "server.p12": key_store()}), [cases.fixed]),
        (dict(), [cases.bare]),
    ]


def ask(pair, functions):
    seen = []
    for server in pair.ready():
        api = Api(server)
        for function in functions:
            function(api)
        seen.append(api.seen)
    return seen


def differences_of(theirs, ours):
    """Every (request, field, theirs, ours) where they are not the same."""
    for request in theirs.keys() | ours.keys():
        one, two = theirs.get(request, {}), ours.get(request, {})
        found = [(field, one.get(field, "absent"), two.get(field, "absent")) for field in sorted(one.keys() | two.keys())]
        found = [(request, *difference) for difference in found if difference[1] != difference[2]]
        # One row for two answers of different kinds, instead of one for each of their members.
        whole = [difference for difference in found if difference[1] == "answer"]
        declared = whole and any(row.matches(*whole[0]) for row in DIFFERENCES)
        yield from whole if declared else found


def check_paper(write):
    wanted = paper()
    if write:
        PAPER.write_text(wanted)
        print(f"wrote {PAPER.relative_to(ROOT)}")
        return True
    if PAPER.exists() and PAPER.read_text() == wanted:
        return True
    print("docs/mock-differences.md is not what differences.py says: run interop/mock/test --write")
    return False


def main(arguments):
    passed, failed, used, compared = 0, 0, set(), 0
    plan = runs()
    pairs = [Pair(**options) for options, _ in plan]
    try:
        with concurrent.futures.ThreadPoolExecutor(len(pairs)) as pool:
            results = list(pool.map(ask, pairs, [functions for _, functions in plan]))
    finally:
        for pair in pairs:
            pair.__exit__()
    for theirs, ours in results:
        undeclared = {}
        for request, field, one, two in differences_of(theirs, ours):
            rows = [row for row in DIFFERENCES if row.matches(request, field, one, two)]
            used.update(id(row) for row in rows)
            if not rows:
                undeclared.setdefault(request, []).append((field, one, two))
        for request in theirs:
            compared += len(theirs[request].keys() | ours.get(request, {}).keys())
            if "--show" in arguments:
                print(request, json.dumps(ours.get(request), indent=1), sep="\n")
            if request in undeclared:
                failed += 1
                print(f"not ok - {request}")
                for field, one, two in sorted(undeclared[request]):
                    print(f"    {field}\n      theirs: {one}\n      ours:   {two}")
            else:
                passed += 1
                print(f"ok - {request}")
    for row in DIFFERENCES:
        if id(row) not in used:
            failed += 1
            print(f"not ok - a declared difference that was not seen: {row.request} | {row.field} | {row.theirs} | {row.ours}")
    if check_paper("--write" in arguments):
        passed += 1
    else:
        failed += 1
    print(f"{compared} fields compared, {len(DIFFERENCES)} intended differences\n# pass {passed}\n# fail {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
