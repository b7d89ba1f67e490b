#!/usr/bin/python3
"""The same seeded random commands to redis-server 7.0 and to another server: replies are the same, byte for byte.

    differential.py --subject COMMAND [--nodes 3] [--seed S] [--seeds N] [--steps N] [--protocol 2|3] [--plant NAME]

COMMAND starts the server under test: {port} and {dir} are replaced; "redis" stands for a second redis-server. With --nodes, COMMAND is a loamd that
is started so often as a cluster, and every batch of commands, every page of a SCAN, goes to the next node. What may differ:
    KEYS, SCAN     order, and SCAN's cursor: the set of keys of a whole iteration counts
    RANDOMKEY      which key: it must exist on both
    TTL, EXPIRETIME (and with P): 3 seconds
    HELLO          what the server says of itself, not whether it does
    DBSIZE         counts a key that expired until it is gone from the disk: at most 5 seconds
Keys are at most 100 KB (loam refuses over 128 KiB), values at most 1 MB. Everything else may not differ. A failure prints the seed, the
shortest prefix of its steps that fails, a still shorter list of steps that does, and the command that replays it. Exit code: 0 no difference,
1 a difference, 2 the test could not be run.
"""
import argparse
import fcntl
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from differential_steps import KEYS, steps
from resp_wire import Closed, Wire, bulk_elements, encode, quote

PORTS = range(17600, 18000)
TOLERANCE = {b"TTL": 3, b"PTTL": 3000, b"EXPIRETIME": 3, b"PEXPIRETIME": 3000}
START_SECONDS = 20
SHRINK_SECONDS = 30
REAP_SECONDS = 5


held_ports = []  # lock files: a port is this process' own until it ends, also while no server listens on it


def take_port(port):
    """True if nobody listens on it and no other test has it: several run at once."""
    lock = open(os.path.join(tempfile.gettempdir(), "loam-test-port-%d" % port), "w", encoding="ascii")
    probe = socket.socket()
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        probe.bind(("127.0.0.1", port))
    except OSError:
        lock.close()
        return False
    finally:
        probe.close()
    held_ports.append(lock)
    return True


