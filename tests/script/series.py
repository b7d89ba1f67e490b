#!/usr/bin/python3
"""Time series from outside: a running loamd is told TS.* commands, and loaded by `loam import`.

    series.py transcript --build DIR --protocol 2|3 [FILE]   plays series_transcript.txt; every reply must be as it says
    series.py import --build DIR --data DIR                  loads the CSV files of DIR and reads every sample back, bit for bit, before and after kill -9
    series.py bad-lines --build DIR                          what `loam import` says of lines that it cannot load
    series.py client --build DIR                             redis-py's r.ts() against the server

Exit code: 0 all is well, 1 not, 2 the test could not be run, 77 something that it needs is not installed.
"""
import argparse
import calendar
import csv
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import time

from differential import Process, Server
from resp_wire import Wire

HERE = os.path.dirname(os.path.abspath(__file__))


class Failed(Exception):
    """What the server did is not what was expected."""


# --- replies as text ------------------------------------------------------------------------------------------------------------


def read_line(data, at):
    end = data.index(b"\r\n", at)
    return data[at:end].decode("utf-8", "backslashreplace"), end + 2


def number_text(text):
    """A double by its value: how many digits a server prints is its own affair as long as they give it back."""
    shown = repr(float(text))
    return shown[:-2] if shown.endswith(".0") else shown


def show(data, at=0):
    """(text, end) of the reply at `at`, in the notation of the transcript."""
    kind = data[at : at + 1]
    line, after = read_line(data, at + 1)
    if kind == b"_" or (kind in b"$*" and line == "-1"):
        return "_", after
    if kind == b"$":
        size = int(line)
        return '"%s"' % data[after : after + size].decode("utf-8", "backslashreplace"), after + size + 2
    if kind == b",":
        return "," + number_text(line), after
    if kind in b"*~%":
        parts = []
        for _ in range(int(line) * (2 if kind == b"%" else 1)):
            text, after = show(data, after)
            parts.append(text)
        opening, closing = {b"*": "[]", b"~": ("~[", "]"), b"%": "{}"}[kind]
        return opening + " ".join(parts) + closing, after
    return kind.decode() + line, after


def matches(expected, shown):
    return re.fullmatch(".*".join(re.escape(part) for part in expected.split("...")), shown) is not None


# --- the transcript -------------------------------------------------------------------------------------------------------------


def steps(path):
    """(line number, command, {protocol: reply})"""
    number, command, replies = 0, None, {}
    for at, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.rstrip("\n")
        if line.startswith("> "):
            if command is not None:
                yield number, command, replies
            number, command, replies = at, line[2:], {}
        elif line[:2] in ("= ", "2 ", "3 "):
            for protocol in (2, 3) if line[0] == "=" else (int(line[0]),):
                replies[protocol] = line[2:]
        elif line and not line.startswith("#"):
            raise RuntimeError("%s:%d is not understood: %s" % (path, at, line))
    if command is not None:
        yield number, command, replies


def play(options):
    path = options.file or os.path.join(HERE, "series_transcript.txt")
    server = start(options)
    wrong = count = 0
    try:
        wire = Wire(server.ports[0])
        wire.call(b"FLUSHALL")
        wire.call(b"HELLO", str(options.protocol).encode())
        for number, command, replies in steps(path):
            if options.protocol not in replies:
                raise RuntimeError("%s:%d has no reply for RESP%d" % (path, number, options.protocol))
            shown, _ = show(wire.call(*[word.encode() for word in shlex.split(command)]))
            count += 1
            if not matches(replies[options.protocol], shown):
                wrong += 1
                print("%s:%d: %s\n  expected %s\n  got      %s" % (path, number, command, replies[options.protocol], shown))
    finally:
        server.stop()
    print("%d commands, %d replies were not as expected" % (count, wrong))
    if wrong or not count:
        raise Failed()


# --- servers and the toolbox ----------------------------------------------------------------------------------------------------


