"""A person with a browser: keeps cookies, reads forms, presses buttons; no script."""

import html.parser
import urllib.parse

import requests


class _Forms(html.parser.HTMLParser):
    """The forms of a page: where each posts, its hidden fields, the names of all its fields."""

    def __init__(self, page):
        super().__init__()
        self.found, self._open = [], None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self._open = {"action": attributes.get("action") or "", "hidden": {}, "names": set()}
            self.found.append(self._open)
        elif self._open is not None and tag in ("input", "button", "textarea", "select"):
            name = attributes.get("name")
            if name is None:
                return
            self._open["names"].add(name)
            if attributes.get("type") == "hidden":
                self._open["hidden"][name] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = None


class Page:
    """Where the browser stopped: a page of the server, or the redirect that leaves it."""

    def __init__(self, answer):
        self.url, self.status, self.body = answer.url, answer.status_code, answer.text
        sent_to = answer.headers.get("location")
        self.location = urllib.parse.urljoin(answer.url, sent_to) if sent_to else None

    def parameters(self):
        """What the redirect tells the client."""
        assert self.location, f"no redirect to the client: {self}"
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.location).query))

    def has(self, name):
        return any(name in form["names"] for form in _Forms(self.body).found)

    def form_with(self, names):
        for form in _Forms(self.body).found:
            if form["names"] >= set(names):
                return form
        raise AssertionError(f"no form with {sorted(names)} on {self}")

    def __str__(self):
        return f"{self.status} {self.url} -> {self.location}\n{self.body}"


def _origin(url):
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Person:
    """A person in front of a browser of their own."""

    def __init__(self):
        self._http = requests.Session()
        self._http.headers.update({"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})

    def open(self, url):
        """Opens an address; redirects on the same server are followed, one to a client is not."""
        return self._follow("GET", url, {"Sec-Fetch-Site": "none"})

    def submit(self, page, **fields):
        """Fills in the first form that has these fields, and posts it as a browser does."""
        form = page.form_with(fields)
        url = urllib.parse.urljoin(page.url, form["action"])
        headers = {"Origin": _origin(page.url), "Sec-Fetch-Site": "same-origin"}
        return self._follow("POST", url, headers, data=form["hidden"] | fields)

    def _follow(self, method, url, headers, data=None):
        for _ in range(10):
            answer = self._http.request(
                method, url, headers=headers, data=data, allow_redirects=False, timeout=20
            )
            page = Page(answer)
            if page.location is None or _origin(page.location) != _origin(url):
                return page
            method, url, data = "GET", page.location, None
            headers = {"Sec-Fetch-Site": "same-origin"}
        raise AssertionError(f"redirects without end at {url}")

    def sign_in(self, url, username="ada"):
        return self.submit(self.open(url), username=username)

    def cancel(self, url, username="ada"):
        """Presses Cancel on the page that greets who is signed in already."""
        self.sign_in(url, username)
        return self.submit(self.open(url), action="deny")

    def decide_device(self, url, action, user_code=None, username="ada"):
        """Opens a verification URI, with the code or without, and decides: approve or deny."""
        page = self.open(url)
        if user_code is None:
            # It is filled in, but the person has to say that it is theirs.
            user_code = page.form_with(["user_code"]) and _typed(page, "user_code")
        page = self.submit(page, user_code=user_code)
        if page.has("username"):
            page = self.submit(page, username=username)
        confirmed = {"confirm": "on"} if action == "approve" else {}
        done = self.submit(page, action=action, **confirmed)
        assert done.status == 200, done
        return done


def _typed(page, name):
    """The value that a text field is filled in with."""
    values = []

    class Inputs(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            attributes = dict(attrs)
            if tag == "input" and attributes.get("name") == name:
                values.append(attributes.get("value") or "")

    Inputs().feed(page.body)
    assert values and values[0], f"{name} is not filled in on {page}"
    return values[0]


def authorize(url, username="ada"):
    """Signs in to a client; the whole redirect back to it."""
    page = Person().sign_in(url, username)
    assert page.location, f"no redirect to the client: {page}"
    return page.location


def cancel(url):
    page = Person().cancel(url)
    assert page.location, f"no redirect to the client: {page}"
    return page.location
