#!/bin/bash
# loam dump and loam load, as programs: what comes back is what was there, bit for bit, also when a loader or a node is killed, and by redis-cli; what is damaged is told.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    a_dump_that_was_loaded_is_dumped_alike
    a_server_answers_the_same_afterwards
    samples_that_are_no_numbers_come_back
    a_graphs_ids_go_on_where_they_did
    dumping_changes_nothing
    redis_cli_loads_it_as_well
    strings_go_into_redis_and_are_the_same_there
    names_that_are_there_are_refused_skipped_or_replaced
    a_server_that_wants_a_password_is_told_it
    a_cut_or_flipped_file_is_not_begun
    a_cut_stream_says_what_was_loaded
    a_device_or_a_directory_is_not_replaced
    a_verified_file_needs_no_server
    names_beyond_memory_are_sorted_all_the_same
    beside_a_running_node_a_dump_is_one_state
    a_loader_that_was_killed_goes_on
    nodes_that_are_killed_meanwhile_change_nothing
    a_damaged_store_is_told_and_the_rest_comes_with_partial
    a_command_line_that_is_not_understood_exits_with_1
)

cluster=
trap '[ -n "$server" ] && kill -9 "$server" 2>/dev/null; [ -n "$cluster" ] && "$loam" cluster stop --dir "$cluster" >/dev/null 2>&1; rm -rf "$work"' EXIT

state() { find "$1" -printf '%P %s %T@ %C@\n' | sort; find "$1" -type f -exec sha256sum {} + | sort; }
body() { tail -n +6 "$1"; } # without the head, which says whose it is: an ECHO has five lines
same() { cmp <(body "$1") <(body "$2"); }
serve() { # folder under $work, extra arguments
    [ -n "$server" ] && kill_server
    node_dir=$work/$1
    start_server "${@:2}"
}
dump() { "$loam" dump "$1" --output "$2" --uncommitted "${@:3}" 2>"$work/err" || { cat "$work/err"; return 1; }; }
load() { "$loam" load "$1" --to "127.0.0.1:$port" "${@:2}" >"$work/out" 2>"$work/err"; }
loads() { load "$@" || { cat "$work/out" "$work/err"; return 1; }; }
wait_for() { # a command that holds at last
    for _ in $(seq 2000); do
        "$@" && return 0
        read -rt 0.005 <> <(:)
    done
    echo "never: $*"
    return 1
}

