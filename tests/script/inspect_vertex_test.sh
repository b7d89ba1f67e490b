#!/bin/bash
# loam inspect --vertex: a node, its lists block by block, and each version of its rows where it lies: beside a running server, without one, and damaged.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    a_hub_is_told_beside_a_running_server
    rows_lie_in_the_memtable_and_in_tables
    a_block_is_told_to_its_last_byte
    the_same_as_one_object
    one_direction_alone_and_long_tables_whole
    an_external_id_leads_to_its_node
    a_deleted_node_leaves_rows_that_are_told
    what_is_not_there_is_refused
    a_store_without_graphs_says_so
    a_flipped_bit_is_told_of_its_own_file
    a_table_that_stands_in_for_another_is_told
    a_table_that_is_gone_is_told_with_what_was_lost
    a_graph_is_found_under_the_superblock_of_another_cluster
    random_damage_never_crashes_and_blames_no_other_file
    nothing_is_changed
)

sum() { (cd "$1" && find . -type f | sort | xargs md5sum) | md5sum; }
query() { cli graph.query g "$1" >/dev/null; }
flushed() { cli info persistence | tr -d '\r' | sed -n 's/^flushed_index://p'; }
flush() {
    local before
    before=$(flushed)
    cli debug flush >/dev/null
    for _ in $(seq 400); do
        [ "$(flushed)" -gt "$before" ] && return 0
        read -rt 0.05 <> <(:)
    done
    return 1
}
vertex() { "$loam" inspect --vertex "$@" >"$work/out" 2>"$work/err"; }
# A copy of the directory of the server that was ended, to be damaged.
copy() { rm -rf "$work/copy" && cp -r "$work/node" "$work/copy"; }
tables() { find "$work/copy" -name '*.sst' | sort; }
table_of() { # kind
    local table
    for table in $(tables); do
        "$loam" inspect "$table" | grep -q "^  kind *$1\$" && echo "$table" && return
    done
}
flip() { # file offset
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf '%02x' $((byte ^ (1 << RANDOM % 8))))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Edges in four flushes, with deletions in between: node 0 is the hub, nodes 1..1200 its neighbours.
a_hub_is_told_beside_a_running_server() {
    start_server --lab || return 1
    query "CREATE (:Hub {name: 'hub', year: 1999, tags: ['a', 'b']})" && query "MATCH (h:Hub) UNWIND range(1, 1200) AS i CREATE (h)-[:KNOWS]->(:Leaf {n: i})" && flush &&
        query "MATCH (h:Hub), (l:Leaf) WHERE l.n % 3 = 0 CREATE (l)-[:LIKES]->(h)" && query "MATCH (h:Hub)-[r:KNOWS]->(l:Leaf) WHERE l.n <= 256 DELETE r" && flush &&
        query "MATCH (h:Hub), (l:Leaf) WHERE l.n % 4 = 0 CREATE (h)-[:LIKES]->(l)" && query "MATCH (h:Hub) SET h.year = 2024" && flush &&
        query "MATCH (h:Hub)-[r:LIKES]->(l:Leaf) WHERE l.n > 1100 DELETE r" && query "MATCH (l:Leaf {n: 1200}) DETACH DELETE l" && query "MATCH (h:Hub) SET h:Old" && cli set text x >/dev/null && cli set more x >/dev/null || return 1
    vertex g 0 "$work/node" || return 1
    grep -q '^node 0 of graph "g" ([0-9]*), as of entry [0-9]*; the graph has 1200 nodes and ' "$work/out" && grep -q '^  label     Hub  (0; its index row: 20 bytes of key)$' "$work/out" &&
        grep -q '^  label     Old  (2; ' "$work/out" && grep -q '^  property  year = integer 2024  (3 bytes, and 1 of its key, 2)$' "$work/out" && grep -q '^  property  tags = list of 2: string "a", string "b"  ' "$work/out" &&
        grep -qE '^out: degree 1218, 1500 slots given out, (6 blocks, 1 of them empty|5 blocks); head: 5 bytes, and 17 of its key$' "$work/out" && grep -q '^in: degree 399, 400 slots given out, 2 blocks; ' "$work/out" &&
        grep -q '^  types: KNOWS 943, LIKES 275$' "$work/out" && grep -qE '^ +1 +256 +1 +5[0-9]{2} +16\.[0-9]{2} .*  KNOWS 256$' "$work/out" && ! grep -q damage "$work/out" || { cat "$work/out"; return 1; }
}
rows_lie_in_the_memtable_and_in_tables() {
    vertex g 0 "$work/node" --levels || return 1
    grep -qE '^  node +memtable .* put +[0-9]+  shown +2 labels, ' "$work/out" && grep -qE '^  node +level [0-9], file [0-9]+ +0 at 64 .* put +[0-9]+  older ' "$work/out" && grep -qE '^  out block 5 +memtable .* merge operand +[0-9]+  folded +0 put in, [0-9]+ taken out$' "$work/out" &&
        grep -qE '^  label 2 +memtable .* shown' "$work/out" && grep -qE '^  label 0 +level .* shown' "$work/out" && grep -qE '^  level [0-9], file [0-9]+ .* [1-9][0-9]* (folded|shown)' "$work/out" || { cat "$work/out"; return 1; }
    # what counts and what is garbage, by place, is what the versions one by one are
    [ "$(grep -cE '  (shown|folded) ' <(sed -n '/^  row /,$p' "$work/out"))" = "$(sed -n '/^  place /,/been asked/p' "$work/out" | grep -oE '[0-9]+ (shown|folded)' | awk '{ n += $1 } END { print n }')" ] || { cat "$work/out"; return 1; }
}
a_block_is_told_to_its_last_byte() {
    vertex g 0 "$work/node" --direction out --block 1 || return 1
    grep -qE '^out block 1: 5[0-9]{2} bytes$' "$work/out" && grep -qE '^ +0 +1  01 +version 1$' "$work/out" && grep -qE '^ +1 +3  008002 +group: type \+0 = 0 \(KNOWS\), 256 entries$' "$work/out" &&
        grep -qE '^ +4 +4  81028004 +entry 0: node \+257 = 257, edge \+256 = 256 ' "$work/out" && grep -qE ' entry 255: node \+1 = 512, edge \+1 = 511 ' "$work/out" || { head -n 20 "$work/out"; return 1; }
    [ "$(awk '/^out block/ { want = $4 } $1 ~ /^[0-9]+$/ && $2 ~ /^[0-9]+$/ { if ($1 != at) exit 1; at += $2 } END { print want - at }' "$work/out")" = 0 ] || { echo "bytes are missing"; return 1; }
}
the_same_as_one_object() {
    [ -x /usr/bin/python3 ] || { skip "python3 is not installed"; return; }
    vertex g 0 "$work/node" --json --levels --block 1 || return 1
    /usr/bin/python3 - "$work/out" <<'PYTHON'
import json, sys
told = json.load(open(sys.argv[1]))
assert told["graph"] == "g" and told["node"] == 0 and told["error"] == "" and told["damage"] == [] and told["row"]["status"] == "ok", told["row"]
assert [label["name"] for label in told["row"]["labels"]] == ["Hub", "Old"] and told["row"]["properties"][2]["value"] == "integer 2024"
for each in told["lists"]:
    assert each["entries"] == each["degree"] == sum(block["entries"] for block in each["blocks"]) == sum(kind["entries"] for kind in each["types"])
    for block in each["blocks"]:
        assert block["value_bytes"] == block["neighbour_bytes"] + block["edge_bytes"] + block["head_bytes"] + block["malformed_bytes"], block
        assert abs(block["bits_an_edge"] * block["entries"] - 8 * block["value_bytes"]) < 1 or not block["entries"]
for fate in "shown", "folded", "tombstone", "older", "covered":
    assert sum(source[fate] for source in told["sources"]) == sum(version["is"] == fate for version in told["versions"]), fate
    assert sum(source[fate + "_bytes"] for source in told["sources"]) == sum(v["key_bytes"] + v["value_bytes"] for v in told["versions"] if v["is"] == fate)
shown = [version["row"] for version in told["versions"] if version["is"] == "shown"]
assert len(shown) == len(set(shown)) and "node" in shown and "out head" in shown and "in head" in shown, shown
assert len({version["row"] for version in told["versions"]}) == told["rows"]
for block in told["block"]:
    at = 0
    for piece in block["pieces"]:
        assert piece["at"] == at and len(piece["hex"]) == 2 * piece["bytes"], piece
        at += piece["bytes"]
    assert at == block["bytes"] and block["status"] == "ok"
PYTHON
}
one_direction_alone_and_long_tables_whole() {
    vertex g 0 "$work/node" --direction in --levels || return 1
    grep -q '^in: ' "$work/out" && ! grep -qE '^out: |^  out ' "$work/out" || { cat "$work/out"; return 1; }
    query "CREATE (:Wide)" && query "MATCH (w:Wide) UNWIND range(1, 20000) AS i CREATE (w)-[:T]->(w)" && cli set text y >/dev/null || return 1
    vertex g 1201 "$work/node" || return 1
    grep -q '^      .. and 15 blocks more (--all)$' "$work/out" && grep -q '^out: degree 20000, ' "$work/out" || { cat "$work/out"; return 1; }
    vertex g 1201 "$work/node" --all && ! grep -q ' more (--all)' "$work/out" && grep -qE '^ +78 +32 ' "$work/out" || { tail -n 5 "$work/out"; return 1; }
    "$loam" inspect --vertex g 1201 "$work/node" --all --levels 2>/dev/null | head -n 3 >/dev/null
}
an_external_id_leads_to_its_node() {
    printf ':ID\na\n7\nb\nab\n' >"$work/nodes.csv" && printf ':START_ID,:END_ID\na,7\na,b\n' >"$work/edges.csv"
    "$loam" import --as graph --to "127.0.0.1:$port" --graph imported --edge-type R "$work/nodes.csv" "$work/edges.csv" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
    cli set text z >/dev/null
    vertex imported a "$work/node" && grep -q '^  external  a  (its index row: 10 bytes)$' "$work/out" && grep -q '^out: degree 2, ' "$work/out" || { cat "$work/out" "$work/err"; return 1; }
    vertex imported 7 "$work/node" && return 1
    grep -q 'graph "imported" has no node 7: ids up to 3 were given out' "$work/err" && vertex imported 7 "$work/node" --external && grep -q '^  external  7 ' "$work/out" || { cat "$work/out" "$work/err"; return 1; }
    vertex imported a "$work/node" --levels # and not that of "ab"
    [ "$(grep -c '^  external id  ' "$work/out")" = 1 ] || { cat "$work/out"; return 1; }
    vertex imported nobody "$work/node"
    [ $? = 1 ] && grep -q 'has no node with the external id "nobody"' "$work/err"
}
a_deleted_node_leaves_rows_that_are_told() {
    vertex g 1200 "$work/node" --levels
    [ $? = 1 ] && grep -q 'graph "g" has no node 1200; it was deleted; what is left of its rows is told$' "$work/err" && grep -qE '^  node +memtable .* delete +0  tombstone' "$work/out" &&
        grep -qE '^  out block 0 +level .* older ' "$work/out" && ! grep -qE '  (shown|folded) ' "$work/out" || { cat "$work/out" "$work/err"; return 1; }
}
what_is_not_there_is_refused() {
    local words
    while read -r words; do
        # shellcheck disable=SC2086
        "$loam" inspect --vertex $words >"$work/out" 2>"$work/err"
        [ $? = 1 ] && grep -q '^loam inspect' "$work/err" || { echo "$words"; cat "$work/err"; return 1; }
    done <<END
nosuch 0 $work/node
text 0 $work/node
g 99999999 $work/node
g 0 $work/node --block 77
g 0 $work/node --block x
g 0 $work/node --direction up
g 0 $work/nosuch
g 0 $work
g 0
g
END
    vertex nosuch 0 "$work/node"
    grep -q 'there is no graph "nosuch"; the store has 2: ' "$work/err" && vertex text 0 "$work/node"
    grep -q '"text" is no graph' "$work/err" || { cat "$work/err"; return 1; }
    kill_server
    vertex g 0 "$work/node" && grep -q '^out: degree 1218' "$work/out" || { cat "$work/err"; return 1; }
    vertex g 0 "$(find "$work/node" -name 'engine-*')" && grep -q '^out: degree 12' "$work/out" # the store by itself: no seed, no log
}
a_store_without_graphs_says_so() {
    local kept=$work/node
    work=$work/other
    mkdir "$work" && start_server && cli set text x >/dev/null && kill_server
    work=${work%/other}
    [ "$kept" = "$work/node" ] || return 1
    vertex g 0 "$work/other/node"
    [ $? = 1 ] && grep -q 'there is no graph "g": the store has no graph at all' "$work/err" || { cat "$work/err"; return 1; }
}

