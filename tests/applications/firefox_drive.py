#!/usr/bin/env python3
"""A person at Firefox, which runs with Marionette on PORT: looks at its devices and certificates, logs in to SITE.

From the environment: SITE, and SITE_CA, whom to trust for it (PEM); TOKEN, the certificate's, and PIN; SHA1 and SHA256
of the certificate, ROOT, the SHA-256 of the authority's root (lower case, no colons), when that is to be trusted;
WRONG, a PIN to be tried first, if any; LOGIN_FIRST, set when Firefox logs in before it looks at the token's
certificates; PICTURES, what the pictures' names begin with.
"""
import os
import sys
import threading
import time

from marionette import Marionette, Refused
from screen import picture

MODULE = "Podpis"
TOKEN, SITE, SHA1, SHA256 = (os.environ[name] for name in ("TOKEN", "SITE", "SHA1", "SHA256"))
PINS = [os.environ[name] for name in ("WRONG", "PIN") if os.environ.get(name)]
PICTURES = os.environ.get("PICTURES") if os.environ.get("PODPIS_SCREENSHOTS") else None

# What asks for a PIN is a window that stops all others, Marionette too: it is answered from inside, with what is in
# `answers`, or cancelled. A picture takes the time that is given to it.
ANSWER = """
const [answers, delay] = arguments;
const state = (window.podpis = { answers, asked: [] });
state.observer = subject => {
  const { args, ui } = subject.Dialog ?? subject.ownerDocument.defaultView.Dialog;
  const answer = args.promptType == "promptPassword" ? state.answers.shift() : undefined;
  state.asked.push(args.text);
  // A window's own timers stand still now.
  state.timer = Cc["@mozilla.org/timer;1"].createInstance(Ci.nsITimer);
  state.timer.initWithCallback(() => {
    if (answer === undefined) return ui.button1.click();
    ui.password1Textbox.value = answer;
    ui.button0.click();
  }, delay, Ci.nsITimer.TYPE_ONE_SHOT);
};
Services.obs.addObserver(state.observer, "common-dialog-loaded");
state.chooser = dialog => { state.choice = dialog; };
Services.obs.addObserver(state.chooser, "cert-dialog-loaded");
"""

# The dialog that wants a certificate chosen lies inside the browser's window, and listens when it says so.
OFFERED = """
return window.podpis.choice?.ownerDocument.defaultView.certArray.map(c => c.sha256Fingerprint.replace(/:/g, "").toLowerCase());
"""
CHOOSE = """
const { choice } = window.podpis, list = choice.ownerDocument.getElementById("nicknames");
list.selectedIndex = arguments[0];
list.dispatchEvent(new choice.ownerDocument.defaultView.Event("command"));
window.podpis.choice = null;
// This script has to be over before the PIN is asked for.
Services.tm.dispatchToMainThread(() => choice.getButton("accept").click());
"""

OPEN = """
window.podpisWindow = Services.ww.openWindow(null, "chrome://pippki/content/" + arguments[0], "_blank",
  "chrome,centerscreen,dialog=no,resizable,width=" + arguments[1] + ",height=420", null);
"""
ROWS = """
const tree = window.podpisWindow.document.getElementById(arguments[0]), view = tree?.view;
if (!view || !tree.columns) return [];
const columns = Array.from({ length: tree.columns.count }, (_, i) => tree.columns.getColumnAt(i));
return Array.from({ length: view.rowCount }, (_, row) => columns.map(c => view.getCellText(row, c)));
"""

TRUST = """
const database = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
const root = database.getCerts().find(c => c.sha256Fingerprint.replace(/:/g, "").toLowerCase() == arguments[0]);
return root ? [Ci.nsIX509CertDB.TRUSTED_EMAIL, Ci.nsIX509CertDB.TRUSTED_SSL]
  .map(use => database.isCertTrusted(root, Ci.nsIX509Cert.CA_CERT, use)) : null;
"""


def fail(*what):
    sys.exit("firefox: %s" % " ".join(map(str, what)))


def until(look, what, seconds=60):
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            fail("waited in vain for", what)
        time.sleep(0.1)


