"""Seeded random steps for the differential test: a step is a tuple (kind, ...), the same for the same seed, whatever servers answer.

    ("call", args)          one command; may be pipelined with its neighbours
    ("inline", args)        the same, as an inline command
    ("scan", args)          SCAN with options, repeated until the cursor is 0; the set of keys counts
    ("expire", key, value)  SET PX 40, a pause, then reads: the key is gone, and soon not counted
    ("raw", data)           bytes, perhaps no commands, and the end of input; the answers up to the end of the connection count
"""
import random

from resp_wire import encode

KEYS = [b"a", b"b", b"c", b"key:1", b"key:2", b"key:10", b"user[1]", b"x*y", b"", b"\x00\xff\r\n", b"with space", b"back\\slash"]
INTEGERS = [b"0", b"1", b"-1", b"2", b"5", b"10", b"100", b"-7", b"9223372036854775807", b"-9223372036854775808"]
BAD_INTEGERS = [b"9223372036854775808", b"-9223372036854775809", b"abc", b"", b" 1", b"1 ", b"+1", b"01", b"-0", b"1.5", b"1e3", b"0x10", b"1\x00",
                b"99999999999999999999999"]
FLOATS = [b"0", b"1.5", b"-0.1", b"3.0", b"1e10", b"1e-5", b"0.1", b"-3.14159", b"123456789012345678", b"1e17", b"1e20", b"5e-324", b"0.000000000000000001",
          b"1e300", b"100", b"-1"]
BAD_FLOATS = [b"inf", b"-inf", b"nan", b"abc", b"", b" 1", b"1 ", b"1e5000", b"0x10", b"1.5x", b"--1", b"infinity", b"1\x00"]
OFFSETS = [b"0", b"1", b"2", b"5", b"20", b"100", b"1000", b"-1", b"-2", b"-100", b"536870912", b"4294967296"]
PATTERNS = [b"*", b"a", b"?", b"key:*", b"key:?", b"[ab]", b"[^a]*", b"[a-c]", b"user\\[1\\]", b"x\\**", b"*\\\\*", b"**", b"[", b"[z-a]", b"k[", b"*[^", b"",
            b"*space", b"nothing", b"\\", b"*:1*", b"[\\]a]", b"*\x00*"]
MAX_KEY_BYTES = 100000  # loam refuses keys over 128 KiB, by name; Redis takes 512 MiB
FAR_SECONDS = 4102444800  # the year 2100
RAW = [b"*x\r\n", b"*1048577000000\r\n", b"*1\r\n$x\r\n", b"*1\r\n$-5\r\n", b"*1\r\n:1\r\n", b"*1\r\nPING\r\n", b"*2\r\n$3\r\nGET\r\n+a\r\n", b"get \"a\r\n", b"get 'a'b\r\n",
       b"*\r\n", b"*1\r\n$\r\n", b"*01\r\n", b"*1\r\n$1000000000\r\n", b"*1\r\n\r\n\r\n", b"PING\r\n*-\r\n", b"set a \"\\x4\"1\r\n",
       b"PING\r\nQUIT\r\nPING\r\n", b"INCR a\r\nquit now\r\nINCR a\r\n",
       b'CLIENT SETNAME "a b"\r\nCLIENT SETNAME ab\r\nCLIENT GETNAME\r\nCLIENT FOO\r\nCLIENT\r\nCLIENT ID x\r\nRESET\r\nCLIENT GETNAME\r\n',
       b"CONFIG GET\r\nCONFIG\r\nCONFIG SET a\r\nCONFIG SET nosuch 1\r\nCONFIG GET nosuch\r\nCONFIG FOO\r\nAUTH\r\nAUTH x\r\nAUTH a b c\r\n",
       b"COMMAND FOO\r\nCOMMAND COUNT x\r\nCOMMAND INFO nosuch\r\nCOMMAND DOCS nosuch\r\nHELLO 3 FOO\r\nHELLO 2 SETNAME\r\nTIME x\r\nWAIT a 1\r\nWAIT 0 x\r\nDEBUG\r\n"]