# A store with something of everything in $work/a, killed; its dump in $work/a.resp.
everything() {
    [ -f "$work/a.resp" ] && return 0
    serve a || return 1
    "$loam" cli -p "$port" >"$work/made" <<'END' || return 1
set plain value
set "" "an empty name"
set empty ""
set "\x00\xff\r\n" "\x00\r\n$5\r\n"
set later 1 PXAT 4102444800000
setrange large 2500000 end
pexpireat large 4102444800001
mset k:1 1 k:2 2 k:10 10
incrbyfloat k:1 0.1
ts.create "bare series"
ts.create full RETENTION 5000000 CHUNK_SIZE 128 DUPLICATE_POLICY sum LABELS room kitchen z 1 a 2
pexpireat full 4102444800002
ts.add full 1 -0
ts.restore full 2 nan
ts.restore full 3 nan:fff8000000000001
ts.restore full 4 inf
ts.restore full 5 -inf
ts.add full 6 5e-324
ts.add full 7 1.7976931348623157e308
ts.add full 8 0.1
ts.add full 9 123456789012345678
ts.create first DUPLICATE_POLICY first
ts.create blocks DUPLICATE_POLICY block
ts.madd first 10 1 blocks 10 1 first 20 2.5
graph.query g "UNWIND range(0,1999) AS i CREATE (:P:Q {n: i, f: 1.0/(i+1), s: toString(i), l: [i, 'a', true, 0.5], b: i%2=0})-[:R {w: i}]->(:T)"
graph.query g "MATCH (n:P) WHERE n.n % 7 = 3 DETACH DELETE n"
graph.query g "MATCH (n:P) WHERE n.n >= 500 AND n.n < 900 DETACH DELETE n"
graph.query g "MATCH (a:P {n: 1}), (b:T) WITH a, b LIMIT 300 CREATE (a)-[:R2]->(b), (a)-[:R2]->(b), (a)-[:SELF]->(a)"
graph.query g "CREATE (x:Last)-[:R3 {only: -0.0}]->(x)"
graph.query g "MATCH (x:Last) DETACH DELETE x"
graph.query full2 "CREATE (a:A)-[:R]->(b:B), (b)-[:R]->(c:C), (c)-[:S]->(a)"
graph.query full2 "MATCH ()-[r:R]->() DELETE r"
graph.query gone "CREATE (a:A)-[:R]->(a)"
graph.query gone "MATCH (a) DETACH DELETE a"
graph.query none "CREATE (a)"
graph.query none "MATCH (a) DELETE a"
pexpireat none 4102444800003
graph.import i NODES 2 :ID name:string 3 ann Ann bob Bob eve Eve EDGES 3 :START_ID :END_ID :TYPE=KNOWS 2 ann bob bob eve
graph.query i "CREATE (:New)-[:R]->(:New)"
graph.query i "MATCH (n {name: 'Bob'}) DETACH DELETE n"
graph.import i NODES 2 :ID name:string 2 dan Dan fay Fay
END
    grep -n '^ERR\|^WRONG\|^TSDB' "$work/made" && return 1
    kill_server
    dump "$work/a" "$work/a.resp"
}
# A large one: strings, a long series, a graph; $work/c.resp.
large() {
    [ -f "$work/c.resp" ] && return 0
    serve c || return 1
    { seq 40000 | sed 's/.*/set name:& value:&/'
      seq 0 499 | while read -r n; do
          line="ts.madd"
          for t in $(seq $((n * 100)) $((n * 100 + 99))); do line="$line long $t $t.25"; done
          [ "$n" = 0 ] && echo "ts.create long duplicate_policy sum"
          echo "$line"
      done
      for _ in 1 2 3 4; do
          echo 'graph.query zgraph "UNWIND range(1,5000) AS i CREATE (:P {n: i, text: toString(i)})-[:R {w: i}]->(:T)"'
      done
    } | "$loam" cli -p "$port" >"$work/made" || return 1
    grep -n '^ERR\|^WRONG\|^TSDB' "$work/made" && return 1
    kill_server
    dump "$work/c" "$work/c.resp"
}

