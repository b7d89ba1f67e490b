#!/bin/sh
# tools/deps.sh GOAL [PKG_CONFIG_NAME...]: sees to it that what loam is built and tested with is there.
#   build   compiler, pkg-config and the named libraries; asks nothing of the network when all of it is there
#   care    what lint, fmt, clang, coverage and fuzz use
#   test    what single tests compare or draw with (redis-server, networkx, graphviz, rsvg-convert, ip); a missing one skips a test and is no error
#   peers   the same, and what `loam bench` runs beside loam (redis, etcd, h2load, prometheus, rocksdb, leveldb, lmdb)
#   browser what tests look at pages with (chromium and its driver); a missing one skips them
#   all     all of it
# On Debian and Ubuntu missing packages are installed with apt-get, as root or through sudo; elsewhere they are named.
set -u
goal=${1:-all}
[ $# -gt 0 ] && shift

# pkg-config name, Debian, Fedora, Arch, Homebrew: one row per library.
packages_of() {
    case $1 in
    liburing) echo liburing-dev liburing-devel liburing - ;;
    libzstd) echo libzstd-dev libzstd-devel zstd zstd ;;
    liblz4) echo liblz4-dev lz4-devel lz4 lz4 ;;
    libxxhash) echo libxxhash-dev xxhash-devel xxhash xxhash ;;
    libmicrohttpd) echo libmicrohttpd-dev libmicrohttpd-devel libmicrohttpd libmicrohttpd ;;
    libcrypto) echo libssl-dev openssl-devel openssl openssl ;;
    ncursesw) echo libncurses-dev ncurses-devel ncurses ncurses ;;
    libnghttp2) echo libnghttp2-dev libnghttp2-devel libnghttp2 libnghttp2 ;;
    cmocka) echo libcmocka-dev libcmocka-devel cmocka cmocka ;;
    gcc) echo gcc gcc gcc gcc ;;
    libc) echo libc6-dev glibc-devel glibc - ;;
    pkg-config) echo pkg-config pkgconf-pkg-config pkgconf pkg-config ;;
    clang) echo clang clang clang llvm ;;
    clang-rt) echo libclang-rt-14-dev compiler-rt compiler-rt llvm ;;
    clang-format) echo clang-format clang-tools-extra clang clang-format ;;
    clang-tidy) echo clang-tidy clang-tools-extra clang llvm ;;
    cppcheck) echo cppcheck cppcheck cppcheck cppcheck ;;
    lcov) echo lcov lcov lcov lcov ;;
    redis-server) echo redis-server redis valkey redis ;;
    redis-cli) echo redis-tools redis valkey redis ;;
    etcd) echo etcd-server etcd etcd etcd ;;
    h2load) echo nghttp2-client nghttp2 libnghttp2 nghttp2 ;;
    promtool) echo prometheus prometheus prometheus prometheus ;;
    librocksdb) echo librocksdb-dev rocksdb-devel rocksdb rocksdb ;;
    libleveldb) echo libleveldb-dev leveldb-devel leveldb leveldb ;;
    liblmdb) echo liblmdb-dev lmdb-devel lmdb lmdb ;;
    python3-redis) echo python3-redis python3-redis python-redis - ;;
    python3-networkx) echo python3-networkx python3-networkx python-networkx - ;;
    graphviz) echo graphviz graphviz graphviz graphviz ;;
    chromedriver) echo chromium-driver chromedriver chromium chromedriver ;;
    ip) echo iproute2 iproute iproute2 - ;;
    rsvg-convert) echo librsvg2-bin librsvg2-tools librsvg librsvg ;;
    *) echo "$1 $1 $1 $1" ;;
    esac
}

column_of() { # row number: the word of the row
    row=$1
    shift
    eval "echo \${$row}"
}

has() { command -v "$1" >/dev/null 2>&1; }

missing_build() {
    has gcc || echo gcc
    echo '#include <stdio.h>' | gcc -E - >/dev/null 2>&1 || echo libc
    has pkg-config || echo pkg-config
    for library in "$@"; do
        has pkg-config && pkg-config --exists "$library" || echo "$library"
    done
}

