#!/usr/bin/python3
"""What stands around the graph store: `loam import` and `loam export` of graphs, the algorithms as procedures.

    graph_tools.py import --build DIR                      CSV files and edge lists load; bad lines are named, and refused above the limit
    graph_tools.py graphalytics --build DIR --data DIR     the example graphs of the benchmark, loaded and asked, are as its files say
    graph_tools.py algorithms --build DIR [--seeds N]      random graphs: every algorithm gives what networkx gives
    graph_tools.py graphml --build DIR                     what was exported as GraphML, read by networkx, is the graph
    graph_tools.py dot --build DIR                         Graphviz reads what was exported as DOT
    graph_tools.py changed --build DIR                     an export of a graph that changes meanwhile fails and leaves no file

Exit code: 0 all is well, 1 not, 2 the test could not be run, 77 something that it needs is not installed.
"""
import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading

from resp_wire import Wire
from series import Failed, loam, start

INF = float("inf")


class Skip(Exception):
    """Something that the test needs is not there."""


# --- replies as Python values, with RESP3's types -------------------------------------------------------------------------------


class ErrorReply(str):
    """An error as a value."""


def decode(data, at=0):
    kind, end = data[at : at + 1], data.index(b"\r\n", at)
    line, at = data[at + 1 : end].decode(), end + 2
    if kind == b"$":
        size = int(line)
        return (None, at) if size < 0 else (data[at : at + size].decode("utf-8", "surrogateescape"), at + size + 2)
    if kind in b"*~>%":
        items = []
        for _ in range(max(int(line), 0) * (2 if kind == b"%" else 1)):
            item, at = decode(data, at)
            items.append(item)
        return items, at
    if kind == b"-":
        return ErrorReply(line), at
    return {b":": int, b",": float, b"#": lambda text: text == "t", b"_": lambda _: None}.get(kind, str)(line), at


def cell(pair):
    """A value of a compact reply: its type and its content."""
    kind, content = pair
    if kind == 6:
        return [cell(item) for item in content]
    return {4: lambda v: v in ("true", True), 5: float}.get(kind, lambda v: v)(content)


class Graph:
    """One graph of one server, as those who ask see it."""

    def __init__(self, server, name):
        self.name = name
        self.wire = Wire(server.ports[0], 60.0)
        self.wire.call(b"HELLO", b"3")

    def call(self, *words):
        return decode(self.wire.call(*[word if isinstance(word, bytes) else word.encode() for word in words]))[0]

    def rows(self, text):
        reply = self.call("GRAPH.QUERY", self.name, text, "--compact")
        if isinstance(reply, ErrorReply):
            raise Failed("%s: %s" % (text, reply))
        return [tuple(map(cell, row)) for row in reply[1]] if len(reply) == 3 else []

    def map(self, text):
        return dict(self.rows(text))


def expect(what, got, wanted):
    if got != wanted:
        raise Failed("%s: %r, not %r" % (what, got, wanted))


def close(a, b, tolerance):
    return a == b or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def expect_close(what, got, wanted, tolerance=1e-9):
    if set(got) != set(wanted):
        raise Failed("%s: of %s, not of %s" % (what, sorted(got), sorted(wanted)))
    for key, value in wanted.items():
        if not close(got[key], value, tolerance):
            raise Failed("%s: %s has %r, not %r" % (what, key, got[key], value))


def write(path, text):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def load(options, server, name, *words, expect_code=0):
    return loam(options, "import", "--to", "127.0.0.1:%d" % server.ports[0], "--graph", name, *words, expect=expect_code)


# --- import ---------------------------------------------------------------------------------------------------------------------