def start(options):
    return Server("%s/loamd --lab --dir {dir}/data --listen 127.0.0.1:{port}" % options.build)


def loam(options, *words, expect=0):
    result = subprocess.run([options.build + "/loam", *words], capture_output=True, text=True, check=False)
    if result.returncode != expect:
        raise Failed("loam %s: exit code %d, not %d\n%s%s" % (" ".join(words), result.returncode, expect, result.stdout, result.stderr))
    return result.stdout + result.stderr


def restart(server):
    """The process ends without a warning and a new one takes its place."""
    old = server.processes.pop()
    old.popen.send_signal(signal.SIGKILL)
    old.popen.wait()
    server.processes.append(Process(old.words, old.log_path))
    server.wait_until_it_serves()


def flush(server):
    """Waits until what was written stands in files; INFO tsdb tells of it."""
    wire = Wire(server.ports[0])
    wire.call(b"DEBUG", b"FLUSH")
    deadline = time.monotonic() + 30
    while b"tsdb_chunks:entries=0," in wire.call(b"INFO", b"tsdb"):
        if time.monotonic() > deadline:
            raise Failed("DEBUG FLUSH wrote no file within 30 s")
        time.sleep(0.02)
    wire.close()


# --- the files of NAB -----------------------------------------------------------------------------------------------------------


def samples_of(path, keep):
    """{time: text}; of two samples at one time the one that `keep` names. And how many others there were."""
    found, more = {}, 0
    for row in csv.reader(open(path, newline="", encoding="ascii")):
        if row == ["timestamp", "value"]:
            continue
        time_ms = 1000 * calendar.timegm(time.strptime(row[0], "%Y-%m-%d %H:%M:%S"))
        more += time_ms in found
        if keep == "last" or time_ms not in found:
            found[time_ms] = row[1]
    return found, more


def bits(text):
    return struct.pack("<d", float(text))


def pairs(data):
    """[(time, text of the value)] from the bytes of a range, in either protocol."""
    return [(int(t), v) for t, v in re.findall(r"\*2\r\n:(-?\d+)\r\n[+,]([^\r]*)\r\n", data.decode())]


def read_series(wire, name):
    return pairs(wire.call(b"TS.RANGE", name.encode(), b"-", b"+"))


def compare_ends(wire, name, wanted):
    """The small ranges, which are served on the loop where they are in memory."""
    for command, some in (b"TS.RANGE", wanted[:7]), (b"TS.REVRANGE", wanted[:-8:-1]):
        data = wire.call(command, name.encode(), b"-", b"+", b"COUNT", b"7")
        if [(time_ms, bits(text)) for time_ms, text in pairs(data)] != [(t, bits(v)) for t, v in some]:
            raise Failed("%s: %s gives other samples with COUNT 7" % (name, command.decode()))


def compare_series(server, expected, protocol):
    wire = Wire(server.ports[0], 60.0)
    wire.call(b"HELLO", str(protocol).encode())
    for name, samples in expected.items():
        compare_ends(wire, name, sorted(samples.items()))
        got = read_series(wire, name)
        wanted = sorted(samples.items())
        if [t for t, _ in got] != [t for t, _ in wanted]:
            raise Failed("%s: %d samples came back, %d were wanted; or their times differ" % (name, len(got), len(wanted)))
        for (time_ms, text), (_, original) in zip(got, wanted):
            if bits(text) != bits(original):
                raise Failed("%s at %d: %s came back as %s" % (name, time_ms, original, text))
    wire.close()