missing_care() {
    for tool in clang clang-format clang-tidy cppcheck lcov; do has "$tool" || echo "$tool"; done
    if has clang && ! echo 'int LLVMFuzzerTestOneInput(const void *d, long n) { return d && n > 9; }' |
        clang -x c -fsanitize=fuzzer - -o /dev/null 2>/dev/null; then
        echo clang-rt
    fi
}

missing_test() {
    has redis-server || echo redis-server
    /usr/bin/python3 -c 'import networkx' 2>/dev/null || echo python3-networkx
    has dot || echo graphviz
    has rsvg-convert || echo rsvg-convert
    has ip || echo ip
}

missing_browser() {
    for tool in chromium chromedriver; do has "$tool" || echo "$tool"; done
}

missing_peers() {
    for tool in redis-server redis-cli etcd h2load promtool; do has "$tool" || echo "$tool"; done
    for library in librocksdb libleveldb liblmdb; do
        { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep -q "$library.so" || echo "$library"
    done
    python3 -c 'import redis' 2>/dev/null || echo python3-redis
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        return 1
    fi
}

apt_install() {
    export DEBIAN_FRONTEND=noninteractive
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    echo "deps: refreshing the package lists"
    as_root apt-get update -q >/dev/null || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null
}

# A peer that Debian starts as a service when it is installed is stopped again: the tests start their own.
stop_service() {
    has systemctl && [ -d /run/systemd/system ] || return 0
    as_root systemctl disable --now "$1" >/dev/null 2>&1
}

name_packages() {
    for row in 1 2 3 4; do
        names=
        for item in "$@"; do
            # shellcheck disable=SC2046
            names="$names $(column_of "$row" $(packages_of "$item"))"
        done
        case $row in
        1) echo "  Debian, Ubuntu:  apt-get install$names" ;;
        2) echo "  Fedora:          dnf install$names" ;;
        3) echo "  Arch:            pacman -S$names" ;;
        4) echo "  Homebrew:        brew install$(echo "$names" | sed 's/ -//g')" ;;
        esac
    done
}

# kind, then what is missing; "needed" fails, "optional" says so and goes on.
install() {
    kind=$1
    shift
    [ $# -eq 0 ] && return 0
    echo "deps: missing ($kind): $*"
    names=
    for item in "$@"; do
        # shellcheck disable=SC2046
        names="$names $(column_of 1 $(packages_of "$item"))"
    done
    if has apt-get && { [ "$(id -u)" = 0 ] || has sudo; }; then
        echo "deps: apt-get install$names"
        # shellcheck disable=SC2086
        if apt_install $names; then
            case " $names " in *" redis-server "*) stop_service redis-server ;; esac
            case " $names " in *" etcd-server "*) stop_service etcd ;; esac
            case " $names " in *" prometheus "*) stop_service prometheus ;; esac
            return 0
        fi
        echo "deps: apt-get could not install them"
    else
        echo "deps: this needs apt-get and root (or sudo); install by hand:"
        name_packages "$@"
    fi
    [ "$kind" = optional ]
}

status=0
case $goal in
build | all)
    # shellcheck disable=SC2046
    install needed $(missing_build "$@") || status=1
    left=$(missing_build "$@" | tr '\n' ' ')
    if [ -n "$left" ]; then
        echo "deps: still missing: $left"
        # shellcheck disable=SC2086
        name_packages $left
        status=1
    fi
    ;;
esac
case $goal in
care | all)
    # shellcheck disable=SC2046
    install optional $(missing_care)
    ;;
esac
case $goal in
test)
    # shellcheck disable=SC2046
    install optional $(missing_test)
    ;;
peers | all)
    # shellcheck disable=SC2046
    install optional $(missing_peers)
    ;;
esac
case $goal in
browser | all)
    # shellcheck disable=SC2046
    install optional $(missing_browser)
    ;;
esac
[ "$goal" = all ] && [ $status -eq 0 ] && echo "deps: what loam is built with is there"
exit $status
