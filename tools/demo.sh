#!/bin/sh
# tools/demo.sh BUILD_DIR [options of `loam cluster start`]: three nodes on this machine, and a short look at what they promise. `make cluster`
# runs it. The nodes stay up; the data stays in var/cluster.
set -eu
build=$1
shift
loam=$build/loam

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold= plain=; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
run() {
    printf '  $ loam %s\n' "$*"
    "$loam" "$@" | sed 's/^/  /'
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
leader() { "$loam" cluster status | awk '$2 == "leader" { print $1; exit }'; }
clients() { "$loam" cluster status --json | tr '{' '\n' | sed -n "s/.*\"id\":$1,.*\"clients\":\"\([^\"]*\)\".*/\1/p"; }
port() { clients "$1" | sed 's/.*://'; }

# Real data that this machine has: its package database, or whatever text is there.
for data in /var/lib/dpkg /usr/share/common-licenses /etc/services /usr/share/misc /etc/protocols; do
    [ -r "$data" ] && [ -e "$data" ] && break
done

say "Three nodes on this machine"
"$loam" cluster start "$@" || { echo 'other ports: make cluster CLUSTER_OPTIONS="--base-port 17000"' >&2; exit 1; }
run cluster status

say "Real data: $data, through node 1"
"$loam" import --to "$(clients 1)" --limit 50000 "$data"

say "Any node takes any command: written through node 1, read on 2 and 3"
run cli -p "$(port 1)" set greeting "hello from node 1"
run cli -p "$(port 2)" get greeting
run cli -p "$(port 3)" get greeting

first=$(leader)
survivor=$((first % 3 + 1))
say "Kill the leader, node $first, and write through node $survivor"
printf '  $ loam cluster kill %s\n' "$first"
"$loam" cluster kill "$first"
start=$(now_ms)
until "$loam" cli -p "$(port "$survivor")" set after-the-kill yes >/dev/null 2>&1; do
    [ $(($(now_ms) - start)) -lt 20000 ] || { echo "  no new leader after 20 s" >&2; exit 1; }
done
printf '  written %s ms after the kill; node %s leads now\n' "$(($(now_ms) - start))" "$(leader)"

say "Nothing is missing: everything read back through node $survivor"
"$loam" import --check --to "$(clients "$survivor")" --limit 50000 "$data"

say "Node $first comes back, catches up, and has it all"
run cluster restart "$first"
"$loam" import --check --to "$(clients "$first")" --limit 50000 "$data"
run cluster status

say "Three nodes are up."
cat <<END
  connect   redis-cli -p $(port 1)      or  $loam cli -p $(port 1)
  watch     $loam cluster status      $loam cluster logs --follow
  break     $loam cluster kill|restart|pause|resume N, partition 1,2/3, heal
  stop      $loam cluster stop       (reset removes the data)
END
