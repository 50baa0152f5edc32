"""libreoffice_drive: LibreOffice does what a person would have it do, through its own dialogs: signs a text document, exports
a signed PDF, adds a signature to a PDF, and says what it thinks of each.

usage: /usr/bin/python3 libreoffice_drive.py PIPE FOLDER, with Debian's python3-uno. From the environment: PINS, what to
type for each token ("TOKEN=PIN", lines); WRONG, what is typed first; TOKEN; CERTIFICATE, its file (DER); PERSON, its common
name; SERIAL, its serial number, in hexadecimal. Leaves signed.odt, exported.pdf, added.pdf in the folder.
"""
import os
import subprocess
import sys
import threading
import time

import uno
from com.sun.star.beans import PropertyValue

pipe, folder = sys.argv[1:]
pins = dict(line.split("=", 1) for line in os.environ["PINS"].splitlines())
wrong = os.environ["WRONG"]
token = os.environ["TOKEN"]
certificate_der = open(os.environ["CERTIFICATE"], "rb").read()
person = os.environ["PERSON"]
serial = os.environ["SERIAL"]
READ = 1  # com.sun.star.embed.ElementModes


def die(*words):
    print("libreoffice:", *words, file=sys.stderr, flush=True)
    os._exit(1)


def die_of_exception(kind, value, traceback):
    sys.__excepthook__(kind, value, traceback)
    os._exit(1)


# A thread that fails ends everything, and UNO's own threads would keep the interpreter alive.
sys.excepthook = die_of_exception
threading.excepthook = lambda what: die_of_exception(what.exc_type, what.exc_value, what.exc_traceback)


def connect():
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(600):
        try:
            return resolver.resolve("uno:pipe,name=%s;urp;StarOffice.ComponentContext" % pipe)
        except Exception:
            time.sleep(0.1)
    die("it does not start")


context = connect()


def service(name, *arguments):
    manager = context.ServiceManager
    if arguments:
        return manager.createInstanceWithArgumentsAndContext(name, arguments, context)
    return manager.createInstanceWithContext(name, context)


def path(name):
    return os.path.join(folder, name)


def url(name):
    return uno.systemPathToFileUrl(path(name))


def properties(**values):
    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


# ---- dialogs, as somebody sees them

test = service("com.sun.star.ui.test.UITest")


toolkit = service("com.sun.star.awt.Toolkit")
PIN, MESSAGE, CHOOSER, SIGNATURES = "Enter Password - ", "Warning", "Select X.509 Certificate", "Digital Signatures"
VIEW = "View Certificate"
closing = None  # the window that has been told to close; UITest must not be asked about it, since it crashes then


def windows():
    """Every window's title, with the window."""
    found = []
    for index in range(toolkit.getTopWindowCount()):
        try:
            window = toolkit.getTopWindow(index)
            found.append((window.getAccessibleContext().getAccessibleName(), window))
        except Exception:
            pass  # one that is just coming or going
    return found


def wait_until(what, true):
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    die("waited in vain for %s; there is %s" % (what, [title for title, _ in windows()]))


def state(window):
    return {p.Name: p.Value for p in window.getState()}


def wait_for(*titles):
    """A window of one of these titles, when what was to close has closed and it has come to the front; and its title."""
    found = []

    def there():
        now = windows()
        if any(window == closing for _, window in now) or not any(title in titles for title, _ in now):
            return False
        front = test.getTopFocusWindow()
        found[:] = [front, state(front)["Text"]]
        return found[1] in titles

    wait_until(" or ".join(titles), there)
    return found


def text_of(window, name):
    return state(window.getChild(name))["Text"]


def visible(window, name):
    return state(window.getChild(name))["Visible"] == "true"


def click(window, name):
    """What is clicked may bring a dialog up, and comes back when that is closed: nobody waits for it."""
    threading.Thread(target=lambda: window.getChild(name).executeAction("CLICK", ()), daemon=True).start()


def close(window, name):
    """The same for what closes the window."""
    global closing
    closing = next(other for title, other in windows() if title == state(window)["Text"])
    click(window, name)


def settle():
    """Until LibreOffice has nothing to do: it judges documents in its main thread, and can't judge two at a time."""
    toolkit.processEventsToIdle()


def look(name):
    """A picture of the window on top, where PODPIS_SCREENSHOTS names a folder for it."""
    pictures = os.environ.get("PODPIS_SCREENSHOTS")
    if not pictures:
        return
    settle()
    front = next(window for title, window in windows() if title == state(test.getTopFocusWindow())["Text"])
    place, size = front.getAccessibleContext().getLocationOnScreen(), front.getAccessibleContext().getSize()
    part = "%dx%d+%d+%d" % (size.Width, size.Height, place.X, place.Y)
    target = "PNG8:%s/libreoffice-%s.png" % (pictures, name)
    subprocess.run(["import", "-window", "root", "-crop", part, "+repage", "-colors", "64", target], check=True)


asked = []


def token_of(dialog):
    """The token that is asked for stands in a line of its own; LibreOffice takes its UTF-8 for one character a byte."""
    shown = text_of(dialog, "newpassFT").splitlines()[-1]
    return bytes(ord(character) & 0xFF for character in shown).decode()


def give_pins():
    """Types the PIN of each token that is asked for, first a wrong one for the token in question; until the chooser is up."""
    mistaken = False
    while True:
        dialog, title = wait_for(PIN, MESSAGE, CHOOSER)
        if title == CHOOSER:
            return dialog
        if title == MESSAGE:
            if not asked or asked[-1] != token or not mistaken:
                die("a message after asking for the PINs of", asked)
            look("wrong-pin")
            close(dialog, "ok")
            continue
        which = token_of(dialog)
        asked.append(which)
        mistake = which == token and not mistaken
        mistaken = mistaken or mistake
        if mistake:
            look("pin")
        dialog.getChild("newpassEntry").executeAction("TYPE", properties(TEXT=wrong if mistake else pins[which]))
        close(dialog, "ok")


