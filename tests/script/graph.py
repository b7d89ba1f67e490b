#!/usr/bin/python3
"""Graphs from outside: a running loamd is told GRAPH.* commands.

    graph.py races --build DIR       clients of three nodes change one graph at once: no update is lost, none is made twice, also when the leader is killed
    graph.py ends --build DIR        a long query ends with its client, with its time, with its memory; others go on meanwhile
    graph.py client --build DIR      redis-py's r.graph() against the server

Exit code: 0 all is well, 1 not, 2 the test could not be run, 77 something that it needs is not installed.
"""
import argparse
import signal
import sys
import threading
import time

from differential import Server
from resp_wire import Closed, Wire
from series import Failed, equal, show, start

CLIENTS, ROUNDS, WAIT_SECONDS = 6, 50, 20


def query(wire, text, *more, command=b"GRAPH.QUERY", name=b"g"):
    return show(wire.call(command, name, text.encode(), *more))[0]


def number(wire, text):
    """The one integer that a query returns."""
    answer = query(wire, text, command=b"GRAPH.RO_QUERY")
    try:
        return int(answer.split("[[:")[1].split("]")[0])
    except (IndexError, ValueError):
        raise Failed("%s: %s" % (text, answer)) from None


# --- many writers ---------------------------------------------------------------------------------------------------------------


class Writer(threading.Thread):
    """Adds one to a counter and appends to a list, again and again; counts what was acknowledged."""

    def __init__(self, ports, first):
        super().__init__(daemon=True)
        self.ports, self.at = ports, first
        self.done = self.unknown = 0
        self.strange = None

    def run(self):
        wire = None
        while self.done + self.unknown < ROUNDS and self.strange is None:
            try:
                wire = wire or Wire(self.ports[self.at % len(self.ports)], 10.0)
                answer = query(wire, "MATCH (c:Counter) SET c.n = c.n + 1 CREATE (c)-[:MADE]->(:Step {n: c.n})")
            except (Closed, OSError):
                self.unknown += wire is not None
                wire, self.at = None, self.at + 1
                continue
            if "Relationships created: 1" in answer:
                self.done += 1
            elif answer.startswith("-UNKNOWN"):
                self.unknown += 1
            elif not answer.startswith(("-TRYAGAIN", "-CLUSTERDOWN")):
                self.strange = answer


def leader_of(server):
    for at, port in enumerate(server.ports):
        wire = Wire(port)
        leads = b"raft_role:leader" in wire.call(b"INFO", b"raft")
        wire.close()
        if leads:
            return at
    return None


def races(options):
    server = Server("%s/loamd" % options.build, nodes=3)
    try:
        wire = Wire(server.ports[0])
        query(wire, "CREATE (:Counter {n: 0})")
        writers = [Writer(server.ports, i) for i in range(CLIENTS)]
        for writer in writers:
            writer.start()
        wait_for(lambda: sum(w.done for w in writers) >= 50, "the writers write")
        killed = leader_of(server)
        if killed is not None:
            server.processes[killed].popen.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join(60)
        survivor = Wire(server.ports[(killed or 0) + 1 if (killed or 0) + 1 < 3 else 0])
        done, unknown = sum(w.done for w in writers), sum(w.unknown for w in writers)
        strange = [w.strange for w in writers if w.strange]
        if strange:
            raise Failed("an answer of no kind that was expected: %s" % strange[0])
        counter = number(survivor, "MATCH (c:Counter) RETURN c.n")
        steps = number(survivor, "MATCH (s:Step) RETURN count(s)")
        numbers = number(survivor, "MATCH (s:Step) RETURN count(DISTINCT s.n)")
        out = number(survivor, "MATCH (c:Counter)-[:MADE]->(s) RETURN count(s)")
        back = number(survivor, "MATCH (s:Step)<-[r]-(:Counter) RETURN count(r)")
        print("%d acknowledged, %d of unknown outcome; counter %d, %d steps, %d numbers, edges %d out and %d in" % (done, unknown, counter, steps, numbers, out, back))
        if not done <= counter <= done + unknown or {steps, numbers, out, back} != {counter} or done < CLIENTS * ROUNDS / 2:
            raise Failed("updates were lost or made twice")
    finally:
        server.stop()


# --- how a query ends -----------------------------------------------------------------------------------------------------------

