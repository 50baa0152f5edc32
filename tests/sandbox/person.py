#!/usr/bin/env python3
"""A person at a browser: opens an address, fills in the forms that come, and follows the way back.

  person.py --ca-file CA.pem --login NAME --password-file FILE [--decline] URL

Each page's form gets the login in its text field and the password in its password field; where a page has
several buttons, the one whose value is "decline" is pressed with --decline, else the first. The last page's
text goes to standard output. Exit status: 0 when the way ended on a page without a form, else 1.
"""
import argparse
import html.parser
import http.cookiejar
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

MOST_PAGES = 8


class Page(html.parser.HTMLParser):
    """The first form of a page, its fields, and the page's text."""

    def __init__(self):
        super().__init__()
        self.form = None
        self.fields = []
        self.text = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.form is None:
            self.form = attrs
            self.inside = True
        elif tag in ("input", "button") and self.inside:
            self.fields.append(dict(attrs, tag=tag))

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False

    def handle_data(self, data):
        if data.strip():
            self.text.append(data.strip())


def fill(page, login, password, decline):
    """The values that a person would send."""
    values, buttons = [], []
    for field in page.fields:
        kind = field.get("type", "submit" if field["tag"] == "button" else "text")
        name = field.get("name")
        if kind == "submit":
            buttons.append(field)
        elif not name:
            continue
        elif kind == "password":
            values.append((name, password))
        elif kind == "hidden":
            values.append((name, field.get("value", "")))
        elif kind == "checkbox":
            values.append((name, field.get("value", "on")))
        else:
            values.append((name, login))
    pressed = [b for b in buttons if (b.get("value") == "decline") == decline] or buttons
    if pressed and pressed[0].get("name"):
        values.append((pressed[0]["name"], pressed[0].get("value", "")))
    return urllib.parse.urlencode(values)


def main():
    parser = argparse.ArgumentParser(description="a person at a browser")
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--login", required=True)
    parser.add_argument("--password-file", required=True)
    parser.add_argument("--decline", action="store_true")
    parser.add_argument("url")
    args = parser.parse_args()
    with open(args.password_file, encoding="utf-8") as file:
        password = file.read().strip()

    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=args.ca_file)),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    url, body = args.url, None
    for _ in range(MOST_PAGES):
        try:
            answer = opener.open(urllib.request.Request(url, data=body), timeout=30)
        except urllib.error.HTTPError as error:
            print(f"{error.code}: {error.read().decode(errors='replace')}", file=sys.stderr)
            return 1
        page = Page()
        page.feed(answer.read().decode("utf-8", "replace"))
        url = answer.geturl()
        if page.form is None:
            print("\n".join(page.text))
            return 0
        data = fill(page, args.login, password, args.decline)
        url = urllib.parse.urljoin(url, page.form.get("action") or url)
        if page.form.get("method", "get").lower() == "post":
            body = data.encode()
        else:
            url, body = url.split("?")[0] + "?" + data, None
    print("too many pages", file=sys.stderr)
    return 1


sys.exit(main())
