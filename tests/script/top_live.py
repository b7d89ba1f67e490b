#!/usr/bin/python3
"""loam top on a terminal of its own: top_live.py LOAM PORT. What it shows is looked for, keys are pressed, and the terminal is left as it was."""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


class Terminal:
    def __init__(self, loam, words, rows=30, columns=120):
        self.child, self.file = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            os.execv(loam, [loam, "top"] + words)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.shown = b""

    def until(self, words):
        """What was shown from now on until these words came."""
        self.shown, end = b"", time.monotonic() + 20
        while words not in self.shown:
            assert time.monotonic() < end, (words, self.shown)
            if select.select([self.file], [], [], 0.1)[0]:
                self.shown += os.read(self.file, 65536)
        return self.shown

    def press(self, key):
        os.write(self.file, key)

    def end(self):
        rest = b""
        try:
            while True:
                rest += os.read(self.file, 65536)
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1]), rest


BACK = b"\033[?1049l"  # the screen that was there before


def main(loam, port):
    address = "127.0.0.1:" + port
    terminal = Terminal(loam, [address, "--interval", "100"])
    terminal.until(b"1 of 1 nodes answer")
    terminal.until(b"\033[1;")  # another second: the clock in the first row
    terminal.press(b"p")
    terminal.until(b"PAUSED")
    terminal.press(b"p+-q")
    code, rest = terminal.end()
    assert code == 0 and BACK in rest, (code, rest)
    terminal = Terminal(loam, [address])
    terminal.until(b"leads")
    os.kill(terminal.child, signal.SIGTERM)
    code, rest = terminal.end()
    assert code == 0 and BACK in rest, (code, rest)
    os.environ["TERM"] = "nothing-of-that"
    terminal = Terminal(loam, ["127.0.0.1:1", "--interval", "100"], 5, 20)
    terminal.until(b"loam top")
    terminal.press(b"q")
    assert terminal.end()[0] == 0


main(sys.argv[1], sys.argv[2])
