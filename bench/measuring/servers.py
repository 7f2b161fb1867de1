"""The servers: how each is installed, started, and asked for each operation.

An operation is a function that gives the arguments of `load`; a server that does not have it
leaves it out.
"""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import urllib.request

from .processes import Process, free_port
from .sign_in import CLIENT, sign_in

HERE = pathlib.Path(__file__).resolve().parent.parent
FORM = "grant_type=client_credentials&scope=openid"
POLL = f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id={CLIENT}&device_code="
REFRESH = f"grant_type=refresh_token&client_id={CLIENT}&refresh_token="
SECRET = "a-secret-for-a-local-measurement"
BASIC = "authorization: Basic " + base64.b64encode(f"bench:{SECRET}".encode()).decode()
# The mock signs with RS256 unless told otherwise, and so do we in its place.
CONFIG = {"interactiveLogin": True, "tokenProvider": {"keyProvider": {"algorithm": "ES256"}}}


class Server:
    """A server that can be started again and again; the last one stays for the load."""

    warm_up = 2_000

    def __init__(self, scratch, plan):
        self.scratch, self.plan, self.process = scratch, plan, None

    def install(self):
        """Fetches what it needs, once."""

    def start(self):
        port = free_port()
        command, env = self.command(port)
        self.process = Process(self.name, command, port, self.discovery, self.scratch, env)
        return self.process

    def file(self, name):
        return str(self.scratch / f"{self.name}-{name}")

    def prepare(self):
        """Signs people in and fetches what the operations present."""

    def before(self, operation):
        """Makes ready what the operation uses up."""

    def post(self, path, body, *more):
        return ["--method", "POST", "--path", path, "--body", body, *more]

    def operations(self):
        return {}


class Floor(Server):
    """The bare framework."""

    discovery = "/jwks"

    def __init__(self, scratch, plan, framework, binaries):
        super().__init__(scratch, plan)
        self.framework, self.binary = framework, binaries / "floor"
        self.name = f"bare {framework}"

    def command(self, port):
        return [self.binary, self.framework, port], {}

    def operations(self):
        form = self.post("/token", POLL + "hpd_" + 49 * "0")
        return {
            "JSON": lambda: ["--path", "/jwks"],
            "form, JSON": lambda: form,
            "form, JSON, ES256": lambda: self.post("/sign", FORM, "--header", BASIC),
            "form, JSON, ES256 verified": lambda: self.post("/verify", "token=" + 500 * "0", "--header", BASIC),
        }


class Mock(Server):
    """What dev mode stands in for; the paths are ours too."""

    name = "mock-oauth2-server"
    issuer = "default"
    discovery = f"/{issuer}/.well-known/openid-configuration"
    # A JVM compiles what runs often.
    warm_up = 4_000

    def install(self):
        self.jars = HERE / "installed" / self.name
        if not self.jars.exists():
            pom = HERE / "peers" / self.name / "pom.xml"
            goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
            run(["mvn", "-B", "-q", "-f", pom, goal, f"-DoutputDirectory={self.jars}", "-DincludeScope=runtime"])

    def command(self, port):
        main = "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt"
        env = {"SERVER_PORT": str(port), "JSON_CONFIG": json.dumps(CONFIG), "LOG_LEVEL": "ERROR"}
        return ["java", "-cp", f"{self.jars}/*", main], env

    def prepare(self):
        people = [sign_in(self.process.port, self.issuer, f"user-{n}") for n in range(64)]
        write(self.file("refresh"), [tokens["refresh_token"] for tokens in people])
        self.access_token = people[0]["access_token"]
        write(self.file("one"), [self.access_token])

    def operations(self):
        base = f"/{self.issuer}"
        refresh = ["--bodies", self.file("refresh"), "--capture", "refresh_token", "--return", "--capture-to", self.file("refresh")]
        bearer = ["--header", f"authorization: Bearer {self.access_token}"]
        active = ["--header", BASIC, "--contains", '"sub"', "--cycle"]
        return {
            "discovery": lambda: ["--path", self.discovery],
            "JWKS": lambda: ["--path", f"{base}/jwks"],
            "client credentials": lambda: self.post(f"{base}/token", FORM, "--header", BASIC),
            "refresh": lambda: self.post(f"{base}/token", REFRESH, *refresh),
            "introspection": lambda: self.post(f"{base}/introspect", "token=", "--bodies", self.file("one"), *active),
            "userinfo": lambda: ["--path", f"{base}/userinfo", *bearer, "--contains", '"sub"'],
        }


