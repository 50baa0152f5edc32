#!/usr/bin/env python3
"""A person at Chromium, which runs with its profile in FOLDER and DevTools' port open: logs in to SITE, and to the same
at another address, where nobody is asked for the PIN again.

From the environment: SITE; SHA1 of the certificate (lower case, no colons); PROTOCOL, as the site says it; PIN, and
WRONG, one to be tried first, if any; PICTURES, what the pictures' names begin with.
"""
import os
import subprocess
import sys
import time

from devtools import DevTools
from screen import picture, windows

SITE, SHA1, PROTOCOL = (os.environ[name] for name in ("SITE", "SHA1", "PROTOCOL"))
PINS = [os.environ[name] for name in ("WRONG", "PIN") if os.environ.get(name)]
PICTURES = os.environ.get("PICTURES") if os.environ.get("PODPIS_SCREENSHOTS") else None
# The choice of a certificate is a part of Chromium's window, which nobody but a person sees: its OK button. Elsewhere
# on a page there is nothing at this place.
BUTTON = "786", "358"


def xdotool(*arguments):
    subprocess.run(("xdotool",) + arguments, stdout=subprocess.DEVNULL, check=False)


def fail(*what):
    sys.exit("chromium: %s" % " ".join(map(str, what)))


def show(name):
    if PICTURES:
        picture("%s-%s.png" % (PICTURES, name))


def log_in(browser, address, pins, seconds=60):
    """Opens the address, answers what comes with these PINs, all of which have to be asked for; the page's text."""
    pins = list(pins)
    answered = set()
    end = time.monotonic() + seconds
    browser.script("location.href = '%s'; 0" % address)
    if pins:
        time.sleep(3 if PICTURES else 0)
        show("choice")
    while browser.address() != address:
        asking = set(windows("^Unlock Security Device$")) - answered
        if time.monotonic() > end:
            show("stuck")
            fail("waited in vain for", address)
        if not asking:
            # Chromium takes no click that comes within half a second of the window or of another click.
            xdotool("mousemove", *BUTTON, "click", "1")
            time.sleep(1.2)
            continue
        if not pins:
            fail("asked for a PIN again")
        if len(pins) == 1:
            show("pin")
        window = asking.pop()
        answered.add(window)
        xdotool("windowfocus", "--sync", window, "type", pins.pop(0))
        xdotool("key", "Return")
    if pins:
        fail("was not asked for", len(pins), "PINs")
    return browser.script("document.body.textContent")


def main():
    browser = DevTools(sys.argv[1])
    for address, pins in ((SITE, PINS), (SITE.replace("localhost", "127.0.0.1"), ())):
        text = log_in(browser, address, pins)
        if not text.startswith("hello %s %s " % (SHA1, PROTOCOL)):
            fail(text)
        if pins:
            show("page")
    browser.command("Browser.close")


main()
