"""screen: pictures of the display, where PODPIS_SCREENSHOTS names a folder for them."""
import os
import subprocess


def picture(name):
    folder = os.environ.get("PODPIS_SCREENSHOTS")
    if folder:
        subprocess.run(
            ["import", "-window", "root", "-trim", "+repage", "-colors", "64", "PNG8:%s/%s" % (folder, name)], check=True
        )