def import_nab(options):
    files = sorted(name for name in os.listdir(options.data) if name.endswith(".csv"))
    for policy, keep in ((None, "first"), ("last", "last")):
        server = start(options)
        try:
            to = "127.0.0.1:%d" % server.ports[0]
            loaded = [(name[:-4], *samples_of(os.path.join(options.data, name), keep)) for name in files]
            expected = {"nab:" + name: samples for name, samples, _ in loaded}
            total, more = sum(map(len, expected.values())), sum(row[2] for row in loaded)
            words = ["--on-duplicate", policy] if policy else []
            said = loam(options, "import", "--to", to, "--as", "series", "--series", "nab:%", "--label", "set=nab", *words, options.data)
            if "%d samples" % (total if policy is None else total + more) not in said:
                raise Failed("it should have loaded %d samples and said:\n%s" % (total, said))
            if policy is None and "%d bad lines" % more not in said:
                raise Failed("%d second samples at one time should have been bad lines; it said:\n%s" % (more, said))
            if not re.search(r"%d series hold %d samples in \d+ chunks of \d+ bytes: \d+\.\d\d bytes a sample" % (len(files), total), said):
                raise Failed("the report does not sum up %d samples:\n%s" % (total, said))
            for protocol in (2, 3):
                compare_series(server, expected, protocol)
            if policy:
                flush(server)
            restart(server)
            for protocol in (2, 3):
                compare_series(server, expected, protocol)
            print("%d files, %d samples (%d second ones at one time, policy %s): equal before and after kill -9, from %s" % (len(files), total, more, policy or "block", "files" if policy else "the log"))
            print(said.splitlines()[-1].strip())
            check_finds(options, server, to, policy)
        finally:
            server.stop()


def check_finds(options, server, to, policy):
    """import --check agrees with what was loaded, and notices one sample that was changed."""
    clean = [name for name in sorted(os.listdir(options.data)) if name.startswith("art_")]
    paths = [os.path.join(options.data, name) for name in clean]
    if not paths or policy:
        return
    loam(options, "import", "--check", "--to", to, "--series", "nab:%", *paths)
    wire = Wire(server.ports[0])
    series = ("nab:" + clean[0][:-4]).encode()
    time_ms, _ = read_series(wire, series.decode())[1000]
    wire.call(b"TS.ADD", series, str(time_ms).encode(), b"0.12345", b"ON_DUPLICATE", b"LAST")
    said = loam(options, "import", "--check", "--to", to, "--series", "nab:%", *paths, expect=1)
    if "1 samples are missing or differ" not in said:
        raise Failed("a changed sample was not found:\n" + said)


# --- bad lines ------------------------------------------------------------------------------------------------------------------

BAD = """timestamp,value
2020-01-01 00:00:00,1
yesterday,2
2020-01-01 00:02:00,many
2020-01-01 00:03:00,4
2020-01-01 00:03:00,5
1969-12-31 23:00:00,6
2020-01-01 00:04:00,7,8
2020-01-01 00:05:00,9
"""


def bad_lines(options):
    server = start(options)
    with tempfile.TemporaryDirectory() as folder:
        try:
            to = "127.0.0.1:%d" % server.ports[0]
            path = os.path.join(folder, "bad.csv")
            with open(path, "w", encoding="ascii") as file:
                file.write(BAD)
            said = loam(options, "import", "--to", to, path)
            for words in ("3 samples", "5 bad lines were left out", "bad.csv:3: the time is", "bad.csv:4: the value is no number", "bad.csv:6: the server says: ERR TSDB: Error at upsert", "bad.csv:7: the time lies before 1970", "bad.csv:8: not two fields"):
                if words not in said:
                    raise Failed("%r is missing in:\n%s" % (words, said))
            wire = Wire(server.ports[0])
            if len(read_series(wire, "bad")) != 3:
                raise Failed("the good lines were not all loaded")
            said = loam(options, "import", "--to", to, "--max-bad", "1", "--series", "second", path, expect=1)
            if "more than 1 bad lines" not in said or "bad.csv:3:" not in said:
                raise Failed("the limit was not named:\n" + said)
            loam(options, "import", "--to", to, os.path.join(folder, "absent.csv"), expect=1)
        finally:
            server.stop()