class Ours(Mock):
    """`hallpass serve --dev`."""

    name = "hallpass"
    warm_up = 2_000

    def __init__(self, scratch, plan, binary):
        super().__init__(scratch, plan)
        self.binary = binary

    def install(self):
        pass

    def command(self, port):
        command = [self.binary, "serve", "--dev", "--host", "127.0.0.1", "--port", port]
        env = {"JSON_CONFIG": json.dumps(CONFIG), "LOG_LEVEL": "warn"}
        return command, env | {"HALLPASS_HOME": str(self.scratch / "home")}

    def operations(self):
        base = f"/{self.issuer}"
        body, once = f"client_id={CLIENT}&scope=openid", ["--requests", str(self.plan.once)]
        capture = lambda member, name: ["--capture", member, "--capture-to", self.file(name)]
        tokens, codes = ["--bodies", self.file("tokens")], ["--bodies", self.file("codes")]
        active = ["--header", BASIC, "--contains", '"active":true']
        fresh = ["--bodies", self.file("fresh tokens")]
        pending = ["--expect", "400", "--contains", "authorization_pending"]
        early = ["--expect", "400", "--contains", "slow_down", "--cycle"]
        token = f"{base}/token"
        mine = super().operations()
        mine["introspection, known token"] = mine.pop("introspection")
        return mine | {
            "device authorization": lambda: self.post(f"{base}/device/authorize", body, *once, *capture("device_code", "codes")),
            "pending poll": lambda: self.post(token, POLL, *codes, *pending, *once),
            "poll too early": lambda: self.post(token, POLL, *codes, *early),
            "tokens for later": lambda: self.post(token, FORM, "--header", BASIC, *once, *capture("access_token", "tokens")),
            # As many as the server remembers to have signed: the tokens before are forgotten.
            "client credentials, many": lambda: self.post(token, FORM, "--header", BASIC, "--requests", "66000"),
            "introspection, new token": lambda: self.post(f"{base}/introspect", "token=", *tokens, *active, *once),
            "client credentials, kept": lambda: self.post(token, FORM, "--header", BASIC, *once, *capture("access_token", "fresh tokens")),
            "introspection, token just issued": lambda: self.post(f"{base}/introspect", "token=", *fresh, *active, *once),
        }


class OidcProvider(Server):
    """The most complete server on npm."""

    name = "oidc-provider"
    discovery = "/.well-known/openid-configuration"

    def install(self):
        self.home = HERE / "installed" / self.name
        source = HERE / "peers" / self.name
        self.home.mkdir(parents=True, exist_ok=True)
        for file in ["package.json", "package-lock.json", ".npmrc", "server.mjs"]:
            shutil.copy(source / file, self.home / file)
        if not (self.home / "node_modules").exists():
            run(["npm", "ci", "--prefix", self.home, "--no-audit", "--no-fund"])

    def command(self, port):
        return ["node", self.home / "server.mjs", port], {"NODE_ENV": "production"}

    def prepare(self):
        url = f"http://127.0.0.1:{self.process.port}"
        with urllib.request.urlopen(f"{url}/bench/tokens?n=64") as answer:
            tokens = json.load(answer)
        write(self.file("refresh"), tokens["refresh"])
        write(self.file("one"), [tokens["access"]])
        self.access_token = tokens["access"]
        codes = []
        for _ in range(64):
            body = f"client_id={CLIENT}&scope=openid".encode()
            with urllib.request.urlopen(f"{url}/device/auth", body) as answer:
                codes.append(json.load(answer)["device_code"])
        write(self.file("codes"), codes)

    def before(self, operation):
        # Its memory holds 1,000 records of all kinds: what was made earlier may be gone.
        self.prepare()

    def operations(self):
        refresh = ["--bodies", self.file("refresh"), "--capture", "refresh_token", "--return", "--capture-to", self.file("refresh")]
        bearer = ["--header", f"authorization: Bearer {self.access_token}"]
        pending = ["--bodies", self.file("codes"), "--cycle", "--expect", "400", "--contains", "authorization_pending"]
        active = ["--header", BASIC, "--contains", '"active":true']
        jwt = "grant_type=client_credentials&scope=api&resource=urn%3Aapi"
        return {
            "discovery": lambda: ["--path", self.discovery],
            "JWKS": lambda: ["--path", "/jwks"],
            "client credentials": lambda: self.post("/token", jwt, "--header", BASIC),
            "pending poll": lambda: self.post("/token", POLL, *pending),
            "refresh": lambda: self.post("/token", REFRESH, *refresh),
            "introspection": lambda: self.post("/token/introspection", "token=", "--bodies", self.file("one"), "--cycle", *active),
            "userinfo": lambda: ["--path", "/me", *bearer, "--contains", '"sub"'],
            "device authorization": lambda: self.post("/device/auth", f"client_id={CLIENT}&scope=openid"),
        }


def write(path, lines):
    pathlib.Path(path).write_text("\n".join(lines))


def run(command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, env=os.environ)