PEOPLE = """personId:ID(P){id-type:int},name,age:int,height:float,member:boolean,tags:string[],:LABEL
1,"Ann ""A"", x",30,1.75,true,a;b,Person;Admin
2,Bob,,,,,Person
3,Cy,old,,,,Person
4,Di
5,Zoë,-5,nan,FALSE,x,Person
"""
KNOWS = """:START_ID(P),:END_ID(P),since:int,:TYPE
1,2,1999,KNOWS
2,9,2000,KNOWS
2,1,2000,LIKES
2,8,2000,KNOWS
5,5,,KNOWS
"""


def import_files(options, server, work):
    people, knows = write(work + "/people.csv", PEOPLE), write(work + "/knows.csv", KNOWS)
    said = load(options, server, "social", knows, people)
    for words in (
        "4 bad lines were left out",
        "people.csv:4: column 'age:int': 'old' is no integer",
        "people.csv:5: it has fewer fields than the header",
        "knows.csv:3: an end of the edge is not there",
        "graph social: 3 nodes and 3 edges were made",
    ):
        if words not in said:
            raise Failed("loam import does not say '%s':\n%s" % (words, said))
    graph = Graph(server, "social")
    expect(
        "people",
        graph.rows("MATCH (n) RETURN n.personId, n.name, n.age, n.height > 1, n.member, n.tags, labels(n) ORDER BY n.personId"),
        [
            (1, 'Ann "A", x', 30, True, True, ["a", "b"], ["Person", "Admin"]),
            (2, "Bob", None, None, None, None, ["Person"]),
            (5, "Zoë", -5, False, False, ["x"], ["Person"]),
        ],
    )
    wanted = [(1, "KNOWS", 1999, 2), (2, "LIKES", 2000, 1), (5, "KNOWS", None, 5)]
    expect("edges", graph.rows("MATCH (a)-[r]->(b) RETURN a.personId, type(r), r.since, b.personId ORDER BY a.personId"), wanted)
    said = load(options, server, "few", "--max-bad", "1", knows, people, expect_code=1)
    if "more than 1 bad lines" not in said:
        raise Failed("a load with too many bad lines says:\n%s" % said)
    load(options, server, "made", "--make-ends", knows)
    expect("ends that were made", Graph(server, "made").rows("MATCH (n) RETURN count(n)"), [(5,)])


def import_lists(options, server, work):
    said = load(options, server, "list", "--node-label", "V;W", "--edge-type", "E", write(work + "/l.e", "# one\n% two\n1\t2 0.5\n\n2,3\n3 1 x\n3 y\n1 2 3 4\n"), write(work + "/l.v", "1\n7\nq\n"))
    for words in ("4 bad lines", "l.e:6: column 'weight:float': 'x' is no number", "l.e:7: an id is no integer", "l.e:8: an edge is", "l.v:3: an id is no integer"):
        if words not in said:
            raise Failed("loam import does not say '%s':\n%s" % (words, said))
    graph = Graph(server, "list")
    expect("vertices", graph.rows("MATCH (n:V:W) RETURN n.id ORDER BY n.id"), [(1,), (2,), (3,), (7,)])
    expect("edges", graph.rows("MATCH (a)-[r:E]->(b) RETURN a.id, r.weight, b.id ORDER BY a.id"), [(1, 0.5, 2), (2, None, 3)])
    load(options, server, "words", write(work + "/w.txt", "a b\nb c\n"))
    expect("ids of letters", Graph(server, "words").rows("MATCH (a)-[:LINK]->(b) RETURN a.id, b.id ORDER BY a.id"), [("a", "b"), ("b", "c")])


def import_again(options, server, work):
    """Many commands, ids that are named again long after, two loads of the same nodes."""
    count = 3000
    edges = [(i * 7 % count, (i * i + 3) % count) for i in range(2 * count)]
    path = write(work + "/many.txt", "".join("%d %d\n" % edge for edge in edges))
    load(options, server, "many", path)
    load(options, server, "many", path)
    graph = Graph(server, "many")
    expect("nodes", graph.rows("MATCH (n) RETURN count(n), count(DISTINCT n.id)"), [(len({x for edge in edges for x in edge}),) * 2])
    expect("edges", graph.rows("MATCH ()-[r]->() RETURN count(r)"), [(2 * len(edges),)])
    said = load(options, server, "some", "--limit", "10", path)
    expect("a limit", Graph(server, "some").rows("MATCH ()-[r]->() RETURN count(r)"), [(10,)])
    if "10 rows" not in said:
        raise Failed("a limited load says:\n%s" % said)


