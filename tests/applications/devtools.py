"""devtools: a page in Chromium, remote controlled by its DevTools protocol: JSON in WebSocket frames (RFC 6455)."""
import base64
import json
import os
import socket
import time
import urllib.request


class DevTools:
    def __init__(self, profile, seconds=60):
        """The first page of the Chromium that runs with this profile."""
        end = time.monotonic() + seconds
        while True:
            try:
                with open(os.path.join(profile, "DevToolsActivePort"), encoding="ascii") as file:
                    port = int(file.readline())
                self.port = port
                page = self.page()
                break
            except (OSError, ValueError, StopIteration):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self.count = 0
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.settimeout(60)
        self.file = self.socket.makefile("rb")
        path = page["webSocketDebuggerUrl"].split("/", 3)[3]
        self.socket.sendall(
            b"GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n"
            % (path.encode(), port, base64.b64encode(os.urandom(16)))
        )
        while self.file.readline().strip():
            pass

    def page(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open("http://127.0.0.1:%d/json/list" % self.port, timeout=10) as answer:
            return next(page for page in json.load(answer) if page["type"] == "page")

    def address(self):
        """Of the page that is there, not of the one that is being loaded: then scripts have to wait."""
        return self.page()["url"]

    def send(self, text):
        length = len(text)
        size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
        self.socket.sendall(b"\x81" + size + bytes(4) + text)  # masked, with zeroes

    def receive(self):
        text, last = b"", False
        while not last:
            head, length = self.file.read(2)
            length = int.from_bytes(self.file.read({126: 2, 127: 8}.get(length, 0)), "big") or length
            text += self.file.read(length)
            last = head & 0x80
        return json.loads(text)

    def command(self, name, **parameters):
        self.count += 1
        self.send(json.dumps({"id": self.count, "method": name, "params": parameters}).encode())
        while True:
            answer = self.receive()
            if answer.get("id") == self.count:
                return answer.get("result", {})

    def script(self, expression):
        return self.command("Runtime.evaluate", expression=expression, returnByValue=True).get("result", {}).get("value")