def free_ports(count):
    """Ports of the range that are this process' alone."""
    ports = []
    for port in PORTS:
        if take_port(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError("fewer than %d free ports in %d..%d" % (count, PORTS[0], PORTS[-1]))


class Process:
    """A process with a log of its own."""

    def __init__(self, words, log_path):
        self.words, self.log_path = words, log_path
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def ended(self):
        return self.popen.poll() is not None

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read()[-4000:].decode(errors="replace")

    def stop(self):
        if self.ended():
            return
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Server:
    """What answers on loopback ports: one process, or the nodes of a cluster; with a folder of its own."""

    def __init__(self, command, nodes=1):
        self.dir = tempfile.mkdtemp(prefix="differential-")
        self.processes, self.ports = [], []
        try:
            if nodes > 1:
                self.start_cluster(command, nodes)
            else:
                self.start_one(command)
            self.wait_until_it_serves()
        except BaseException:
            self.stop()
            raise

    def start_one(self, command):
        if command == "redis":
            command = "redis-server --port {port} --bind 127.0.0.1 --dir {dir} --save '' --appendonly no --databases 1"
        self.ports = free_ports(1)
        words = [word.format(port=self.ports[0], dir=self.dir) for word in shlex.split(command)]
        self.processes.append(Process(words, os.path.join(self.dir, "log")))

    def start_cluster(self, program, nodes):
        ports = free_ports(2 * nodes)
        self.ports, peers = ports[:nodes], ports[nodes:]
        members = ",".join("%d@127.0.0.1:%d@%d" % (i + 1, peers[i], self.ports[i]) for i in range(nodes))
        for i in range(nodes):
            folder, log = os.path.join(self.dir, "node-%d" % (i + 1)), os.path.join(self.dir, "log-%d" % (i + 1))
            words = shlex.split(program) + ["--dir", folder, "--listen", "127.0.0.1:%d" % self.ports[i], "--cluster", members, "--node-id", str(i + 1)]
            init = Process(words + ["--init"], log)
            if init.popen.wait(START_SECONDS) != 0:
                raise RuntimeError("%s --init failed; it said:\n%s" % (program, init.log()))
            self.processes.append(Process(words, log))

    def serves(self, port):
        try:
            wire = Wire(port, 2.0)
            answer = wire.call(b"SET", b"differential", b"1")
            wire.close()
            return answer == b"+OK\r\n"
        except (OSError, Closed):
            return False

    def wait_until_it_serves(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and not self.ended():
            if all(self.serves(port) for port in self.ports):
                return
            time.sleep(0.02)
        raise RuntimeError("%s does not serve; it said:\n%s" % (self.processes[0].words[0], self.processes[0].log()))

    def ended(self):
        return [process for process in self.processes if process.ended()]

    def stop(self):
        for process in self.processes:
            process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def plant_nothing(args):
    return args


def plant_persist(args):
    """PERSIST looks at the key and does nothing."""
    return [b"EXISTS"] + args[1:] if args[0].upper() == b"PERSIST" and len(args) == 2 else args


def plant_overflow(args):
    """DECRBY by the smallest number gives the next one's error text."""
    return [b"DECRBY", args[1], b"9223372036854775808"] if args[0].upper() == b"DECRBY" and args[2:] == [b"-9223372036854775808"] else args


def plant_append(args):
    """APPEND of nothing makes no key."""
    return [b"STRLEN", args[1]] if args[0].upper() == b"APPEND" and args[2:] == [b""] else args


PLANTS = {"": plant_nothing, "persist": plant_persist, "overflow": plant_overflow, "append": plant_append}


class Difference(Exception):
    def __init__(self, index, step, expected, got):
        super().__init__(index)
        self.index, self.step, self.expected, self.got = index, step, expected, got


class Side:
    """One server in one run: a connection to each node, and what is changed on the way to it (a planted difference)."""

    def __init__(self, server, protocol, plant):
        self.server, self.protocol, self.plant = server, protocol, plant
        self.wires = [None] * len(server.ports)
        self.turn = 0
        for _ in server.ports:
            self.connect()
            self.next_node()

    @property
    def wire(self):
        return self.wires[self.turn]

    def next_node(self):
        self.turn = (self.turn + 1) % len(self.wires)

    def connect(self):
        if self.wire:
            self.wire.close()
        self.wires[self.turn] = Wire(self.server.ports[self.turn])
        if self.protocol == 3:
            hello = self.wire.call(b"HELLO", b"3")
            if hello[:1] != b"%":
                raise RuntimeError("HELLO 3 gave %r" % hello[:200])

    def close(self):
        for wire in self.wires:
            if wire:
                wire.close()

    def send(self, step):
        args = self.plant(step[1])
        self.wire.send(" ".join(quote(arg) for arg in args).encode() + b"\r\n" if step[0] == "inline" else encode(args))

    def reply(self):
        """The reply's bytes, or words for a connection that ended."""
        try:
            return self.wire.reply()
        except Closed as closed:
            return str(closed)

    def call(self, *args):
        try:
            return self.wire.call(*args)
        except Closed as closed:
            return str(closed)

    def scan(self, options):
        """All keys of a whole iteration, or the first reply that is no page of one."""
        cursor, found = b"0", set()
        for _ in range(10000):
            reply = self.call(b"SCAN", cursor, *options)
            self.next_node()
            if isinstance(reply, str) or reply[:4] != b"*2\r\n":
                return reply
            cursor_end = reply.index(b"\r\n", 4)
            size = int(reply[5:cursor_end])
            cursor = reply[cursor_end + 2 : cursor_end + 2 + size]
            found.update(bulk_elements(reply[cursor_end + 4 + size :]))
            if cursor == b"0":
                return sorted(found)
        return "SCAN does not end"

    def expire(self, key, value):
        """A key whose time passes: absent at once, and soon not counted either."""
        self.call(b"DEL", key)
        self.scan([])  # Redis counts what expired until somebody looks
        count = self.call(b"DBSIZE")
        made = self.call(b"SET", key, value, b"PX", b"40")
        time.sleep(0.06)
        self.next_node()
        answers = [made] + [self.call(*args) for args in ((b"GET", key), (b"TTL", key), (b"EXISTS", key))]
        deadline = time.monotonic() + REAP_SECONDS
        while self.call(b"DBSIZE") != count and time.monotonic() < deadline:
            time.sleep(0.02)
        return answers + [self.call(b"DBSIZE")]

    def raw(self, data):
        self.wire.send(data)
        try:
            self.wire.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = self.wire.until_closed()
        self.connect()
        return answer


def is_integer(reply):
    return isinstance(reply, bytes) and reply[:1] == b":"


def same(sides, step, expected, got):
    """Is `got` as good an answer as `expected`?"""
    if expected == got:
        return True
    if step[0] not in ("call", "inline") or isinstance(expected, str) or isinstance(got, str):
        return False
    name = step[1][0].upper()
    if name == b"KEYS":
        first, second = bulk_elements(expected), bulk_elements(got)
        return first is not None and second is not None and sorted(first) == sorted(second)
    if name in TOLERANCE and is_integer(expected) and is_integer(got):
        a, b = int(expected[1:]), int(got[1:])
        return a >= 0 and b >= 0 and abs(a - b) <= TOLERANCE[name]
    if name == b"HELLO":
        return expected[:4] == got[:4] and expected[:1] in b"*%"
    if name == b"RANDOMKEY" and expected[:1] == b"$" and got[:1] == b"$":
        keys = bulk_elements(b"*1\r\n" + expected) + bulk_elements(b"*1\r\n" + got)
        return all(side.call(b"EXISTS", *keys) == b":2\r\n" for side in sides)
    return False


def run_alone(side, step):
    return side.scan(step[1]) if step[0] == "scan" else side.expire(step[1], step[2]) if step[0] == "expire" else side.raw(step[1])


def batches(todo, pipeline):
    """(index, steps) of what is sent at once; steps that are more than one command go alone, RANDOMKEY too, since its judge asks again."""
    begin = 0
    while begin < len(todo):
        end = begin + 1
        width = 1 + (begin * 7919 + len(todo)) % pipeline

        def joins(step):
            return step[0] in ("call", "inline") and step[1][0].upper() != b"RANDOMKEY"

        while joins(todo[begin]) and end < len(todo) and end - begin < width and joins(todo[end]):
            end += 1
        yield begin, todo[begin:end]
        begin = end


def run(servers, todo, options):
    """Raises Difference at the first step whose answers differ."""
    sides = [Side(servers[0], options.protocol, plant_nothing), Side(servers[1], options.protocol, PLANTS[options.plant])]
    try:
        for side in sides:
            if side.call(b"FLUSHALL") != b"+OK\r\n":
                raise RuntimeError("FLUSHALL failed")
        for begin, batch in batches(todo, options.pipeline):
            for side in sides:
                side.next_node()
            if batch[0][0] in ("call", "inline"):
                answers = []
                for side in sides:
                    for step in batch:
                        side.send(step)
                    answers.append([side.reply() for _ in batch])
            else:
                answers = [[run_alone(side, batch[0])] for side in sides]
            for offset, step in enumerate(batch):
                if not same(sides, step, answers[0][offset], answers[1][offset]):
                    raise Difference(begin + offset, step, answers[0][offset], answers[1][offset])
    finally:
        for side in sides:
            side.close()


def differs(servers, todo, options):
    try:
        run(servers, todo, options)
    except (Difference, Closed):
        return True
    return False


def shrink(servers, todo, options):
    """Leaves out halves, quarters, ... single steps, as long as a difference remains and time is left."""
    deadline = time.monotonic() + SHRINK_SECONDS
    size = max(1, len(todo) // 2)
    while time.monotonic() < deadline:
        shorter = None
        for begin in range(0, len(todo), size):
            candidate = todo[:begin] + todo[begin + size :]
            if candidate and time.monotonic() < deadline and differs(servers, candidate, options):
                shorter = candidate
                break
        if shorter:
            todo = shorter
        elif size == 1:
            break
        else:
            size = max(1, size // 2)
    return todo


def show(answer):
    text = repr(answer)
    return text if len(text) <= 300 else "%s ... (%d characters)" % (text[:300], len(text))


def show_step(step):
    if step[0] in ("call", "inline"):
        text = " ".join(quote(arg) for arg in step[1])
    elif step[0] == "scan":
        text = "SCAN 0 %s (to its end)" % " ".join(quote(arg) for arg in step[1])
    elif step[0] == "expire":
        text = "DEL %s, DBSIZE, SET %s %s PX 40, 60 ms later GET, TTL, EXISTS, DBSIZE" % (quote(step[1]), quote(step[1]), quote(step[2]))
    else:
        text = "bytes %r" % step[1]
    return text if len(text) <= 400 else text[:400] + " ... (%d characters)" % len(text)


def report(servers, seed, todo, found, options):
    prefix = todo[: found.index + 1]
    print("difference: seed %d, protocol %d, step %d: %s" % (seed, options.protocol, found.index, show_step(found.step)))
    print("  redis says:   %s" % show(found.expected))
    print("  subject says: %s" % show(found.got))
    shortest = shrink(servers, prefix, options)
    print("  shortest prefix: %d steps; %d of them are enough:" % (len(prefix), len(shortest)))
    for step in shortest[-25:]:
        print("    %s" % show_step(step))
    try:
        run(servers, shortest, options)
    except Difference as again:
        print("  redis says:   %s" % show(again.expected))
        print("  subject says: %s" % show(again.got))
    arguments = "--subject %s --seed %d --steps %d --protocol %d" % (shlex.quote(options.subject), seed, len(prefix), options.protocol)
    if options.nodes > 1:
        arguments += " --nodes %d" % options.nodes
    if options.plant:
        arguments += " --plant %s" % options.plant
    if options.pipeline != 16:
        arguments += " --pipeline %d" % options.pipeline
    print("  replay: %s %s" % (sys.argv[0], arguments))
    for process in servers[1].ended():
        print("  the subject ended with %d; it said:\n%s" % (process.popen.returncode, process.log()))


def redis_version():
    try:
        text = subprocess.run(["redis-server", "--version"], capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return None
    return text.split("v=")[1].split()[0] if "v=" in text else None


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--nodes", type=int, default=1, help="a cluster of so many")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=500, help="of each seed")
    parser.add_argument("--protocol", type=int, choices=(2, 3), default=2)
    parser.add_argument("--pipeline", type=int, default=16, help="commands that are sent at once, at most")
    parser.add_argument("--plant", choices=sorted(PLANTS), default="", help="a difference on purpose, to see it found")
    parser.add_argument("--go-on", action="store_true", help="report every seed that fails, not only the first")
    return parser.parse_args()


def run_seeds(servers, options):
    failed = []
    for seed in range(options.seed, options.seed + options.seeds):
        todo = steps(seed, options.steps)
        try:
            run(servers, todo, options)
        except Difference as found:
            report(servers, seed, todo, found, options)
            failed.append(seed)
        except Closed as closed:
            report(servers, seed, todo, Difference(len(todo) - 1, todo[-1], "", str(closed)), options)
            failed.append(seed)
        if failed and not options.go_on:
            break
        if servers[1].ended():
            break
    return failed


def main():
    options = parse_options()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(2))  # so that the servers are stopped
    version = redis_version()
    if not version or not version.startswith("7.0."):
        print("SKIP: redis-server 7.0 is not installed" + (" (found %s)" % version if version else ""))
        return 2
    servers = []
    try:
        servers.append(Server("redis"))
        servers.append(Server(options.subject, options.nodes))
        failed = run_seeds(servers, options)
    except RuntimeError as error:
        print("cannot run: %s" % error)
        return 2
    finally:
        for server in servers:
            server.stop()
    if failed:
        print("seeds that differ: %s" % " ".join(map(str, failed)))
        return 1
    print("%d seeds of %d steps, protocol %d, redis %s: no difference" % (options.seeds, options.steps, options.protocol, version))
    return 0


if __name__ == "__main__":
    sys.exit(main())
