#!/usr/bin/env python3
"""firefox.sh's: starts Firefox in the profiles FOLDER/without and FOLDER/with (MODULE), PAIRS times in turns."""
import os
import socket
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "applications"))
from marionette import Marionette  # noqa: E402

# What Firefox itself notes of its start: when its windows are there, in milliseconds after the process began.
TIME = """
const times = Services.startup.getStartupInfo();
return times.sessionRestored ? times.sessionRestored - times.process : null;
"""


def start(folder, name, module):
    """The time, that of the main thread on a processor, and whether the module is in the process, which is then ended."""
    profile = os.path.join(folder, name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(os.path.join(profile, "user.js"), "w", encoding="ascii") as settings:
        settings.write('user_pref("marionette.port", %d);\n' % port)
        for off in ("app.update.enabled", "browser.shell.checkDefaultBrowser", "toolkit.telemetry.enabled",
                    "datareporting.policy.dataSubmissionEnabled", "network.captive-portal-service.enabled",
                    "network.connectivity-service.enabled", "extensions.getAddons.cache.enabled"):
            settings.write('user_pref("%s", false);\n' % off)
        settings.write('user_pref("services.settings.server", "http://127.0.0.1:9/");\n')
    firefox = subprocess.Popen(
        ["firefox-esr", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", profile, "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    remote = Marionette(port)
    remote.command("WebDriver:NewSession", capabilities={})
    remote.command("Marionette:SetContext", value="chrome")
    while (time := remote.script(TIME)) is None:
        pass
    with open("/proc/%d/task/%d/schedstat" % (firefox.pid, firefox.pid), encoding="ascii") as schedule:
        busy = int(schedule.read().split()[0]) / 1e6
    with open("/proc/%d/maps" % firefox.pid, encoding="ascii", errors="replace") as maps:
        loaded = os.path.basename(module) in maps.read()
    remote.command("Marionette:Quit", flags=["eForceQuit"])
    firefox.wait()
    return (time, busy), loaded


def main():
    folder, module, pairs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    pairs_measured = []
    for pair in range(-1, pairs):  # the first warms up
        measured = {}
        for name in ("without", "with") if pair % 2 else ("with", "without"):
            measured[name], loaded = start(folder, name, module)
            if loaded != (name == "with"):
                sys.exit("bench: the module is %sin the process of the profile %s" % ("" if loaded else "not ", name))
        if pair >= 0:
            pairs_measured.append((measured["without"], measured["with"]))
    for i, what in enumerate(("windows restored", "the main thread's CPU till then")):
        differences = [pair[1][i] - pair[0][i] for pair in pairs_measured]
        quarters = statistics.quantiles(differences, n=4)
        print("%s: %.0f ms without the module, %+.0f ms with it (median of %d pairs; quarters %+.0f, %+.0f)" % (
            what, statistics.median(pair[0][i] for pair in pairs_measured), statistics.median(differences), pairs,
            quarters[0], quarters[2]))


main()