def import_all(options, server, work):
    import_files(options, server, work)
    import_lists(options, server, work)
    import_again(options, server, work)
    for words, said in (
        (("--graph", "x", "--check", work + "/l.e"), "--check is not for graphs"),
        (("--as", "graph", work + "/l.e"), "--graph NAME is wanted"),
        (("--graph", "x", work), "is a directory"),
        (("--graph", "x", write(work + "/bad.csv", "a,b\n1,2\n")), "bad.csv:1: column 'a'"),
        (("--graph", "x", work + "/absent.csv"), "absent.csv"),
    ):
        got = loam(options, "import", "--to", "127.0.0.1:%d" % server.ports[0], *words, expect=1)
        if said not in got:
            raise Failed("%s: does not say '%s':\n%s" % (words, said, got))


# --- Graphalytics ---------------------------------------------------------------------------------------------------------------


def graphalytics(options, server, work):
    del work
    for name, both, source in (("example-directed", False, 1), ("example-undirected", True, 2)):
        path = os.path.join(options.data, name)

        def wanted(kernel, path=path):
            return {int(line.split()[0]): line.split()[1] for line in open(path + "-" + kernel, encoding="ascii")}

        load(options, server, name, path + ".v", path + ".e")
        graph = Graph(server, name)
        direction = "relDirection: '%s'" % ("both" if both else "outgoing")
        hops = graph.map("MATCH (a {id: %d}) CALL algo.distances(a, {%s}) YIELD node, distance RETURN node.id, distance" % (source, direction))
        expect(name + " BFS", hops, {v: int(d) for v, d in wanted("BFS").items() if int(d) < 2**63 - 1})
        sums = graph.map("MATCH (a {id: %d}) CALL algo.distances(a, {weightProp: 'weight', %s}) YIELD node, distance RETURN node.id, distance" % (source, direction))
        expect_close(name + " SSSP", sums, {v: float(d) for v, d in wanted("SSSP").items() if d != "Infinity"}, 1e-12)
        rank = graph.map("CALL algo.pageRank(NULL, NULL, {maxIterations: 2, tolerance: 0, dampingFactor: 0.85, %s}) YIELD node, score RETURN node.id, score" % direction)
        expect_close(name + " PR", rank, {v: float(s) for v, s in wanted("PR").items()}, 1e-9)
        parts = graph.map("CALL algo.WCC() YIELD node, componentId RETURN node.id, componentId")
        pairs = {(parts[v], c) for v, c in wanted("WCC").items()}
        if not len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}):
            raise Failed("%s WCC: no bijection: %s" % (name, pairs))
        print("%s: %d vertices: BFS exact, SSSP, PR, WCC" % (name, len(parts)))


# --- networkx -------------------------------------------------------------------------------------------------------------------


def networkx():
    try:
        import networkx as found  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise Skip("networkx is not installed (python3-networkx)") from None
    return found


def pagerank(nx, graph):
    """networkx's own plain one where scipy, which its usual one needs, is not installed."""
    try:
        import scipy  # pylint: disable=import-outside-toplevel,unused-import

        rank = nx.pagerank
    except ImportError:
        rank = nx.algorithms.link_analysis.pagerank_alg._pagerank_python  # pylint: disable=protected-access
    return rank(graph, alpha=0.85, max_iter=1000, tol=1e-13)