# --- redis-py -------------------------------------------------------------------------------------------------------------------


def equal(got, wanted, what):
    if got != wanted:
        raise Failed("%s: %r, not %r" % (what, got, wanted))


def client(options):
    try:
        import redis
    except ImportError:
        print("SKIP: python3-redis is not installed")
        sys.exit(77)
    server = start(options)
    try:
        store = redis.Redis(port=server.ports[0], decode_responses=True)
        series = store.ts()
        equal(series.create("room:1", retention_msecs=86400000, chunk_size=128, duplicate_policy="last", labels={"room": "1", "kind": "t"}), True, "create")
        equal(series.add("room:1", 1000, 20.5), 1000, "add")
        equal(series.add("room:2", 1000, 7, labels={"room": "2", "kind": "t"}), 1000, "add that creates")
        equal(series.madd([("room:1", 2000, 21), ("room:1", 3000, 22.25), ("room:2", 2000, 8)]), [2000, 3000, 2000], "madd")
        equal(series.get("room:1"), (3000, 22.25), "get")
        equal(series.range("room:1", 0, "+"), [(1000, 20.5), (2000, 21.0), (3000, 22.25)], "range")
        equal(series.revrange("room:1", "-", "+", count=1), [(3000, 22.25)], "revrange")
        equal(series.range("room:1", "-", "+", aggregation_type="sum", bucket_size_msec=2000), [(0, 20.5), (2000, 43.25)], "aggregation")
        equal(series.queryindex(["kind=t", "room!=2"]), ["room:1"], "queryindex")
        equal(series.mget(["kind=t"], with_labels=True), [{"room:1": [{"room": "1", "kind": "t"}, 3000, 22.25]}, {"room:2": [{"room": "2", "kind": "t"}, 2000, 8.0]}], "mget")
        equal(series.mrange("-", "+", ["room=(1,2)"], count=1), [{"room:1": [{}, [(1000, 20.5)]]}, {"room:2": [{}, [(1000, 7.0)]]}], "mrange")
        equal(series.mrevrange("-", "+", ["kind=t"], count=1), [{"room:1": [{}, [(3000, 22.25)]]}, {"room:2": [{}, [(2000, 8.0)]]}], "mrevrange")
        equal(series.alter("room:1", labels={"kind": "warm"}), True, "alter")
        info = series.info("room:1")
        equal((info.total_samples, info.first_time_stamp, info.lastTimeStamp, info.retention_msecs, info.chunk_size, info.duplicate_policy, info.labels, info.rules, info.source_key), (3, 1000, 3000, 86400000, 128, "last", {"kind": "warm"}, [], None), "info")
        equal(series.delete("room:1", 1500, 2500), 1, "delete")
        equal(series.range("room:1", "-", "+"), [(1000, 20.5), (3000, 22.25)], "range after delete")
        equal(store.type("room:1"), "TSDB-TYPE", "type")
        equal(sorted(store.scan_iter("room:*", _type="TSDB-TYPE")), ["room:1", "room:2"], "scan")
        equal(store.delete("room:1", "room:2"), 2, "del")
        try:
            series.get("room:1")
            raise Failed("a series that is gone was read")
        except redis.ResponseError as error:
            equal(str(error), "TSDB: the key does not exist", "error")
        print("redis-py %s: every answer as expected" % redis.__version__)
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("transcript", "import", "bad-lines", "client"))
    parser.add_argument("file", nargs="?")
    parser.add_argument("--build", default="build")
    parser.add_argument("--protocol", type=int, choices=(2, 3), default=2)
    parser.add_argument("--data", default="../shared/data/timeseries/nab")
    options = parser.parse_args()
    try:
        {"transcript": play, "import": import_nab, "bad-lines": bad_lines, "client": client}[options.what](options)
    except Failed as failed:
        print("FAILED: %s" % failed)
        return 1
    except (OSError, RuntimeError) as error:
        print("could not be run: %s" % error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
