"""Clients of python3-redis on a cluster that somebody else breaks, and their history as loam check reads it.

    chaos_clients.py HOST:PORT,... SECONDS HISTORY.edn [--clients N] [--keys N] [--rate N] [--seed X] [--password P]

Each client is a thread with one connection, to a node drawn anew whenever it breaks. Texts that are written differ from each other, and keys are of the seed. A write without an
answer, or with one that does not say "not applied", stays open (:info). Prints what was answered; exit code 1 if less than one write in ten was.
"""
import argparse
import itertools
import random
import sys
import threading
import time

try:
    import redis
except ImportError:
    print("SKIP: python3-redis is not installed")
    sys.exit(77)

WRITES = {"write": "SET", "append": "APPEND", "getset": "GETSET", "setnx": "SETNX", "del": "DEL", "incrby": "INCRBY"}
READS = {"read": "GET", "strlen": "STRLEN", "exists": "EXISTS"}
OF_STRINGS = ["read"] * 4 + ["strlen", "exists", "write", "write", "append", "getset", "setnx", "del"]
OF_COUNTERS = ["read", "incrby"]


def edn(value):
    if value is None:
        return "nil"
    return str(int(value)) if isinstance(value, int) else '"%s"' % value if not value.isdigit() else value


class History:
    """Events in the order of time: a list's append is one step of the interpreter."""

    def __init__(self):
        self.events = []

    def add(self, kind, process, word, key, value, told=""):
        self.events.append("{:index %%d, :time %d, :type :%s, :process %d, :f :%s, :value [%s %s]%s}"
                           % (time.monotonic_ns(), kind, process, word, edn(key), edn(value), told))

    def write(self, path):
        with open(path, "w", encoding="ascii") as out:
            out.writelines(event % index + "\n" for index, event in enumerate(self.events))


class Client:
    processes = itertools.count()

    def __init__(self, number, options, history):
        self.random = random.Random("%s %d" % (options.seed, number))
        self.options, self.history, self.number = options, history, number
        self.texts = ("%d.%d." % (number, i) for i in itertools.count())
        self.process, self.store = next(Client.processes), None
        self.answered = {"reads": 0, "writes": 0, "failed": 0, "open": 0}

    def connect(self):
        host, port = self.random.choice(self.options.nodes)
        self.store = redis.Redis(host, port, password=self.options.password, socket_timeout=5, socket_connect_timeout=1,
                                 decode_responses=True, max_connections=1)

    def draw(self):
        counter = self.random.random() < 0.25
        word = self.random.choice(OF_COUNTERS if counter else OF_STRINGS)
        key = "py%s:%s:%d" % (self.options.seed, "n" if counter else "s", self.random.randrange(self.options.keys))
        if word == "incrby":
            return word, key, self.random.randrange(1, 10)
        return word, key, next(self.texts) if word in ("write", "append", "getset", "setnx") else None

    def step(self):
        word, key, argument = self.draw()
        if self.store is None:
            self.connect()
        self.history.add("invoke", self.process, word, key, argument)
        try:
            name = WRITES.get(word) or READS[word]
            reply = self.store.execute_command(name, key, *([] if argument is None else [argument]))
        except redis.exceptions.ResponseError as error:
            self.end(word, key, argument, word in READS or "not applied" in str(error))
        except redis.exceptions.RedisError:
            self.store = None
            self.end(word, key, argument, word in READS)
        else:
            self.answered["reads" if word in READS else "writes"] += 1
            told = "" if word in ("read", "write") else ", :reply " + edn(reply)
            self.history.add("ok", self.process, word, key, reply if word == "read" else argument, told)

    def end(self, word, key, argument, is_undone):
        """Of a command without a result. An open one keeps its process for ever."""
        self.answered["failed" if is_undone else "open"] += 1
        self.history.add("fail" if is_undone else "info", self.process, word, key, argument)
        if not is_undone:
            self.process = next(Client.processes)

    def run(self, until):
        pause = self.options.clients / self.options.rate
        while time.monotonic() < until:
            due = time.monotonic() + pause
            self.step()
            time.sleep(max(0, due - time.monotonic()))


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nodes", type=lambda text: [address(part) for part in text.split(",")])
    parser.add_argument("seconds", type=float)
    parser.add_argument("history")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--keys", type=int, default=20, help="of each kind")
    parser.add_argument("--rate", type=float, default=300, help="commands a second of all clients")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--password")
    options = parser.parse_args()
    history = History()
    clients = [Client(i, options, history) for i in range(options.clients)]
    until = time.monotonic() + options.seconds
    threads = [threading.Thread(target=client.run, args=[until]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    history.write(options.history)
    total = {kind: sum(client.answered[kind] for client in clients) for kind in clients[0].answered}
    print("%(reads)d reads, %(writes)d writes answered, %(failed)d failed, %(open)d open" % total)
    sys.exit(1 if total["writes"] * 10 < total["writes"] + total["open"] + total["failed"] else 0)


if __name__ == "__main__":
    main()
