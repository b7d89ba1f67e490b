"""RESP on a raw socket, for tests: commands out, replies in as the very bytes that the server sent (RESP2 and RESP3)."""
import socket


class Closed(Exception):
    """The server closed the connection, or did not answer in time."""


def encode(args):
    parts = [b"*%d\r\n" % len(args)]
    for arg in args:
        parts.append(b"$%d\r\n%s\r\n" % (len(arg), arg))
    return b"".join(parts)


def quote(arg):
    """One argument as redis-cli and inline commands take it."""
    if arg and all(0x21 <= byte <= 0x7E and byte not in b"\"'\\" for byte in arg):
        return arg.decode()
    return '"' + "".join(chr(b) if 0x20 <= b <= 0x7E and b not in b'"\\' else "\\x%02x" % b for b in arg) + '"'


class Wire:
    def __init__(self, port, timeout=10.0):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.position = 0

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from error

    def _fill(self):
        try:
            data = self.socket.recv(1 << 16)
        except socket.timeout as error:
            raise Closed("no answer in time") from error
        except OSError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("closed by the server")
        self.buffer += data

    def _line(self):
        while True:
            end = self.buffer.find(b"\r\n", self.position)
            if end >= 0:
                line = self.buffer[self.position : end]
                self.position = end + 2
                return line
            self._fill()

    def _skip(self, count):
        while len(self.buffer) < self.position + count:
            self._fill()
        self.position += count

    def _element(self):
        """Steps over one reply; an attribute counts as part of the reply behind it."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind in b"$!=":
            if int(rest) >= 0:
                self._skip(int(rest) + 2)
        elif kind in b"*~>%|":
            count = max(int(rest), 0) * (2 if kind in b"%|" else 1)
            for _ in range(count):
                self._element()
            if kind == b"|":
                self._element()
        elif kind not in b"+-:_#,(":
            raise Closed("not a reply: %r" % line[:40])

    def reply(self):
        """The bytes of the next reply."""
        self._element()
        data = self.buffer[: self.position]
        self.buffer = self.buffer[self.position :]
        self.position = 0
        return data

    def until_closed(self):
        """Everything up to the end of the connection."""
        try:
            while True:
                self._fill()
        except Closed as closed:
            return self.buffer, str(closed)

    def call(self, *args):
        self.send(encode(args))
        return self.reply()


def bulk_elements(reply):
    """The texts of an array, set or map of bulk strings; None when the reply is something else."""
    if reply[:1] not in b"*~":
        return None
    end = reply.index(b"\r\n")
    texts, at = [], end + 2
    for _ in range(int(reply[1:end])):
        if reply[at : at + 1] != b"$":
            return None
        end = reply.index(b"\r\n", at)
        size = int(reply[at + 1 : end])
        texts.append(reply[end + 2 : end + 2 + size])
        at = end + 4 + size
    return texts
