#!/bin/bash
# loam inspect, as a program: what it prints and how it exits.
set -u
. "$(dirname "$0")/frame.sh"
names=(
    a_store_is_filled
    inspect_of_a_sound_store_exits_with_0
    a_directory_is_named_and_its_damaged_files_come_last
    inspect_of_a_flipped_bit_exits_with_2
    inspect_of_a_torn_log_exits_with_3
    inspect_of_a_strange_file_exits_with_1
    inspect_json_is_json
    a_range_is_shown_alone
    a_range_that_is_none_is_refused
    a_long_file_is_told_as_it_is_read
    a_terminal_gets_colours_and_nobody_else
)

flip() { # file, offset: changes one byte
    local old
    old=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $(((old + 1) % 256)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

a_store_is_filled() {
    "$loam" bench engine --dir "$work/bench" --entries 20000 --memtable-mib 1 --workloads fillrandom,overwrite --here --keep >"$work/bench.out" &&
        mv "$work/bench/loam" "$work/store"
}
inspect_of_a_sound_store_exits_with_0() {
    "$loam" inspect "$work/store" >"$work/out" || return 1
    grep -q ' sst, ' "$work/out" && grep -q ' manifest, ' "$work/out" && grep -q ' superblock, ' "$work/out" &&
        grep -q ' log segment, ' "$work/out"
}
a_directory_is_named_and_its_damaged_files_come_last() {
    local file table
    "$loam" inspect "$work/store" >"$work/out" || return 1
    head -n 1 "$work/out" | grep -Eq "^$work/store: an engine's store: superblock, 1 manifest, [0-9]+ tables?, a log of its own\." || { head -n 1 "$work/out"; return 1; }
    tail -n 1 "$work/out" | grep -q ", each sound by itself; whether they fit together: loam verify$" || { tail -n 1 "$work/out"; return 1; }
    cp -r "$work/store" "$work/half" && rm "$work/half/SUPERBLOCK" || return 1
    table=$(find "$work/half" -name '*.sst' | sort | head -n 1)
    flip "$table" 5000
    "$loam" inspect "$work/half" >"$work/out"
    [ $? = 2 ] || return 1
    head -n 1 "$work/out" | grep -q 'NO SUPERBLOCK' && [ "$(tail -n 1 "$work/out")" = "DAMAGED: $table" ] || { head -n 1 "$work/out"; tail -n 2 "$work/out"; return 1; }
    mkdir -p "$work/made/node-1/log" "$work/made/node-1/engine-00000001" && "$loam" inspect "$work/made" >"$work/out" && head -n 1 "$work/out" | grep -q "a cluster's directory: 1 node\." || return 1
    "$loam" inspect "$work/made/node-1" | head -n 1 | grep -q "data directory of a node: NO SUPERBLOCK, so it does not start, 1 log, 1 store" || return 1
    for file in "$work/made/node-1/log"; do [ "$("$loam" inspect "$file" | head -n 1)" = "" ] || return 1; done
}
inspect_of_a_flipped_bit_exits_with_2() {
    local file
    for file in "$work"/store/*.sst "$work"/store/*.manifest; do
        cp "$file" "$work/damaged.${file##*.}"
        flip "$work/damaged.${file##*.}" 5000
        "$loam" inspect "$work/damaged.${file##*.}" >"$work/out"
        [ $? = 2 ] && grep -q corrupt "$work/out" || return 1
    done
}
inspect_of_a_torn_log_exits_with_3() {
    cp tests/golden/wal/torn-v1.wal "$work/torn.wal"
    truncate -s 65536 "$work/torn.wal" # the golden file holds the part that is not zero
    "$loam" inspect "$work/torn.wal" >"$work/out"
    [ $? = 3 ] && grep -q 'torn at offset' "$work/out"
}
inspect_of_a_strange_file_exits_with_1() {
    echo hello >"$work/strange"
    "$loam" inspect "$work/strange" >/dev/null 2>&1
    [ $? = 1 ] || return 1
    "$loam" inspect "$work/absent" >/dev/null 2>&1
    [ $? = 1 ] || return 1
    "$loam" inspect >/dev/null 2>&1
    [ $? = 1 ]
}
a_range_is_shown_alone() {
    "$loam" inspect --hex --range 0x40+20 tests/golden/sst/plain-v1.sst >"$work/out" || return 1
    grep -q 'shown: 64 to 83$' "$work/out" && grep -q '^-- data unit at 64 (its check is right)$' "$work/out" &&
        [ "$(grep '^0' "$work/out" | cut -d' ' -f1 | xargs)" = "00000040 00000048 0000004c 00000050 00000051 00000052 00000053" ] || { cat "$work/out"; return 1; }
    "$loam" inspect --json --range 653 tests/golden/sst/plain-v1.sst | tr -d '\n' | grep -q '"range":{"offset":653,"size":8},.*"fields":\[ *{"offset":653,"size":8,"name":"file","value":"7"}\]'
}
a_range_that_is_none_is_refused() {
    local words
    for words in "--range 661" "--range x" "--range 1+" "--range 1+0" "--range -1" "--range 99999999999999999999" "--range 1 tests/golden/sst/lz4-v1.sst" "--range 1 --range 2"; do
        # shellcheck disable=SC2086
        "$loam" inspect --hex $words tests/golden/sst/plain-v1.sst >"$work/out" 2>"$work/err"
        [ $? = 1 ] && [ ! -s "$work/out" ] && grep -q '^loam inspect: ' "$work/err" || { echo "$words"; cat "$work/out" "$work/err"; return 1; }
    done
    "$loam" inspect --range 1 tests/golden/sst 2>&1 | grep -q 'of one file, not of a directory'
}
# Facts and problems first, as of a short one; and no more memory than it takes.
a_long_file_is_told_as_it_is_read() {
    "$loam" bench engine --dir "$work/long" --entries 40000 --value-bytes 1000 --workloads fillrandom,compact --file-mib 100 --here --keep >"$work/bench.out" || return 1
    local long
    long=$(ls -S "$work"/long/loam/*.sst | head -n 1)
    [ "$(stat -c %s "$long")" -gt $((17 << 20)) ] || { ls -l "$work/long/loam"; return 1; }
    flip "$long" 9000000
    "$loam" inspect --hex "$long" >"$work/out"
    [ $? = 2 ] && [ "$(grep -c ': sst, ' "$work/out")" = 1 ] && [ "$(grep -n 'corrupt at' "$work/out" | cut -d: -f1)" -lt 60 ] || return 1
    tail -n 1 "$work/out" | grep -q ' file: [0-9]*$' && [ "$("$loam" inspect --hex "$long" | head -n 1)" = "$(head -n 1 "$work/out")" ] || return 1
    truncate -s 300M "$work/sparse.sst"
    "$loam" inspect --json "$work/sparse.sst" 2>&1 | grep -q 'over 256 MiB.*--range'
}
inspect_json_is_json() {
    command -v python3 >/dev/null || return 77
    cp tests/golden/sst/lz4-v1.sst "$work/whole.sst"
    cp tests/golden/sst/lz4-v1.sst "$work/cut.sst"
    flip "$work/cut.sst" 300
    truncate -s 9000 "$work/cut.sst"
    for file in whole cut; do
        "$loam" inspect --json "$work/$file.sst" >"$work/json"
        python3 - "$work/json" <<'PYTHON' || return 1
import json, sys
told = json.load(open(sys.argv[1]))
end = 0
for field in told["fields"]:
    assert field["offset"] == end and field["size"] > 0, field
    end += field["size"]
assert end == told["bytes"]
end = 0
begins = {field["offset"] for field in told["fields"]}
for part in told["parts"]:
    assert part["offset"] == end and part["size"] > 0 and part["offset"] in begins and part["check"] in ("right", "wrong", "none"), part
    end += part["size"]
assert end == told["bytes"]
assert (told["verdict"] == "clean") == all(part["check"] != "wrong" for part in told["parts"])
assert (told["verdict"] == "clean") == (not told["problems"])
PYTHON
    done
}
a_terminal_gets_colours_and_nobody_else() {
    command -v python3 >/dev/null || return 77
    cp tests/golden/sst/lz4-v1.sst "$work/damaged.sst"
    flip "$work/damaged.sst" 300
    "$loam" inspect --hex "$work/damaged.sst" >"$work/plain"
    [ $? = 2 ] && ! grep -q $'\033' "$work/plain" && grep -q '^-- .*its check is WRONG' "$work/plain" || return 1
    python3 - "$loam" "$work/damaged.sst" "$work/plain" >/dev/null <<'PYTHON'
import os, pty, re, subprocess, sys
master, slave = pty.openpty()
child = subprocess.Popen([sys.argv[1], "inspect", "--hex", sys.argv[2]], stdin=subprocess.DEVNULL, stdout=slave)
os.close(slave)
said = b""
while True:
    try:
        data = os.read(master, 65536)
    except OSError:  # nobody has the other end any more
        break
    if not data:
        break
    said += data
assert child.wait() == 2, child.returncode
shown, plain = said.decode().replace("\r\n", "\n"), open(sys.argv[3]).read()
assert "\033[31m" in shown and "\033[2m" in shown, "no colours"
bare = re.sub(r"\033\[[0-9]*m", "", shown)
if bare != plain:
    at = len(os.path.commonprefix([bare, plain]))
    sys.exit(f"{len(bare)} characters, plain {len(plain)}, part at {at}: {bare[at:at + 200]!r}, plain {plain[at:at + 200]!r}")
PYTHON
}

run_tests
