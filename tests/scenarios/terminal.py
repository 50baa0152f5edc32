#!/usr/bin/env python3
"""A person at a terminal: runs a command on a terminal of its own and answers what it asks there.

  terminal.py PROMPT=ANSWER... -- COMMAND...

Each answer is typed when its prompt has appeared, and only where the terminal does not show what is typed.
^C and ^D are the keys; TERM sends that signal in place of an answer. What was on the screen goes to standard
output. The exit status is the command's, 128 and the signal's number when one ended it; 99 when a prompt did
not come, was answered with the echo on, or left the terminal without its echo.
"""
import fcntl
import os
import select
import signal
import sys
import termios
import time

PATIENCE = 60
KEYS = {"^C": b"\x03", "^D": b"\x04"}


def echoes(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def read_some(master, seconds):
    """What appears on the screen within that time; None when nothing can appear any more."""
    if not select.select([master], [], [], seconds)[0]:
        return b""
    try:
        return os.read(master, 4096) or None
    except OSError:
        return None


def complain(screen, text):
    sys.stdout.buffer.write(screen)
    print(text, file=sys.stderr)
    sys.exit(99)


def main():
    split = sys.argv.index("--")
    steps = [step.rsplit("=", 1) for step in sys.argv[1:split]]
    master, slave = os.openpty()
    child = os.fork()
    if child == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.closerange(3, 64)
        os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
    screen, seen = b"", 0
    for prompt, answer in steps:
        deadline = time.monotonic() + PATIENCE
        while prompt.encode() not in screen[seen:]:
            more = read_some(master, 0.2)
            if more:
                screen += more
            elif time.monotonic() > deadline or os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                complain(screen, f"no question: {prompt}")
        seen = screen.index(prompt.encode(), seen) + len(prompt.encode())
        # The echo goes off just after the prompt is written.
        while echoes(slave):
            if time.monotonic() > deadline:
                complain(screen, f"what is typed can be seen: {prompt}")
            time.sleep(0.01)
        if answer == "TERM":
            os.kill(child, signal.SIGTERM)
        else:
            os.write(master, KEYS.get(answer, answer.encode() + b"\n"))
    deadline = time.monotonic() + PATIENCE
    while not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        screen += read_some(master, 0.05) or b""
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            complain(screen, "the command does not end")
    while more := read_some(master, 0):
        screen += more
    if not echoes(slave):
        complain(screen, "the terminal is left without its echo")
    sys.stdout.buffer.write(screen)
    status = os.waitpid(child, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


sys.exit(main())
