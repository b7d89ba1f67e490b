#!/bin/bash
# tests/embed: installs to a temporary prefix and builds the outside programs against that prefix alone, with pkg-config.
set -u
build=${LOAM_BUILD_DIR:-build}
flavour=$(basename "$build")
[ "$flavour" = build ] && flavour=release
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
prefix=$work/usr/local
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
# The prefix is found below $work without having been built in.
pkg() { pkg-config --define-variable=prefix="$prefix" "$@"; }
compiler=gcc
flags=(-std=gnu11 -D_GNU_SOURCE -g -Wall -Wextra -Werror)
foreign='^_'
case $flavour in
asan) flags+=(-fsanitize=address,undefined) ;;
tsan) flags+=(-fsanitize=thread) ;;
coverage) flags+=(--coverage) foreign='^_|^mangle_path$' ;; # gcov's runtime stands in the library
clang) compiler=clang ;;
esac

names=(
    it_installs_below_destdir
    every_public_header_compiles_alone
    the_library_exports_what_its_headers_declare
    a_program_counts_on_the_bare_engine
    the_counter_links_statically
    a_state_machine_runs_on_raft
    the_same_state_machine_runs_in_the_simulator
    nothing_but_the_prefix_is_needed
)

it_installs_below_destdir() {
    make -s BUILD="$flavour" install DESTDIR="$work" PREFIX=/usr/local || return 1
    local soname
    soname=$(readelf -d "$prefix/lib/libloam.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
    [ "$soname" = libloam.so.0 ] || { echo "SONAME is '$soname'"; return 1; }
    [ -L "$prefix/lib/libloam.so.0" ] && [ -x "$prefix/bin/loam" ] && [ -x "$prefix/bin/loamd" ] ||
        { find "$prefix" -maxdepth 2; return 1; }
    [ "$(pkg --modversion loam)" != "" ]
}

every_public_header_compiles_alone() {
    local header bad=0
    while read -r header; do
        # shellcheck disable=SC2046
        echo "#include \"$header\"" | (cd "$work" && $compiler "${flags[@]}" $(pkg --cflags loam) -x c -fsyntax-only -) || bad=1
    done < <(cd "$prefix/include/loam" && find . -name '*.h' | sed 's|^\./||' | sort)
    return $bad
}

# Both ways: a declared function is exported, and nothing else is.
the_library_exports_what_its_headers_declare() {
    local header
    (cd "$prefix/include/loam" && find engine raft kv tsdb graph -name '*.h' 2>/dev/null | sort) >"$work/headers"
    while read -r header; do echo "#include \"$header\""; done <"$work/headers" >"$work/all.c"
    # shellcheck disable=SC2046
    (cd "$work" && gcc -std=gnu11 -D_GNU_SOURCE $(pkg --cflags loam) -fsyntax-only -aux-info "$work/prototypes" all.c) || return 1
    sed -nE 's/^.*include\/loam\/[^ ]* \*\/ extern [^(]*[ *]([a-z0-9_]+) \(.*$/\1/p' "$work/prototypes" | sort -u >"$work/declared"
    nm -D --defined-only "$prefix/lib/libloam.so" | awk '$2 == "T" { print $3 }' | grep -Ev "$foreign" | sort -u >"$work/exported"
    [ "$(wc -l <"$work/declared")" -gt 100 ] || { echo "few functions are declared"; wc -l "$work/declared"; return 1; }
    local only_declared only_exported
    only_exported=$(comm -13 "$work/declared" "$work/exported")
    only_declared=$(comm -23 "$work/declared" "$work/exported")
    [ -z "$only_exported" ] || { echo "exported, and in no installed header: $only_exported"; return 1; }
    [ -z "$only_declared" ] || { echo "declared, and not in the library: $only_declared"; return 1; }
}

compile() { # program, packages..., with what --cflags and --libs say and nothing of this tree
    local program=$1
    shift
    cp "tests/embed/$program.c" "$work/" || return 1
    # shellcheck disable=SC2046
    (cd "$work" && $compiler "${flags[@]}" "$program.c" $(pkg --cflags --libs "$@") -o "$program")
}

same() { # expected, got
    [ "$1" = "$2" ] && return 0
    printf 'expected:\n%s\ngot:\n%s\n' "$1" "$2"
    return 1
}

count_twice() { # program
    local first second
    first=$(echo "To be, or not to be" | "$work/$1" "$work/$1.store") || return 1
    same $'be 2\nnot 1\nor 1\nto 2' "$first" || return 1
    second=$(echo "be" | "$work/$1" "$work/$1.store") || return 1
    same $'be 3\nnot 1\nor 1\nto 2' "$second"
}

a_program_counts_on_the_bare_engine() {
    compile counter loam && count_twice counter
}

the_counter_links_statically() {
    cp tests/embed/counter.c "$work/static_counter.c"
    # shellcheck disable=SC2046
    (cd "$work" && $compiler "${flags[@]}" static_counter.c $(pkg --cflags loam) -Wl,-Bstatic -lloam "-L$prefix/lib" -Wl,-Bdynamic \
        $(pkg --static --libs-only-l loam | sed 's/-lloam//') -pthread -o static_counter) || return 1
    (unset LD_LIBRARY_PATH && count_twice static_counter)
}

a_state_machine_runs_on_raft() {
    compile ledger loam-sim || return 1
    local out
    out=$("$work/ledger" node "$work/ledger.store") || { echo "$out"; return 1; }
    same "balance 42" "$out" || return 1
    out=$("$work/ledger" node "$work/ledger.store") || { echo "$out"; return 1; }
    same "balance 84" "$out" # it was kept
}

the_same_state_machine_runs_in_the_simulator() {
    local seed first second
    for seed in 1 2 3; do
        first=$("$work/ledger" sim $seed) || { echo "$first"; return 1; }
        second=$("$work/ledger" sim $seed) || { echo "$second"; return 1; }
        same "$first" "$second" || return 1 # a seed replays
        grep -q '^3 nodes agree: balance ' <<<"$first" || { echo "$first"; return 1; }
    done
}

# What was compiled above depended on headers of the prefix and of the system only.
nothing_but_the_prefix_is_needed() {
    local program
    for program in counter ledger; do
        # shellcheck disable=SC2046
        (cd "$work" && $compiler "${flags[@]}" -M "$program.c" $(pkg --cflags loam)) >"$work/dependencies" || return 1
        tr -d '\\' <"$work/dependencies" | tr ' ' '\n' |
            grep -E '\.h$' | grep -v -e "^$prefix/" -e '^/usr/' && { echo "$program includes these"; return 1; }
    done
    return 0
}

failed=0
echo "[==========] Running ${#names[@]} test(s)."
for name in "${names[@]}"; do
    echo "[ RUN      ] $name"
    if text=$("$name" 2>&1); then
        echo "[       OK ] $name"
    else
        sed 's/^/  | /' <<<"$text"
        echo "[  FAILED  ] $name"
        failed=1
    fi
done
echo "[==========] ${#names[@]} test(s) run."
exit $failed