UNKNOWN = [b"FOO", b"getx", b"s", b"SETT", b"", b"get ", b"\x01\x02", b"help me", b"x" * 200, b"line\r\nbreak"]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, percent):
        return self.random.randrange(1000) < percent * 10

    def pick(self, choices):
        return choices[self.random.randrange(len(choices))]

    def key(self):
        return self.pick(KEYS) if not self.chance(2) else b"k%d" % self.random.randrange(50)

    def integer(self):
        if self.chance(15):
            return self.pick(BAD_INTEGERS)
        return self.pick(INTEGERS) if self.chance(50) else b"%d" % self.random.randrange(-1000, 1000)

    def float(self):
        if self.chance(15):
            return self.pick(BAD_FLOATS)
        return self.pick(FLOATS) if self.chance(60) else b"%.3f" % self.random.uniform(-1000, 1000)

    def offset(self):
        if self.chance(8):
            return self.pick(BAD_INTEGERS)
        return self.pick(OFFSETS) if self.chance(30) else b"%d" % self.random.randrange(-40, 60)

    def bytes(self, size):
        return bytes(self.random.randrange(256) for _ in range(size))

    def value(self):
        choice = self.random.randrange(100)
        if choice < 30:
            return self.pick(INTEGERS)
        if choice < 45:
            return self.pick(FLOATS)
        if choice < 50:
            return self.pick(BAD_INTEGERS + BAD_FLOATS)
        if choice < 75:
            return b"text-%d" % self.random.randrange(100000)
        if choice < 95:
            return self.bytes(self.random.randrange(40))
        if choice < 99:
            return self.bytes(64) * self.random.randrange(1, 200)
        return self.bytes(997) * self.random.randrange(1, 1000)

    def seconds(self):
        """A time to live that is over already, or far from being over while the test runs; or no number at all."""
        choice = self.random.randrange(100)
        if choice < 70:
            return self.random.randrange(1000, 1000000)
        return self.pick([0, -1, -1000, 9223372036854775807, -9223372036854775808, 9223372036854775, 9223372036854776])

    def ttl(self, unit):
        if self.chance(8):
            return self.pick(BAD_INTEGERS)
        number = self.seconds()
        return b"%d" % (number * unit if number in range(1000, 1000000) else number)

    def moment(self, unit):
        if self.chance(8):
            return self.pick(BAD_INTEGERS)
        if self.chance(15):
            return self.pick([b"0", b"1", b"-1", b"1000000000", b"9223372036854775807", b"9223372036854775"])
        return b"%d" % ((FAR_SECONDS + self.random.randrange(1000000)) * unit)

    def expiry_option(self):
        name = self.pick([b"EX", b"PX", b"EXAT", b"PXAT"])
        unit = 1000 if name.startswith(b"P") else 1
        return [name, self.moment(unit) if name.endswith(b"AT") else self.ttl(unit)]

    def some_of(self, makers, percent):
        options = []
        for make in makers:
            if self.chance(percent):
                options += make()
        self.random.shuffle(options) if self.chance(5) else None
        return options


def word(text):
    return lambda: [text]


def set_(m):
    return [b"SET", m.key(), m.value()] + m.some_of([word(b"NX"), word(b"XX"), word(b"GET"), word(b"KEEPTTL"), m.expiry_option], 18)


def getex(m):
    return [b"GETEX", m.key()] + m.some_of([m.expiry_option, word(b"PERSIST")], 45)


def expire(m, name, argument):
    return [name, m.key(), argument] + m.some_of([word(b"NX"), word(b"XX"), word(b"GT"), word(b"LT")], 15)


def copy(m):
    options = m.some_of([word(b"REPLACE"), lambda: [b"DB", m.pick([b"0", b"0", b"1", b"-1", b"x", b"99", b"2147483647", b"2147483648", b"-9223372036854775808"])]], 35)
    return [b"COPY", m.key(), m.key()] + options


def pairs(m):
    return [item for _ in range(m.random.randrange(1, 5)) for item in (m.key(), m.value())]


def keys(m):
    return [m.key() for _ in range(m.random.randrange(1, 5))]


def flush(m):
    return [m.pick([b"FLUSHALL", b"FLUSHDB"])] + m.some_of([word(b"ASYNC"), word(b"SYNC"), word(b"NOW")], 25)


# (weight, what makes the arguments)
COMMANDS = [
    (14, set_),
    (12, lambda m: [b"GET", m.key()]),
    (4, lambda m: [b"SETNX", m.key(), m.value()]),
    (3, lambda m: [b"SETEX", m.key(), m.ttl(1), m.value()]),
    (2, lambda m: [b"PSETEX", m.key(), m.ttl(1000), m.value()]),
    (4, lambda m: [b"GETSET", m.key(), m.value()]),
    (4, lambda m: [b"GETDEL", m.key()]),
    (5, getex),
    (4, lambda m: [b"MGET"] + keys(m)),
    (4, lambda m: [b"MSET"] + pairs(m)),
    (3, lambda m: [b"MSETNX"] + pairs(m)),
    (4, lambda m: [b"DEL"] + keys(m)),
    (2, lambda m: [b"UNLINK"] + keys(m)),
    (4, lambda m: [b"EXISTS"] + keys(m)),
    (6, lambda m: [b"APPEND", m.key(), m.value()]),
    (4, lambda m: [b"STRLEN", m.key()]),
    (5, lambda m: [b"GETRANGE", m.key(), m.offset(), m.offset()]),
    (5, lambda m: [b"SETRANGE", m.key(), m.offset(), m.value()]),
    (4, lambda m: [b"INCR", m.key()]),
    (3, lambda m: [b"DECR", m.key()]),
    (5, lambda m: [b"INCRBY", m.key(), m.integer()]),
    (4, lambda m: [b"DECRBY", m.key(), m.integer()]),
    (7, lambda m: [b"INCRBYFLOAT", m.key(), m.float()]),
    (4, lambda m: expire(m, b"EXPIRE", m.ttl(1))),
    (4, lambda m: expire(m, b"PEXPIRE", m.ttl(1000))),
    (3, lambda m: expire(m, b"EXPIREAT", m.moment(1))),
    (3, lambda m: expire(m, b"PEXPIREAT", m.moment(1000))),
    (4, lambda m: [m.pick([b"TTL", b"PTTL", b"EXPIRETIME", b"PEXPIRETIME"]), m.key()]),
    (3, lambda m: [b"PERSIST", m.key()]),
    (3, lambda m: [b"TYPE", m.key()]),
    (3, lambda m: [b"KEYS", m.pick(PATTERNS)]),
    (2, lambda m: [b"EXISTS"] + KEYS),
    (2, lambda m: [b"RANDOMKEY"]),
    (4, lambda m: [b"RENAME", m.key(), m.key()]),
    (4, lambda m: [b"RENAMENX", m.key(), m.key()]),
    (5, copy),
    (1, flush),
    (1, lambda m: [b"PING"] + m.some_of([word(b"hi"), word(b"\x00")], 30)),
    (1, lambda m: [b"ECHO", m.value()]),
    (1, lambda m: [b"SELECT", m.pick([b"0", b"1", b"-1", b"x", b"", b"-2147483648", b"-2147483649"])]),
    (1, lambda m: [b"HELLO", m.pick([b"4", b"1", b"x", b"-3"])]),
    (1, lambda m: [m.pick(UNKNOWN)] + m.some_of([m.key_word, m.key_word, m.key_word], 50)),
]
WEIGHTS = [weight for weight, _ in COMMANDS]
Maker.key_word = lambda self: [self.value()]


