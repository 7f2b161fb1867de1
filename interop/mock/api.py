"""Sends requests to one server and turns each answer into fields that can be compared."""

import base64
import html.parser
import json
import re
import time
import urllib.parse

import jose

HEADERS = ("access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
           "access-control-allow-origin", "access-control-expose-headers", "allow", "cache-control",
           "content-type", "location", "pragma", "vary", "www-authenticate")
TOKENS = ("access_token", "id_token", "refresh_token")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {}
        self.cookies = [value.split(";")[0] for name, value in headers if name.lower() == "set-cookie"]
        for name, value in headers:
            self.headers.setdefault(name.lower(), value)

    def json(self):
        return json.loads(self.body)

    def location(self):
        return self.headers.get("location", "")

    def parameter(self, name):
        """A parameter of the redirect, from its query or fragment."""
        url = urllib.parse.urlsplit(self.location())
        return dict(urllib.parse.parse_qsl(url.fragment or url.query)).get(name, "")


class Api:
    """One server, and what it was seen to answer."""

    def __init__(self, server):
        self.server, self.base = server, server.base
        self.seen, self.keys = {}, {}

    def send(self, method, path, form=None, headers=None, body=None, basic=None, timeout=30):
        headers = dict(headers or {})
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if basic:
            headers["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
        connection = self.server.connect(timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read().decode("utf-8", "replace"))
        except TimeoutError:
            return Answer(0, [], "")
        finally:
            connection.close()

    def see(self, name, method, path, **request):
        """Sends a request whose answer is compared under this name."""
        answer = self.send(method, path, **request)
        assert name not in self.seen, name
        self.seen[name] = self.fields(answer)
        return answer

    def note(self, name, **fields):
        """Compares something that is no answer by itself."""
        self.seen[name] = {field: text(value) for field, value in fields.items()}

    def key_set(self, issuer):
        if issuer not in self.keys:
            path = urllib.parse.urlsplit(issuer).path
            self.keys[issuer] = json.loads(self.send("GET", f"{path}/jwks").body)["keys"]
        return self.keys[issuer]

    def fields(self, answer):
        if answer.status == 0:
            return {"answer": "none within the time", "status": "none within the time"}
        found = {"status": str(answer.status)}
        for name in HEADERS:
            if name in answer.headers:
                found[f"header {name}"] = self.plain(answer.headers[name])
        if "set-cookie" in answer.headers:
            found["header set-cookie"] = answer.headers["set-cookie"].split("=")[0]
        if "header location" in found:
            del found["header location"]
            url = urllib.parse.urlsplit(answer.location())
            part = "fragment" if url.fragment else "query"
            found["redirect to"] = self.plain(urllib.parse.urlunsplit(url._replace(query="", fragment="")))
            for name, value in urllib.parse.parse_qsl(url.fragment or url.query, keep_blank_values=True):
                drawn = {"code": "<code>", "code_challenge": "<challenge>", "error_description": "<text>"}
                found[f"redirect {part} {name}"] = self.plain(drawn.get(name, value))
        kind = answer.headers.get("content-type", "")
        summary = ""
        if "json" in kind and answer.body:
            content = answer.json()
            self.flatten(content, "", found)
            summary = content.get("error", "")
        elif "html" in kind and "<" in answer.body:
            self.read_forms(answer.body, found)
        elif answer.body:
            # mock-oauth2-server sends pages of `form_post` without a type.
            if "<form" in answer.body:
                self.read_forms(answer.body, found)
            else:
                found["text"] = self.plain(answer.body.strip())
        if answer.status in (301, 302, 303):
            found["answer"] = "redirect to " + found["redirect to"]
        else:
            found["answer"] = f"{answer.status} {summary}".strip()
        return found

    def flatten(self, value, path, found):
        if isinstance(value, dict):
            for name, member in value.items():
                self.member(name, member, f"{path}.{name}" if path else name, found)
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                self.flatten(item, f"{path}[{index}]", found)
        else:
            found[path] = text(self.plain(value))

    def member(self, name, value, path, found):
        if name == "error_description":
            found[path] = "<text>"
        elif name in TOKENS and isinstance(value, str):
            decoded = jose.decode(value)
            if decoded is None:
                found[path] = "<opaque>"
                return
            header, claims = decoded
            found[path] = "<JWT>"
            found[f"{path} header"] = text(header)
            found[f"{path} first header member"] = next(iter(header))
            keys = [] if header["alg"] == "none" else self.key_set(claims["iss"])
            found[f"{path} signature"] = jose.verify(value, keys)
            self.flatten(claims, f"{path} claim", found)
        elif name in ("sid", "user_code", "device_code"):
            found[path] = "<id>"
        elif name == "verification_uri_complete":
            found[path] = self.plain(value.split("=")[0]) + "=<id>"
        elif name == "jti":
            found[path] = "<uuid>" if UUID.fullmatch(value) else "<opaque>"
        elif name in ("n", "x", "y") and isinstance(value, str):
            found[path] = f"<{jose.number(value).bit_length() + 7 >> 3 << 3} bits>"
        elif name in ("exp", "iat", "nbf", "auth_time") and value == int(value) and abs(value - time.time()) < 10**5:
            found[path] = self.moment(value)
        elif name == "expires_in":
            # Theirs counts down from the token's birth to the answer, which takes time on a busy machine.
            whole = next((life for life in (120, 3600) if life - 15 <= value <= life), None)
            found[path] = text(value) if whole is None else f"about {whole}"
        else:
            self.flatten(value, path, found)

    @staticmethod
    def moment(value):
        away = value - time.time()
        for seconds, name in ((0, "now"), (120, "now + 120 s"), (3600, "now + 3600 s")):
            if abs(away - seconds) < 20:
                return name
        return f"now {away:+.0f} s"

    def plain(self, value):
        """The same text for both servers: without ports, without what is drawn."""
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        if not isinstance(value, str):
            return value
        return UUID.sub("<uuid>", value.replace(self.base, "BASE"))

    def read_forms(self, page, found):
        reader = FormReader()
        reader.feed(page)
        if reader.forms:
            form = reader.forms[0]
            found["form method"] = form["method"]
            found["form action"] = self.plain(form["action"])
            found["form fields"] = ", ".join(name for name in form["fields"] if name not in ("csrf", "interaction"))


class FormReader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({"method": (attrs.get("method") or "get").lower(),
                               "action": attrs.get("action") or "", "fields": []})
        elif tag in ("input", "textarea", "select") and self.forms and attrs.get("name"):
            self.forms[-1]["fields"].append(attrs["name"])


def text(value):
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