class Firefox:
    def __init__(self, port):
        self.remote = Marionette(port)
        self.remote.command("WebDriver:NewSession", capabilities={"alwaysMatch": {"unhandledPromptBehavior": "ignore"}})
        self.remote.command("Marionette:SetContext", value="chrome")

    def script(self, text, *arguments):
        while True:
            try:
                return self.remote.script(text, *arguments)
            except Refused as refusal:
                if "unexpected alert open" not in str(refusal):
                    raise
                time.sleep(0.1)

    def asked(self):
        """The texts of the dialogs that have come so far."""
        return self.script("return window.podpis.asked")

    def window(self, page, width, tree, tab, wanted, name):
        """Opens one of the windows of certificates and devices, until its rows are as wanted: a policy takes its time."""

        def look():
            self.script(OPEN, page, width)
            until(lambda: self.script(ROWS, tree), "rows in %s" % page)
            if tab is not None:
                self.script("podpisWindow.document.getElementById('certmanagertabs').selectedIndex = arguments[0]", tab)
            rows = self.script(ROWS, tree)
            if PICTURES:
                self.script("window.podpisWindow.resizeTo(arguments[0], 420)", width)
                picture("%s-%s.png" % (PICTURES, name), "^(Certificate|Device) Manager$")
            self.script("window.podpisWindow.close()")
            return wanted(rows)

        until(look, "what is to be in %s" % page)

    def page(self, address):
        self.script(
            "gBrowser.selectedBrowser.loadURI(Services.io.newURI(arguments[0]), "
            "{ triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal() })",
            address,
        )

    def text(self, address):
        """The page's text, when it is this page; else None."""
        self.remote.command("Marionette:SetContext", value="content")
        try:
            page = self.remote.script(
                "return [document.documentURI, document.body ? document.body.textContent : '']", sandbox="default"
            )
        except Refused:
            return None
        finally:
            self.remote.command("Marionette:SetContext", value="chrome")
        where, text = page or ("", "")
        if where.startswith(("about:neterror", "about:certerror")):
            fail(where)
        return text if where == address and text else None


def main():
    firefox = Firefox(int(sys.argv[1]))
    firefox.script(ANSWER, PINS, 10000 if PICTURES else 0)
    with open(os.environ["SITE_CA"], encoding="ascii") as pem:
        site_ca = "".join(line for line in pem.read().split("\n") if "-----" not in line)
    firefox.script(
        "Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB).addCertFromBase64(arguments[0], 'C,,')", site_ca
    )

    print("# its devices and certificates, nobody logged in")
    firefox.window("device_manager.xhtml", 900, "device_tree", None, lambda rows: [MODULE] in [r[:1] for r in rows], "devices")
    firefox.window("certManager.xhtml", 820, "user-tree", 0, lambda rows: TOKEN in [r[1] for r in rows], "certificates")
    if os.environ.get("ROOT"):
        trusted = firefox.script(TRUST, os.environ["ROOT"])
        if trusted != [True, False]:
            fail("the root is trusted for mail and for sites:", trusted)
    if firefox.asked() and not os.environ.get("LOGIN_FIRST"):
        fail("asked before there was a need:", firefox.asked())

    print("# a site: certificate and PIN")
    firefox.page(SITE)
    offered = until(lambda: firefox.script(OFFERED), "the choice of a certificate")
    if SHA256 not in offered:
        fail("what is offered is not ours:", offered)
    if PICTURES:
        picture("%s-choice.png" % PICTURES)
    # While the PIN is asked for, no script comes to its end.
    camera = threading.Thread(target=picture, args=("%s-pin.png" % PICTURES, "^Password Required"))
    if PICTURES:
        camera.start()
    firefox.script(CHOOSE, offered.index(SHA256))
    text = until(lambda: firefox.text(SITE), "the page")
    if not text.startswith("hello %s TLSv1.3 " % SHA1):
        fail(text)
    asked = firefox.asked()
    if len(asked) != len(PINS) or not all("(%s)" % TOKEN in text for text in asked):
        fail("what was asked:", asked)

    print("# once more, with TLS 1.2: nobody asks")
    firefox.script("Services.prefs.setIntPref('security.tls.version.max', 3)")
    firefox.page(SITE + "second")
    text = until(lambda: firefox.text(SITE + "second"), "the second page")
    if not text.startswith("hello %s TLSv1.2 " % SHA1):
        fail(text)
    if firefox.asked() != asked:
        fail("asked again:", firefox.asked())
    firefox.remote.command("Marionette:Quit", flags=["eAttemptQuit"])


main()