def serial_of(chooser, row):
    """Where certificates look alike in the list, their serial numbers tell which is which: View Certificate, Details."""
    row.executeAction("SELECT", ())
    click(chooser, "viewcert")
    view, _ = wait_for(VIEW)
    view.getChild("tabcontrol").executeAction("SELECT", properties(POS="1"))
    table = view.getChild("tablecontainer")
    details = [state(table.getChild(line))["Text"].split("\t") for line in table.getChildren()]
    close(view, "ok")
    wait_for(CHOOSER)
    return next(line[1] for line in details if line[0] == "Serial Number").replace(" ", "").replace(":", "").upper()


def sign_in_dialog():
    """File, Digital Signatures: signs with the certificate in question, and looks whether all is well."""
    test.executeDialog(".uno:Signature")
    dialog, _ = wait_for(SIGNATURES)
    click(dialog, "sign")
    chooser = give_pins()
    rows = chooser.getChild("signatures")
    texts = [state(rows.getChild(row))["Text"].split("\t") for row in rows.getChildren()]
    if len(texts) != len(pins) or any(text[0] != person for text in texts):
        die("the chooser has", texts)
    index = next(row for row in rows.getChildren() if serial_of(chooser, rows.getChild(row)) == serial)
    rows.getChild(index).executeAction("SELECT", ())
    look("certificate")
    close(chooser, "ok")
    dialog, _ = wait_for(SIGNATURES)
    wait_until("a verdict", lambda: any(visible(dialog, name) for name in ("validft", "notvalidatedft", "invalidft")))
    look("signatures")
    signatures = dialog.getChild("signatures")
    texts = [state(signatures.getChild(row))["Text"].split("\t") for row in signatures.getChildren()]
    if not visible(dialog, "validft") or len(texts) != 1 or texts[0][0] != person:
        die("the dialog has", texts, "and says that they are", "valid" if visible(dialog, "validft") else "not valid")
    close(dialog, "close")
    wait_until("the dialog to close", lambda: all(window != closing for _, window in windows()))
    settle()


# ---- certificates and verdicts

environment = None


def certificates():
    global environment
    if environment is None:
        environment = service("com.sun.star.xml.crypto.SEInitializer").createSecurityContext("").getSecurityEnvironment()
    return environment.getPersonalCertificates()


def certificate_of(certificate):
    encoded = certificate.Encoded
    return encoded.value if hasattr(encoded, "value") else bytes(byte & 0xFF for byte in encoded)


signer = service("com.sun.star.security.DocumentDigitalSignatures", "1.3", False)


def judge(what, verdicts):
    if len(verdicts) != 1:
        die("%s: %d signatures" % (what, len(verdicts)))
    verdict = verdicts[0]
    # CertificateStatus 0 is com.sun.star.security.CertificateValidity.VALID: the chain is trusted, too.
    if not verdict.SignatureIsValid or verdict.CertificateStatus != 0:
        die("%s: valid %s, certificate 0x%x" % (what, verdict.SignatureIsValid, verdict.CertificateStatus))
    if certificate_of(verdict.Signer) != certificate_der:
        die("%s: signed by %s" % (what, verdict.Signer.SubjectName))
    print("# LibreOffice: %s is signed by %s" % (what, verdict.Signer.SubjectName))


def judge_text(name):
    factory = service("com.sun.star.embed.StorageFactory")
    arguments = (url(name), READ, uno.Any("[]com.sun.star.beans.PropertyValue", properties(StorageFormat="ZipFormat")))
    storage = uno.invoke(factory, "createInstanceWithArguments", (arguments,))
    folder_in_it = storage.openStorageElement("META-INF", READ)  # has to outlive its streams
    stream = folder_in_it.openStreamElement("documentsignatures.xml", READ)
    judge(name, signer.verifyDocumentContentSignatures(storage, stream.getInputStream()))
    storage.dispose()


def judge_pdf(name):
    stream = service("com.sun.star.ucb.SimpleFileAccess").openFileRead(url(name))
    judge(name, signer.verifyDocumentContentSignatures(None, stream))
    stream.closeInput()


# ---- the day's work

desktop = service("com.sun.star.frame.Desktop")
document = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, ())
document.Text.String = "An agreement, signed with Podpis. " * 20
document.storeAsURL(url("signed.odt"), properties(FilterName="writer8"))
sign_in_dialog()
judge_text("signed.odt")
if sorted(asked) != sorted(list(pins) + [token]):
    die("the PIN was asked for", asked)

mine = next(c for c in certificates() if certificate_of(c) == certificate_der)
signing = uno.Any("[]com.sun.star.beans.PropertyValue", properties(SignPDF=True, SignatureCertificate=mine))
document.storeToURL(url("exported.pdf"), properties(FilterName="writer_pdf_Export", FilterData=signing))
judge_pdf("exported.pdf")

document.storeToURL(url("added.pdf"), properties(FilterName="writer_pdf_Export"))
stream = service("com.sun.star.ucb.SimpleFileAccess").openFileReadWrite(url("added.pdf"))
if not signer.signDocumentWithCertificate(mine, None, stream):
    die("added.pdf is not signed")
stream.getOutputStream().flush()
del stream
judge_pdf("added.pdf")

document.close(True)
if PIN in [title for title, _ in windows()]:
    die("asks for a PIN again")
try:
    desktop.terminate()
except Exception:
    pass  # it is gone before it answers
os._exit(0)