def draw(rng, work):
    nodes, count = rng.randint(1, 60), rng.randint(0, 200)
    edges = [(rng.randrange(nodes), rng.randrange(nodes), rng.randint(0, 64) / 8) for _ in range(count)]
    write(work + "/random.v", "".join("%d\n" % i for i in range(nodes)))
    write(work + "/random.e", "".join("%d %d %r\n" % edge for edge in edges))
    return nodes, edges


def compare(nx, graph, rng, nodes, edges):
    directed = nx.MultiDiGraph()
    directed.add_nodes_from(range(nodes))
    for a, b, w in edges:
        directed.add_edge(a, b, weight=w)
    both = nx.MultiGraph()  # to_undirected() takes a -> b and b -> a for one edge
    both.add_nodes_from(range(nodes))
    both.add_edges_from(directed.edges(data=True))
    source, target = rng.randrange(nodes), rng.randrange(nodes)
    for word, view in (("outgoing", directed), ("incoming", directed.reverse()), ("both", both)):
        ask = "MATCH (a {id: %d}) CALL algo.distances(a, {relDirection: '%s'%s}) YIELD node, distance RETURN node.id, distance"
        expect("hops, " + word, graph.map(ask % (source, word, "")), dict(nx.single_source_shortest_path_length(view, source)))
        sums = graph.map(ask % (source, word, ", weightProp: 'weight'"))
        expect("weights, " + word, sums, dict(nx.single_source_dijkstra_path_length(view, source)))
    compare_search(nx, graph, directed, source, rng.choice([0, 1, 2, 3]))
    compare_path(nx, graph, directed, source, target)
    parts = {}
    for node, part in graph.rows("CALL algo.WCC() YIELD node, componentId RETURN node.id, componentId"):
        parts.setdefault(part, set()).add(node)
    expect("components", sorted(map(sorted, parts.values())), sorted(map(sorted, nx.weakly_connected_components(directed))))
    simple = nx.DiGraph()
    simple.add_nodes_from(range(nodes))
    for a, b, _ in edges:
        simple.add_edge(a, b, weight=simple.get_edge_data(a, b, {"weight": 0})["weight"] + 1)
    rank = graph.map("CALL algo.pageRank(NULL, NULL, {maxIterations: 500, tolerance: 1e-12}) YIELD node, score RETURN node.id, score")
    expect_close("PageRank", rank, pagerank(nx, simple), 1e-7)


def compare_search(nx, graph, directed, source, level):
    """BFS: the nodes within `level` hops, and a tree of edges over them."""
    wanted = {node: hops for node, hops in nx.single_source_shortest_path_length(directed, source, level or None).items() if hops > 0}
    ask = "MATCH (a {id: %d}) CALL algo.BFS(a, %d, NULL) YIELD nodes, edges RETURN [n IN nodes | n.id], [e IN edges | startNode(e).id], [e IN edges | endNode(e).id]"
    rows = graph.rows(ask % (source, level))
    if not wanted:
        expect("a search that finds nothing", rows, [])
        return
    (nodes, starts, ends), = rows
    expect("search", sorted(nodes), sorted(wanted))
    expect("order of the search", [wanted[node] for node in nodes], sorted(wanted.values()))
    expect("ends of the tree", sorted(ends), sorted(nodes))
    for a, b in zip(starts, ends):
        if wanted.get(a, 0) + 1 != wanted[b] or not directed.has_edge(a, b):
            raise Failed("%d -> %d is no edge of the tree" % (a, b))


def compare_path(nx, graph, directed, source, target):
    ask = "MATCH (a {id: %d}), (b {id: %d}) CALL algo.SPpaths({sourceNode: a, targetNode: b, weightProp: 'weight'}) YIELD path, pathWeight RETURN [n IN nodes(path) | n.id], [e IN relationships(path) | e.weight], pathWeight"
    rows = graph.rows(ask % (source, target))
    try:
        wanted = nx.dijkstra_path_length(directed, source, target)
    except nx.NetworkXNoPath:
        expect("a path where there is none", rows, [])
        return
    (nodes, weights, weight), = rows
    expect("weight of the path", (weight, sum(weights), nodes[0], nodes[-1]), (wanted, wanted, source, target))
    for a, b, w in zip(nodes, nodes[1:], weights):
        expect("edge of the path", min(data["weight"] for data in directed[a][b].values()), w)