a_dump_that_was_loaded_is_dumped_alike() {
    everything && serve b && loads "$work/a.resp" || return 1
    grep -q '^  loaded 18 names, skipped 0$' "$work/out" || { cat "$work/out"; return 1; }
    cli keys 'loam:load:*' | grep -q load && return 1
    kill_server
    dump "$work/b" "$work/b.resp" && same "$work/a.resp" "$work/b.resp"
}
# Everything a client can ask for, of the store at $1.
answers() {
    serve "$1" || return 1
    { for key in plain "" empty later large k:1 k:2 k:10; do cli get "$key" | sha256sum; cli pexpiretime "$key"; done
      for key in full first blocks "bare series"; do cli ts.range "$key" - +; cli pexpiretime "$key"; cli ts.info "$key" | grep -A30 -e totalSamples -e retention -e labels | grep -v -e memory -e '^[0-9]*$'; done
      for key in g full2 gone none i; do
          cli type "$key"; cli pexpiretime "$key"
          cli -3 graph.export "$key" nodes 0 COUNT 100000 | tail -n +2 # without the entry that changed it last
          cli -3 graph.export "$key" edges 0 COUNT 100000 | tail -n +2
      done
      cli graph.ro_query g "MATCH (a:P)-[r]->(b) RETURN id(a), id(r), id(b), type(r), r.w ORDER BY id(r)" | grep -v -e time -e Cached
      cli ts.queryindex room=kitchen
      cli graph.query i "MATCH (n) RETURN labels(n), n.name, id(n) ORDER BY id(n)" | grep -v -e time -e Cached
      cli dbsize; } >"$work/answers.$1" 2>&1
    kill_server
}
a_server_answers_the_same_afterwards() {
    answers a && answers b && [ "$(wc -l <"$work/answers.a")" -gt 10000 ] && diff "$work/answers.a" "$work/answers.b" | head -20
    cmp "$work/answers.a" "$work/answers.b"
}
samples_that_are_no_numbers_come_back() {
    "$loam" inspect --series full --chunk 1 "$work/a" >"$work/bits.a" 2>/dev/null && "$loam" inspect --series full --chunk 1 "$work/b" >"$work/bits.b" 2>/dev/null || return 1
    grep -q inf "$work/bits.a" && diff <(tail -n +2 "$work/bits.a") <(tail -n +2 "$work/bits.b")
}
a_graphs_ids_go_on_where_they_did() { # also those of what was deleted last
    local of
    for of in a b; do
        serve $of || return 1
        for key in g gone none i full2; do cli graph.query "$key" "CREATE (a:Z)-[r:Z]->(b:Z) RETURN id(a), id(r), id(b)" | head -9; done | grep -v time >"$work/ids.$of"
        "$loam" cli -p "$port" del g gone none i full2 >/dev/null
        kill_server
    done
    [ "$(wc -l <"$work/ids.a")" -gt 20 ] && diff "$work/ids.a" "$work/ids.b"
}
dumping_changes_nothing() {
    state "$work/a" >"$work/before"
    "$loam" dump "$work/a" >/dev/null 2>&1 && dump "$work/a" "$work/again.resp" || return 1
    state "$work/a" >"$work/after"
    diff "$work/before" "$work/after"
}
redis_cli_loads_it_as_well() {
    command -v redis-cli >/dev/null || { skip "redis-cli is not installed"; return; }
    serve r && redis-cli -p "$port" --pipe <"$work/a.resp" >"$work/out" 2>&1 && grep -q 'errors: 0' "$work/out" || { cat "$work/out"; return 1; }
    kill_server
    dump "$work/r" "$work/r.resp" && same "$work/a.resp" "$work/r.resp"
}
strings_go_into_redis_and_are_the_same_there() {
    command -v redis-server >/dev/null || { skip "redis-server is not installed"; return; }
    serve s || return 1
    { printf 'set "\\x00\\xff\\r\\n" "\\x00\\r\\n$5"\nset later 1 PXAT 4102444800000\nset plain "a b"\nsetrange large 2500000 end\npexpireat large 4102444800001\nset "" ""\n'
      seq 500 | sed 's/.*/set name:& value:&/'; } | "$loam" cli -p "$port" >/dev/null || return 1
    local mine=$port redis redis_port=$((port - 3000)) key
    dump "$work/s" "$work/s.resp" || return 1
    mkdir "$work/redis"
    (cd "$work/redis" && exec redis-server --port $redis_port --bind 127.0.0.1 --save '' --appendonly no >"$work/redis.log" 2>&1) &
    redis=$!
    wait_for redis_is_there $redis_port || { kill -9 $redis; return 1; }
    redis-cli -p $redis_port --pipe <"$work/s.resp" >"$work/out" 2>&1
    local ok=1
    grep -q 'errors: 0' "$work/out" || { cat "$work/out"; ok=0; }
    for key in later plain large "" name:1 name:500; do
        [ "$(redis-cli -p $redis_port get "$key" | sha256sum)" = "$(redis-cli -p "$mine" get "$key" | sha256sum)" ] || ok=0
        [ "$(redis-cli -p $redis_port pexpiretime "$key")" = "$(redis-cli -p "$mine" pexpiretime "$key")" ] || ok=0
    done
    [ "$(redis-cli -p $redis_port dbsize)" = "$(redis-cli -p "$mine" dbsize)" ] && [ "$(redis-cli -p "$mine" dbsize)" = 505 ] || ok=0
    [ "$(printf 'GET "\\x00\\xff\\r\\n"\n' | redis-cli -p $redis_port | sha256sum)" = "$(printf 'GET "\\x00\\xff\\r\\n"\n' | redis-cli -p "$mine" | sha256sum)" ] || ok=0
    "$loam" load "$work/s.resp" --to "127.0.0.1:$redis_port" --skip-existing >"$work/out" 2>&1 && grep -q 'skipped 505$' "$work/out" || { cat "$work/out"; ok=0; }
    redis-cli -p $redis_port flushall >/dev/null
    "$loam" load "$work/s.resp" --to "127.0.0.1:$redis_port" >"$work/out" 2>&1 && [ "$(redis-cli -p $redis_port dbsize)" = 505 ] || { cat "$work/out"; ok=0; }
    [ "$(redis-cli -p $redis_port get large | sha256sum)" = "$(redis-cli -p "$mine" get large | sha256sum)" ] || ok=0
    kill -9 $redis
    wait $redis 2>/dev/null
    kill_server
    [ $ok = 1 ]
}
redis_is_there() { redis-cli -p "$1" ping 2>/dev/null | grep -q PONG; }
names_that_are_there_are_refused_skipped_or_replaced() {
    serve e || return 1
    cli set full mine >/dev/null && cli ts.add plain 1 1 >/dev/null && cli graph.query i "CREATE (:Mine)" >/dev/null || return 1
    load "$work/a.resp" && return 1
    [ $? = 1 ] && [ "$(cli dbsize)" = 3 ] && grep -q '3 names are there already, and nothing was loaded' "$work/err" && grep -q '"plain" (offset [0-9]*): it is there already' "$work/err" || { cat "$work/err"; return 1; }
    loads "$work/a.resp" --skip-existing && grep -q 'loaded 15 names, skipped 3$' "$work/out" && [ "$(cli get full)" = mine ] && [ "$(cli type plain)" = TSDB-TYPE ] || { cat "$work/out"; return 1; }
    loads "$work/a.resp" --replace && grep -q 'loaded 18 names, skipped 0$' "$work/out" || { cat "$work/out"; return 1; }
    kill_server
    dump "$work/e" "$work/e.resp" && same "$work/a.resp" "$work/e.resp"
}
a_server_that_wants_a_password_is_told_it() {
    serve p || return 1
    cli config set requirepass secret >/dev/null || return 1
    load "$work/a.resp"
    [ $? = 1 ] && grep -q NOAUTH "$work/err" || { cat "$work/err"; return 1; }
    load "$work/a.resp" --password wrong
    [ $? = 1 ] && grep -q WRONGPASS "$work/err" || { cat "$work/err"; return 1; }
    loads "$work/a.resp" --password secret && grep -q 'loaded 18 names' "$work/out" || { cat "$work/out"; return 1; }
    "$loam" cli -p "$port" -a secret graph.query mine "CREATE (:P)" >/dev/null || return 1
    "$loam" export --to "127.0.0.1:$port" --password secret --format dot mine 2>/dev/null | grep -q digraph || { echo export; return 1; }
    echo '1500000000,1' >"$work/imported.csv"
    "$loam" import --to "127.0.0.1:$port" --password secret "$work/imported.csv" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
    [ "$("$loam" cli -p "$port" -a secret exists imported)" = 1 ]
}
a_cut_or_flipped_file_is_not_begun() {
    serve f || return 1
    local size flip
    size=$(stat -c %s "$work/a.resp")
    for part in 1 2 3; do
        head -c $((size * part / 4)) "$work/a.resp" >"$work/cut"
        load "$work/cut"
        [ $? = 3 ] && grep -q "cut: offset [0-9]*: the stream ends here, before its end mark" "$work/err" && [ "$(cli dbsize)" = 0 ] || { cat "$work/err"; return 1; }
    done
    for flip in $((size / 5)) $((size / 2)) $((size - 20)); do
        cp "$work/a.resp" "$work/flipped"
        printf '\x7e' | dd of="$work/flipped" bs=1 seek="$flip" conv=notrunc 2>/dev/null
        cmp -s "$work/a.resp" "$work/flipped" && return 1
        load "$work/flipped"
        [ $? = 2 ] && [ "$(cli dbsize)" = 0 ] && grep -q 'nothing was loaded' "$work/err" || { cat "$work/err"; return 1; }
    done
}
a_cut_stream_says_what_was_loaded() { # still of the server before
    large || return 1
    serve g || return 1
    head -c 1800000 "$work/c.resp" | load -
    [ $? = 3 ] && grep -q 'standard input: offset [0-9]*: the stream ends here' "$work/err" && grep -q 'what was loaded stays: [0-9]* names; --skip-existing goes on' "$work/err" || { cat "$work/err"; return 1; }
    local there
    there=$(cli dbsize)
    [ "$there" -gt 1000 ] || return 1
    loads - --skip-existing <"$work/c.resp" || return 1
    kill_server
    dump "$work/g" "$work/g.resp" && same "$work/c.resp" "$work/g.resp"
}
a_device_or_a_directory_is_not_replaced() {
    local name
    everything && mkfifo "$work/pipe" && mkdir "$work/folder" && ln -s /dev/null "$work/null" || return 1
    for name in pipe folder null; do
        "$loam" dump "$work/a" --output "$work/$name" 2>"$work/err"
        [ $? = 1 ] && grep -q "$work/$name is there and is no file" "$work/err" && [ ! -e "$work/$name.part" ] || { cat "$work/err"; return 1; }
    done
    [ -p "$work/pipe" ] && [ -d "$work/folder" ] && [ -L "$work/null" ]
}
a_verified_file_needs_no_server() {
    "$loam" load --verify "$work/a.resp" >"$work/out" && grep -q '9 strings, 4 series (12 samples), 5 graphs' "$work/out" || { cat "$work/out"; return 1; }
    head -c 1000 "$work/a.resp" | "$loam" load --verify - >"$work/out" 2>"$work/err"
    [ $? = 3 ]
}
names_beyond_memory_are_sorted_all_the_same() {
    large && dump "$work/c" "$work/runs.resp" --names-mib 1 && cmp "$work/c.resp" "$work/runs.resp" || return 1
    tr '\r' '\n' <"$work/c.resp" | grep -a '^name:' | LC_ALL=C sort -c && [ "$(tr '\r' '\n' <"$work/c.resp" | grep -ac '^name:')" = 40000 ]
}
beside_a_running_node_a_dump_is_one_state() {
    serve h --memtable-bytes 65536 || return 1
    touch "$work/writes"
    (i=0; while [ -e "$work/writes" ]; do i=$((i + 1)); echo "mset one $i two $i fill:$((i % 500)) $(printf 'x%.0s' {1..200})"; done | "$loam" cli -p "$port" >/dev/null 2>&1) &
    local writer=$! round one two last=0
    wait_for more_than 100 || return 1
    for round in $(seq 20); do
        "$loam" dump "$work/h" 2>"$work/err" >"$work/h.resp" || { cat "$work/err"; rm "$work/writes"; return 1; }
        "$loam" load --verify "$work/h.resp" >/dev/null || { rm "$work/writes"; return 1; }
        one=$(tr -d '\r' <"$work/h.resp" | grep -a -A2 '^one$' | tail -1) two=$(tr -d '\r' <"$work/h.resp" | grep -a -A2 '^two$' | tail -1)
        [ "$one" = "$two" ] && [ "${one:-0}" -ge "$last" ] || { echo "one $one, two $two, before $last"; rm "$work/writes"; return 1; }
        last=${one:-0}
    done
    rm "$work/writes"
    wait $writer
    kill_server
    [ "$last" -gt 0 ]
}
more_than() { [ "$(cli dbsize 2>/dev/null || echo 0)" -gt "$1" ] 2>/dev/null; }
stand_in_is_there() { cli keys 'loam:load:*' 2>/dev/null | grep -q load; }
a_loader_that_was_killed_goes_on() {
    large && serve k || return 1
    "$loam" load "$work/c.resp" --to "127.0.0.1:$port" >/dev/null 2>&1 &
    local loader=$!
    wait_for more_than 5 || return 1
    kill -9 $loader
    wait $loader 2>/dev/null
    local part
    part=$(cli dbsize)
    [ "$part" -lt 40002 ] || echo "it was too fast to be killed among the strings"
    "$loam" load "$work/c.resp" --to "127.0.0.1:$port" --skip-existing >/dev/null 2>&1 &
    loader=$!
    wait_for stand_in_is_there || return 1
    kill -9 $loader
    wait $loader 2>/dev/null # in the middle of the series, or the graph
    loads "$work/c.resp" --skip-existing || return 1
    grep -q 'skipped [1-9]' "$work/out" || { cat "$work/out"; return 1; }
    stand_in_is_there && return 1
    kill_server
    dump "$work/k" "$work/k.resp" && same "$work/c.resp" "$work/k.resp"
}
nodes_that_are_killed_meanwhile_change_nothing() {
    cluster=$work/cluster
    local base=$((20000 + RANDOM % 4000)) loader i
    large && "$loam" cluster start --dir "$cluster" --nodes 3 --base-port $base >"$work/out" 2>&1 || { cat "$work/out"; cluster=; return 1; }
    port=$((base + 1))
    "$loam" load "$work/c.resp" --to "127.0.0.1:$((base + 1)),127.0.0.1:$((base + 2)),127.0.0.1:$((base + 3))" >"$work/load.out" 2>&1 &
    loader=$!
    wait_for more_than 1000 || return 1
    for i in 1 2 3 1 2 3; do
        kill -0 $loader 2>/dev/null || break
        "$loam" cluster kill $i --dir "$cluster" >/dev/null 2>&1
        read -rt 0.3 <> <(:)
        "$loam" cluster restart $i --dir "$cluster" >/dev/null 2>&1
    done
    wait $loader || { cat "$work/load.out"; return 1; }
    grep -q '[1-9][0-9]* commands were sent again' "$work/load.out" || { echo "no command met a dead node:"; cat "$work/load.out"; return 1; }
    cli set one-more x >/dev/null && cli del one-more >/dev/null && cli wait 2 5000 >/dev/null
    "$loam" cluster stop --dir "$cluster" >/dev/null 2>&1
    dump "$cluster/node-1" "$work/n.resp" && cluster= && same "$work/c.resp" "$work/n.resp"
}
a_damaged_store_is_told_and_the_rest_comes_with_partial() {
    serve d --lab || return 1
    { seq 30000 | sed 's/.*/set name:& value:&/'
      echo 'ts.create series chunk_size 128'
      seq 1 4000 | awk '{print "ts.add series " $1 " " $1 * 0.7}'
      echo 'graph.query graph "UNWIND range(1,9000) AS i CREATE (:P {n: i, text: toString(i)})-[:R {w: i}]->(:T)"'
      echo 'debug flush'; echo 'set end x'; echo 'set end y'; } | "$loam" cli -p "$port" >/dev/null || return 1
    wait_for flushed || return 1
    kill_server
    dump "$work/d" "$work/d.resp" || return 1
    local file place code missing
    cp -r "$work/d" "$work/sound" # a file may be one that no edit names any more: so all large ones are damaged at one place
    for place in 5 25 45 65 85; do
        rm -rf "$work/d" && cp -r "$work/sound" "$work/d"
        for file in $(find "$work/d" -name '*.sst' -size +50k); do
            printf '\xa5\x5a\xa5\x5a' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") * place / 100)) conv=notrunc 2>/dev/null
        done
        rm -f "$work/part.resp"
        "$loam" dump "$work/d" --uncommitted --output "$work/part.resp" 2>"$work/err"
        code=$?
        [ $code = 2 ] && [ ! -e "$work/part.resp" ] && grep -q "\.sst: .*offset [0-9].* keys from"  "$work/err" || { echo "at $place %: exit $code"; cat "$work/err"; return 1; }
        "$loam" dump "$work/d" --uncommitted --output "$work/part.resp" --partial 2>"$work/err"
        [ $? = 2 ] && grep -q 'the dump goes on without it' "$work/err" || { echo "at $place %, partial"; cat "$work/err"; return 1; }
        cp "$work/err" "$work/told"
        "$loam" load --verify "$work/part.resp" >"$work/out" 2>"$work/err" && grep -q 'is not all of its store: [1-9]' "$work/err" || { cat "$work/err"; return 1; }
        missing=$(($(stat -c %s "$work/d.resp") - $(stat -c %s "$work/part.resp")))
        [ $missing -gt 0 ] || { echo "at $place %: $missing bytes are missing"; return 1; }
        # A block's worth; all of the graph where its name or its words went.
        [ $missing -lt 300000 ] || grep -q '^loam dump: \(names\|"graph", the graph\|"graph", words\)' "$work/told" || { echo "at $place %: $missing bytes are missing"; cat "$work/told"; return 1; }
        serve "p$place" && loads "$work/part.resp" || return 1
        kill_server
        dump "$work/p$place" "$work/again.resp" || return 1
        cmp <(body "$work/part.resp" | head -c 100000) <(body "$work/again.resp" | head -c 100000) || return 1
    done
}
flushed() { "$loam" scan "$work/d" --limit 1 2>&1 | grep -q "files up to [1-9]"; }
a_command_line_that_is_not_understood_exits_with_1() {
    "$loam" dump >/dev/null 2>&1
    [ $? = 1 ] || return 1
    "$loam" dump "$work/nowhere" 2>&1 | grep -q 'no such directory' || return 1
    "$loam" load "$work/nowhere" >/dev/null 2>&1
    [ $? = 1 ] || return 1
    "$loam" load "$work/a.resp" --replace --skip-existing 2>&1 | grep -q 'not both' || return 1
    "$loam" dump "$work/a/engine-00000001" 2>&1 | grep -q "a node's data directory" || return 1
    echo hello | "$loam" load --verify - 2>&1 | grep -q 'this is no command as a dump has them'
}

run_tests