def damage(m, args):
    """A wrong number of arguments, or one that does not belong there."""
    args = list(args)
    choice = m.random.randrange(4)
    if choice == 0 and len(args) > 1:
        del args[m.random.randrange(1, len(args))]
        args = [arg[:MAX_KEY_BYTES] for arg in args]
    elif choice == 1:
        args.insert(m.random.randrange(1, len(args) + 1), m.value()[:MAX_KEY_BYTES])
    elif choice == 2 and len(args) > 1:
        args[m.random.randrange(1, len(args))] = m.pick(BAD_INTEGERS + BAD_FLOATS + [b"NX", b"GET", b"EX"])
    else:
        args = args[:1]
    return args


def any_case(m, name):
    choice = m.random.randrange(4)
    if choice == 0:
        return name.lower()
    if choice == 1:
        return bytes(b ^ 0x20 if chr(b).isalpha() and m.chance(50) else b for b in name)
    return name


def scan_options(m):
    options = []
    if m.chance(40):
        options += [b"MATCH", m.pick(PATTERNS)]
    if m.chance(40):
        options += [b"COUNT", m.pick([b"1", b"2", b"10", b"1000", b"0", b"-1", b"x"])]
    if m.chance(25):
        options += [b"TYPE", m.pick([b"string", b"STRING", b"list", b"nothing"])]
    if m.chance(5):
        options += [m.pick([b"MATCH", b"JUNK", b"COUNT"])]
    return options


def raw_bytes(m):
    """Known protocol errors, or a few commands with up to two bytes changed (no NUL: Redis would wait for more)."""
    if m.chance(40):
        return m.pick(RAW)
    data = b""
    for _ in range(m.random.randrange(1, 4)):
        args = [m.pick([b"PING", b"ECHO", b"SET", b"GET", b"INCR"])]
        args += [bytes(m.random.choices(b"ab1 \"'\\x4", k=m.random.randrange(5))) for _ in range(m.random.randrange(3))]
        data += b" ".join(args) + m.pick([b"\r\n", b"\n"]) if m.chance(33) else encode(args)
    for _ in range(m.random.randrange(3)):
        at = m.random.randrange(len(data))
        new = bytes(m.random.choices(b"*$:\r\n0123456789-+ \"'xPG", k=m.random.randrange(3)))
        data = data[:at] + new + data[at + 1 :]
    return data or b"\n"


def one_step(m):
    choice = m.random.randrange(1000)
    if choice < 25:
        return ("scan", scan_options(m))
    if choice < 28:
        return ("expire", m.key(), m.value())
    if choice < 38:
        return ("raw", raw_bytes(m))
    if choice < 40:
        return ("call", [b"SCAN", m.pick([b"x", b" 0", b"18446744073709551616", b"1.5"])] + scan_options(m))
    args = m.random.choices(COMMANDS, WEIGHTS)[0][1](m)
    if choice >= 920:
        args = damage(m, args)
    args[0] = any_case(m, args[0])
    inline = choice < 120 and all(len(arg) < 500 for arg in args)
    return ("inline" if inline else "call", args)


def steps(seed, count):
    """The first `count` steps of a seed; a DBSIZE comes behind a whole SCAN, since Redis counts what expired until somebody looks."""
    m = Maker(seed)
    made = []
    while len(made) < count:
        made.append(one_step(m))
        if m.chance(1.5):
            made.append(("scan", []))
            made.append(("call", [b"DBSIZE"]))
    return made[:count]
