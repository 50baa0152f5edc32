"""screen: the windows on the display, and pictures of them where PODPIS_SCREENSHOTS names a folder for these."""
import os
import subprocess
import time


def windows(title):
    """Those that are shown with this title, an expression of xdotool's."""
    search = subprocess.run(
        ["xdotool", "search", "--onlyvisible", "--name", title], capture_output=True, text=True, check=False
    )
    return search.stdout.split()


def picture(name, title=None):
    """Of the window with this title, which is waited for; else of the whole screen."""
    folder = os.environ.get("PODPIS_SCREENSHOTS")
    if not folder:
        return
    end = time.monotonic() + 20
    while title and not windows(title) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1)  # until it is painted
    window = ["-window", windows(title)[0]] if title else ["-window", "root", "-trim"]
    subprocess.run(["import"] + window + ["+repage", "+dither", "-colors", "64", "PNG8:%s/%s" % (folder, name)], check=True)