def algorithms(options, server, work):
    nx = networkx()
    first = int(os.environ.get("LOAM_TEST_SEED", "1"))
    for seed in range(first, first + options.seeds):
        rng = random.Random(seed)
        nodes, edges = draw(rng, work)
        name = "random-%d" % seed
        load(options, server, name, work + "/random.e", work + "/random.v")
        try:
            compare(nx, Graph(server, name), rng, nodes, edges)
        except Failed as failed:
            raise Failed("seed %d (%d nodes, %d edges): %s\nreplay: LOAM_TEST_SEED=%d tests/script/graph_tools.py algorithms --build %s --seeds 1" % (seed, nodes, len(edges), failed, seed, options.build)) from None
    print("%d random graphs: distances, searches, paths, components, PageRank equal those of networkx" % options.seeds)


# --- export ---------------------------------------------------------------------------------------------------------------------

STRANGE = 'a"b\\c<&>\'\n\t\r ü€𝄞 ]]> &amp; \\n {x|y}'


def export(options, server, graph, form, path, expect_code=0):
    return loam(options, "export", "--to", "127.0.0.1:%d" % server.ports[0], "--format", form, "--output", path, graph, expect=expect_code)


def make_strange(server, name):
    graph = Graph(server, name)
    text = json.dumps(STRANGE, ensure_ascii=False)
    graph.rows("CREATE (a:`L & <M>`:B {s: %s, i: 9007199254740993, f: 0.1, b: true, mixed: 1, l: [1, 'x\"y', 2.5]})" % text)
    graph.rows("MATCH (a:B) CREATE (c {mixed: 'text', i: -1, f: 1e300, `strange \"key\" <&>`: 7}), (a)-[:`T<>`  {w: 2.5, s: %s}]->(c), (a)-[:T {w: 3.0}]->(c), (c)-[:T]->(c)" % text)
    graph.rows("CREATE (x:Gone), (y) DELETE x")
    return graph


def graphml(options, server, work):
    nx = networkx()
    make_strange(server, "strange")
    path = work + "/strange.graphml"
    said = export(options, server, "strange", "graphml", path)
    if "3 nodes, 3 edges, as log entry" not in said:
        raise Failed("loam export says:\n%s" % said)
    found = nx.read_graphml(path, force_multigraph=True)
    first = {"labels": ":L & <M>:B", "s": STRANGE, "i": 9007199254740993, "f": 0.1, "b": True, "mixed": "1", "l": '[1, "x\\"y", 2.5]'}
    second = {"mixed": "text", "i": -1, "f": 1e300, 'strange "key" <&>': 7}
    expect("nodes", sorted((sorted(data.items()) for _, data in found.nodes(data=True)), key=len), sorted((sorted(data.items()) for data in (first, second, {})), key=len))
    ends = {data.get("i"): node for node, data in found.nodes(data=True)}
    a, c = ends[9007199254740993], ends[-1]
    edges = sorted((x, y, data["label"], data.get("w"), data.get("s")) for x, y, data in found.edges(data=True))
    expect("edges", edges, sorted([(a, c, "T<>", 2.5, STRANGE), (a, c, "T", 3.0, None), (c, c, "T", None, None)]))
    many_pages(options, server, work, nx)
    unreadable(options, server, work, nx)


