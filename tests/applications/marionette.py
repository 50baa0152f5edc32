"""marionette: Firefox, remote controlled by Marionette's protocol: JSON over TCP, a length before each message."""
import json
import socket
import time


class Refused(Exception):
    """Firefox's answer is an error: its name, then the message."""


class Marionette:
    def __init__(self, port, seconds=60):
        end = time.monotonic() + seconds
        self.rest = b""
        self.count = 0
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), 5)
                self.socket.settimeout(120)
                self.receive()
                return
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def more(self):
        piece = self.socket.recv(1 << 16)
        if not piece:
            raise ConnectionError("Firefox has closed the connection")
        self.rest += piece

    def receive(self):
        while b":" not in self.rest:
            self.more()
        length, self.rest = self.rest.split(b":", 1)
        while len(self.rest) < int(length):
            self.more()
        message, self.rest = self.rest[: int(length)], self.rest[int(length) :]
        return json.loads(message)

    def command(self, name, **parameters):
        self.count += 1
        message = json.dumps([0, self.count, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        while True:
            kind, number, error, result = self.receive()
            if (kind, number) == (1, self.count):
                break
        if error:
            raise Refused("%s: %s" % (error["error"], error["message"]))
        return result

    def script(self, text, *arguments, sandbox="system"):
        """Runs the text as a function's body; what it returns. "default": with the page's own rights."""
        return self.command("WebDriver:ExecuteScript", script=text, args=arguments, sandbox=sandbox, newSandbox=False)["value"]