ENDLESS = "MATCH (a:N), (b:N), (c:N), (d:N) RETURN count(*)"
ENDLESS_WRITE = "MATCH (a:N), (b:N), (c:N), (d:N) WHERE a.n + b.n + c.n + d.n < 0 CREATE (:Wrong)"


def running(wire):
    for line in wire.call(b"INFO", b"limits").decode().splitlines():
        if line.startswith("queries:use="):
            return int(line.split("=")[1].split(",")[0])
    raise Failed("INFO does not tell how many queries run")


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise Failed("waited in vain: " + what)
        time.sleep(0.01)


def request(text):
    return b"*3\r\n$11\r\nGRAPH.QUERY\r\n$1\r\ng\r\n$%d\r\n%s\r\n" % (len(text), text.encode())


def ends(options):
    server = start(options)
    try:
        wire = Wire(server.ports[0])
        query(wire, "UNWIND range(1, 400) AS i CREATE (:N {n: i})")

        leaving = Wire(server.ports[0])
        leaving.send(request(ENDLESS))
        wait_for(lambda: running(wire) == 1, "the query runs")
        equal(show(wire.call(b"SET", b"k", b"v"))[0], "+OK", "a write beside it")
        equal(number(wire, "MATCH (n:N) RETURN count(n)"), 400, "a query beside it")
        leaving.close()
        wait_for(lambda: running(wire) == 0, "the query ends with its client")

        leaving = Wire(server.ports[0])
        leaving.send(request(ENDLESS) + b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")
        wait_for(lambda: running(wire) == 1, "the query runs, and a command is held behind it")
        leaving.close()
        wait_for(lambda: running(wire) == 0, "the query ends with its client all the same")
        going_on = Wire(server.ports[0])
        increment = b"*2\r\n$4\r\nINCR\r\n$7\r\ncounted\r\n"
        going_on.send(request("UNWIND range(1, 300000) AS i RETURN count(i)") + 1000 * increment)
        for i in range(4000):
            going_on.send(increment)
        if "300000" not in show(going_on.reply())[0]:
            raise Failed("the query before many commands is not answered")
        for i in range(5000):
            equal(show(going_on.reply())[0], ":%d" % (i + 1), "a command that came behind a query")

        holder, waiting = Wire(server.ports[0]), Wire(server.ports[0])
        holder.send(request(ENDLESS_WRITE))
        wait_for(lambda: running(wire) == 1, "a write runs")
        waiting.send(request("CREATE (:Wrong)"))
        wait_for(lambda: running(wire) == 2, "another waits for its turn")
        waiting.close()
        wait_for(lambda: running(wire) == 1, "it ends with its client, behind the first")
        answer = query(wire, "CREATE (:Wrong)", b"TIMEOUT", b"200")
        if not answer.startswith("-ERR Query timed out after 200 ms") or running(wire) != 1:
            raise Failed("a write whose time is up before its turn answers %s" % answer)
        equal(show(wire.call(b"CONFIG", b"SET", b"query-memory-bytes", b"1048576"))[0], "+OK", "a limit of memory")
        answer = query(wire, "RETURN [%s1]" % ("1," * 200000), name=b"other")
        if not answer.startswith("-TRYAGAIN"):
            raise Failed("a plan that does not fit beside the others answers %s" % answer[:200])
        equal(show(wire.call(b"CONFIG", b"SET", b"query-memory-bytes", b"268435456"))[0], "+OK", "a limit of memory")
        holder.close()
        wait_for(lambda: running(wire) == 0, "the first ends with its client, too")

        begun = time.monotonic()
        answer = query(wire, ENDLESS, b"TIMEOUT", b"200")
        if not answer.startswith("-ERR Query timed out after 200 ms") or time.monotonic() - begun > WAIT_SECONDS:
            raise Failed("a query whose time is up answers %s" % answer)
        answer = query(wire, "MATCH (a:N), (b:N), (c:N), (d:N) CREATE (:Wrong)", b"TIMEOUT", b"200")
        if not answer.startswith("-ERR Query timed out") or number(wire, "MATCH (n:Wrong) RETURN count(n)") != 0:
            raise Failed("a write whose time is up answers %s, or has changed something" % answer)
        equal(query(wire, "RETURN 1", b"TIMEOUT", b"300001"), "-ERR The query TIMEOUT is over the limit of 300000 ms (query-timeout-ms)", "too long a time")

        equal(show(wire.call(b"CONFIG", b"SET", b"query-memory-bytes", b"1048576"))[0], "+OK", "a limit of memory")
        answer = query(wire, "UNWIND range(1, 10000000) AS i RETURN collect(toString(i) + ' and some more text') AS texts")
        if not answer.startswith("-") or "mem consumption exceeded capacity of 1048576 bytes" not in answer:
            raise Failed("a query over its memory answers %s" % answer[:200])
        equal(number(wire, "MATCH (n:N) RETURN count(n)"), 400, "a query after it")
        equal(show(wire.call(b"CONFIG", b"SET", b"query-memory-bytes", b"268435456"))[0], "+OK", "a limit of memory")
        equal(show(wire.call(b"CONFIG", b"SET", b"queries-memory-bytes", b"1048576"))[0], "+OK", "a limit of all queries' memory")
        answer = query(wire, "UNWIND range(1, 10000000) AS i RETURN collect(toString(i) + ' and some more text') AS texts")
        if not answer.startswith("-") or "Queries hold together what they may, 1048576 bytes; try again" not in answer:
            raise Failed("a query over the memory of all queries answers %s" % answer[:200])
        if b"queries_memory_bytes:use=0,limit=1048576" not in wire.call(b"INFO", b"limits"):
            raise Failed("INFO limits does not show that queries hold nothing any more")
    finally:
        server.stop()


# --- redis-py -------------------------------------------------------------------------------------------------------------------


def client(options):
    try:
        import redis
        import redis.commands.graph
    except ImportError:
        print("SKIP: python3-redis with its graph part is not installed")
        sys.exit(77)
    server = start(options)
    try:
        store = redis.Redis(port=server.ports[0])
        graph = store.graph("social")
        made = "CREATE (:Person {name: 'Ann', age: 30, height: 1.7, tags: ['a', 1, true]})-[:KNOWS {since: 2001}]->(:Person {name: $name})"
        result = graph.query(made, {"name": "Bob 'the' \"quote\""})
        equal((result.nodes_created, result.relationships_created, result.labels_added, result.properties_set), (2, 1, 1, 6), "counts of a creation")
        result = graph.query("MATCH p = (a:Person)-[r:KNOWS]->(b) RETURN a, r, b, p, a.age, a.height, a.tags, null, {x: 1}, b.name")
        row = result.result_set[0]
        equal((row[0].labels, row[0].properties), (["Person"], {"name": "Ann", "age": 30, "height": 1.7, "tags": ["a", 1, True]}), "a node")
        equal((row[1].relation, row[1].properties, row[1].src_node, row[1].dest_node), ("KNOWS", {"since": 2001}, row[0].id, row[2].id), "an edge")
        equal((row[3].nodes_count(), row[3].edge_count()), (2, 1), "a path")
        equal(row[4:], [30, 1.7, ["a", 1, True], None, {"x": 1}, "Bob 'the' \"quote\""], "values")
        equal(graph.query("MATCH (n) WHERE n.age > $least RETURN count(n)", {"least": 29}).result_set, [[1]], "a parameter")
        equal(graph.query("MATCH (n:Nobody) RETURN n", read_only=True).result_set, [], "no rows")
        if "Node By Label Scan" not in str(graph.explain("MATCH (n:Person) RETURN n")):
            raise Failed("the plan is not told")
        equal(store.execute_command("GRAPH.LIST"), [b"social"], "list")
        graph.delete()
        equal(store.exists("social"), 0, "a graph that was deleted")
        try:
            graph.query("MATCH (n RETURN n")
            raise Failed("nonsense was answered")
        except redis.ResponseError as error:
            if "line 1, column" not in str(error):
                raise Failed("the error does not say where: %s" % error) from error
        print("redis-py %s: every answer as expected" % redis.__version__)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("races", "ends", "client"))
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    try:
        {"races": races, "ends": ends, "client": client}[options.what](options)
    except Failed as failure:
        print("FAILED: %s" % failure)
        sys.exit(1)
    except (RuntimeError, OSError, Closed) as error:
        print("could not be run: %s" % error)
        sys.exit(2)


if __name__ == "__main__":
    main()