def many_pages(options, server, work, nx):
    rng = random.Random(5)
    edges = [(rng.randrange(2500), rng.randrange(2500), rng.random()) for _ in range(7000)]
    load(options, server, "pages", write(work + "/pages.e", "".join("%d %d %r\n" % edge for edge in edges)))
    export(options, server, "pages", "graphml", work + "/pages.graphml")
    found = nx.read_graphml(work + "/pages.graphml", force_multigraph=True)
    ids = {node: data["id"] for node, data in found.nodes(data=True)}
    expect("edges of many pages", sorted((ids[a], ids[b], data["weight"]) for a, b, data in found.edges(data=True)), sorted(edges))


def unreadable(options, server, work, nx):
    """Bytes that are no UTF-8, and characters that XML has not, are replaced and counted."""
    Graph(server, "bytes").call("GRAPH.IMPORT", "bytes", "NODES", "2", ":ID", "s", "1", "1", b"a\xff\x01\x00b\xc3")
    said = export(options, server, "bytes", "graphml", work + "/bytes.graphml")
    if "4 characters that graphml can't hold" not in said:
        raise Failed("loam export says:\n%s" % said)
    (_, data), = nx.read_graphml(work + "/bytes.graphml").nodes(data=True)
    expect("bytes", data["s"], "a\ufffd\ufffd\ufffdb\ufffd")


def dot(options, server, work):
    if not shutil.which("dot"):
        raise Skip("dot is not installed (graphviz)")
    make_strange(server, "dot \"graph\"\\")
    export(options, server, 'dot "graph"\\', "dot", work + "/g.dot")
    drawn = json.loads(subprocess.run(["dot", "-Tdot_json", work + "/g.dot"], check=True, capture_output=True, text=True).stdout)
    expect("nodes", len(drawn["objects"]), 3)
    expect("edges", sorted((edge["tail"], edge["head"]) for edge in drawn["edges"]), [(0, 1), (0, 1), (1, 1)])
    # What a reader sees: the label with Graphviz' own escapes undone.
    svg = subprocess.run(["dot", "-Tplain", work + "/g.dot"], check=True, capture_output=True, text=True)
    if svg.stderr:
        raise Failed("dot complains: %s" % svg.stderr)
    label = drawn["objects"][0]["label"]
    for part in (":L &amp; <M>:B", "i: 9007199254740993", 's: a"b\\\\c<&amp;>', "ü€𝄞", "&amp;amp;", "\\\\n {x|y}"):
        if part not in label:
            raise Failed("the label %r does not hold %r" % (label, part))


def changed(options, server, work):
    load(options, server, "busy", write(work + "/busy.v", "".join("%d\n" % i for i in range(20000))))
    stop, path = threading.Event(), work + "/busy.graphml"

    def disturb():
        graph = Graph(server, "busy")
        while not stop.is_set():
            graph.rows("CREATE (:More)")

    writer = threading.Thread(target=disturb)
    writer.start()
    try:
        said = export(options, server, "busy", "graphml", path, expect_code=1)
    finally:
        stop.set()
        writer.join()
    if "has changed while it was read" not in said:
        raise Failed("it says:\n%s" % said)
    expect("what is left over", [name for name in os.listdir(work) if name.startswith("busy.graphml")], [])
    export(options, server, "busy", "graphml", path)


# --- the command line -----------------------------------------------------------------------------------------------------------

ACTIONS = {"import": import_all, "graphalytics": graphalytics, "algorithms": algorithms, "graphml": graphml, "dot": dot, "changed": changed}


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("action", choices=sorted(ACTIONS))
    parser.add_argument("--build", default="build")
    parser.add_argument("--data", default="")
    parser.add_argument("--seeds", type=int, default=max(3, 25 * int(os.environ.get("LOAM_TEST_SCALE", "100")) // 100))
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="graph-tools-")
    server = None
    try:
        server = start(options)
        ACTIONS[options.action](options, server, work)
        return 0
    except Skip as skip:
        print("SKIP: %s" % skip)
        return 77
    except Failed as failed:
        print(failed)
        return 1
    except RuntimeError as error:
        print(error)
        return 2
    finally:
        if server:
            server.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