# ---- Damage: of copies -------------------------------------------------------------------------------------------------

a_flipped_bit_is_told_of_its_own_file() {
    start_server --lab && flush && kill_server && copy || return 1 # all rows are in tables
    local table
    table=$(table_of 28) && [ -n "$table" ] && flip "$table" 150 || return 1
    vertex g 0 "$work/copy"
    [ $? = 2 ] && grep -q "^damage: .*$(basename "$table"): data block 0 at offset 64 " "$work/out" && grep -q "^may be lost: versions of this node's rows in block 0 of [0-9]* in file $((10#$(basename "$table" .sst))) of level" "$work/out" &&
        grep -q "Of the edges' own rows, 1218 have the node as their source; the blocks that can be read hold [0-9]* of its out list" "$work/out" && grep -q '^  property  year = integer 2024 ' "$work/out" || { cat "$work/out" "$work/err"; return 1; }
    vertex g 0 "$work/copy" --json --levels
    [ $? = 2 ] && grep -q '"damaged":true' "$work/out" || return 1
}
a_table_that_stands_in_for_another_is_told() {
    copy
    local nodes edges
    nodes=$(table_of 26) edges=$(table_of 27)
    mv "$nodes" "$work/held" && mv "$edges" "$nodes" && mv "$work/held" "$edges"
    vertex g 0 "$work/copy"
    [ $? = 2 ] && grep -q "$(basename "$nodes"): offset 0: it is file $((10#$(basename "$edges" .sst))) of store " "$work/out" && grep -q "^may be lost: versions of this node's rows in file $((10#$(basename "$nodes" .sst))) of level" "$work/out" && grep -q '^out: degree 1218' "$work/out" || { cat "$work/out" "$work/err"; return 1; }
}
a_table_that_is_gone_is_told_with_what_was_lost() {
    copy
    local table
    table=$(table_of 28)
    rm "$table"
    vertex g 0 "$work/copy" --direction out
    [ $? = 2 ] && grep -q "$(basename "$table"): not there\|$(basename "$table"): not found" "$work/out" && grep -q "Of the edges' own rows, 1218 have the node as their source; the blocks" "$work/out" && grep -q "^may be lost: versions of this node's rows in file $((10#$(basename "$table" .sst))) of level" "$work/out" || { cat "$work/out" "$work/err"; return 1; }
    # the name space's table is gone: the graph is found by its own row
    copy
    table=$(table_of 2)
    rm "$table"
    vertex g 0 "$work/copy"
    [ $? = 2 ] && grep -q '^out: degree 1218' "$work/out" && grep -q "$(basename "$table")" "$work/out" || { cat "$work/out" "$work/err"; return 1; }
}
a_graph_is_found_under_the_superblock_of_another_cluster() {
    "$build/loamd" --init --dir "$work/stranger" --node-id 1 --cluster "1@127.0.0.1:7101@7001,2@127.0.0.1:7102@7002" >/dev/null 2>&1 || return 1
    copy && cp "$work/stranger/superblock" "$work/copy/superblock"
    vertex g 0 "$work/copy"
    [ $? = 2 ] && grep -q "^damage: the node can't be read as a whole: .*wal: offset 0: the segment of another store" "$work/out" && grep -q "^lost: the name's row is not where the seed in the superblock puts it" "$work/out" && grep -q '^out: degree 1218' "$work/out" || { cat "$work/out" "$work/err"; return 1; }
}
random_damage_never_crashes_and_blames_no_other_file() {
    local seed=${LOAM_SEED:-$RANDOM} round file size code said
    echo "LOAM_SEED=$seed"
    RANDOM=$seed
    copy
    local files
    mapfile -t files < <(find "$work/copy" -type f -size +0 | sort)
    for ((round = 0; round < 60; round++)); do
        file=${files[RANDOM % ${#files[@]}]}
        cp "$file" "$work/held"
        size=$(stat -c %s "$file")
        case $((RANDOM % 4)) in
        0) truncate -s $(((RANDOM * 32768 + RANDOM) % size)) "$file" ;;
        1) rm "$file" ;;
        2) cat "${files[RANDOM % ${#files[@]}]}" >"$work/other_file" && mv "$work/other_file" "$file" ;;
        *) flip "$file" $(((RANDOM * 32768 + RANDOM) % size)) ;;
        esac
        for said in "" --json "--levels --block 1"; do
            # shellcheck disable=SC2086
            timeout 60 "$loam" inspect --vertex g $((RANDOM % 3)) "$work/copy" $said >"$work/out" 2>"$work/err"
            code=$?
            [ $code -le 2 ] && ! grep -q 'Sanitizer\|runtime error' "$work/err" || { echo "round $round, $file $said: $code"; cat "$work/out" "$work/err"; return 1; }
            [ "$said" != --json ] || [ ! -x /usr/bin/python3 ] || /usr/bin/python3 -m json.tool "$work/out" >/dev/null || { echo "round $round: no JSON"; return 1; }
            # only the file that was damaged is blamed
            if [[ $file = *.sst ]] && grep -oE '[0-9]{10}\.sst' "$work/out" "$work/err" -h | grep -v "$(basename "$file")" >"$work/blamed"; then
                echo "round $round: $file was damaged, and told of was"
                sort -u "$work/blamed"
                return 1
            fi
        done
        cp "$work/held" "$file"
    done
}
nothing_is_changed() {
    copy
    local before table said
    table=$(table_of 28)
    for said in "" "--json --levels --block 0" "--external" "--all --uncommitted"; do
        before=$(sum "$work/copy")
        # shellcheck disable=SC2086
        vertex g 0 "$work/copy" $said
        [ "$before" = "$(sum "$work/copy")" ] || { echo "$said"; return 1; }
        flip "$table" 100
    done
}

run_tests
