/*
 * call_rule: calls that have one home (DESIGN R2, R3), and calls that have none.
 */
#include <string.h>

#include "tools/tidy/layer.h"
#include "tools/tidy/rules.h"

/* A family of calls: where it may stand, and what to do elsewhere. */
struct family {
    const char *rule;
    const char *const *calls; /* up to NULL; one that ends in '*' is a prefix */
    const char *const *homes; /* prefixes of paths, up to NULL */
    bool in_tests;            /* allowed in tests */
    const char *advice;
};

static const char *const nowhere[] = {NULL};
static const char *const in_io[] = {"engine/io/", NULL};
static const char *const in_clock[] = {"engine/io/", "engine/base/sync.c", NULL};
static const char *const in_sync[] = {"engine/base/sync.", NULL};
static const char *const in_process[] = {"engine/io/", "tools/loam/", "tools/loamd/", NULL};

static const char *const unsafe_calls[] = {"strcpy", "strcat", "stpcpy", "sprintf", "vsprintf", "gets",
                                           "strtok", "atoi",   "atol",   "atoll",   "atof",     "alloca",
                                           "system", "mktemp", "tmpnam", NULL};
static const char *const chance_calls[] = {"rand", "rand_r", "srand", "random", "srandom", "drand48", "lrand48", NULL};
static const char *const wall_clock_calls[] = {"time", "gettimeofday", "localtime", "ftime", NULL};
static const char *const clock_calls[] = {"clock_gettime", "clock", "nanosleep", "clock_nanosleep",
                                          "usleep",        "sleep", NULL};
static const char *const entropy_calls[] = {"getrandom", "getentropy", "arc4random", NULL};
static const char *const file_calls[] = {
    "open",      "openat",          "creat",   "read",    "write",     "pread",    "pwrite",          "readv",
    "writev",    "preadv",          "pwritev", "fsync",   "fdatasync", "syncfs",   "ftruncate",       "truncate",
    "fallocate", "posix_fallocate", "close",   "unlink",  "unlinkat",  "rename",   "renameat",        "mkdir",
    "mkdirat",   "rmdir",           "opendir", "readdir", "scandir",   "stat",     "fstat",           "lstat",
    "fstatat",   "access",          "link",    "linkat",  "symlink",   "mmap",     "munmap",          "msync",
    "flock",     "fcntl",           "lseek",   "fopen",   "freopen",   "fdopen",   "fread",           "fwrite",
    "fclose",    "fgets",           "getline", "remove",  "statvfs",   "realpath", "sync_file_range", "copy_file_range",
    "sendfile",  "io_uring_*",      NULL,
};
static const char *const socket_calls[] = {
    "socket",     "socketpair",  "connect",     "bind",      "listen",   "accept",  "accept4",
    "send",       "sendto",      "sendmsg",     "recv",      "recvfrom", "recvmsg", "setsockopt",
    "getsockopt", "getsockname", "getpeername", "shutdown",  "poll",     "ppoll",   "select",
    "epoll_*",    "getaddrinfo", "eventfd",     "timerfd_*", "signalfd", NULL,
};
static const char *const thread_calls[] = {"pthread_*", "sem_*", "thrd_*", "mtx_*", "cnd_*", NULL};
static const char *const process_calls[] = {"fork",    "vfork",  "execv",       "execvp",       "execve",
                                            "execl",   "execlp", "posix_spawn", "posix_spawnp", "popen",
                                            "waitpid", "kill",   NULL};
static const char *const environment_calls[] = {"getenv", "secure_getenv", "setenv", "putenv", NULL};

static const struct family families[] = {
    {"banned", unsafe_calls, nowhere, false,
     "it has no bound or cannot tell failure; use snprintf, a struct buf or strtoull"},
    {"banned", chance_calls, nowhere, false, "draw from a struct prng, whose seed can be replayed"},
    {"R2", wall_clock_calls, nowhere, true, "ask the clock of struct io"},
    {"R2", clock_calls, in_clock, true, "ask the clock of struct io; wait on conditions or timers"},
    {"R2", entropy_calls, in_io, true, "ask struct io for entropy"},
    {"R2", file_calls, in_io, true, "only engine/io touches files; go through struct io"},
    {"R2", socket_calls, in_io, true, "only engine/io touches sockets; go through struct io"},
    {"R2", thread_calls, in_sync, true, "lock and start threads through engine/base/sync.h"},
    {"R2", process_calls, in_process, true, "only the programs start and end processes"},
    {"R2", environment_calls, nowhere, true, "settings come from options, not from the environment"},
};

/* Files with a reason of their own to be outside a rule. */
static const struct {
    const char *path;
    const char *const *calls;
    const char *reason;
} exemptions[] = {
    {"tools/loam/terminal.c", file_calls, "standard input and output of the toolbox"},
    {"tools/loam/cluster/process.c", file_calls,
     "a child redirects its own descriptors before it becomes another program"},
    {"tools/loam/bench/engine_child.c", file_calls, "two processes of one benchmark talk through pipes"},
    {"tools/loam/sim_apart.c", file_calls, "a run in a child tells its report through a pipe"},
    {"engine/base/pages.c", file_calls, "memory of its own, no file: what is given back must go back at once"},
    {"tools/tidy/", file_calls, "a tool of the work: it reads sources, and must build before engine/io does"},
};

static bool is_home(const char *path, const char *const *homes) {
    for (; *homes; homes++)
        if (strncmp(path, *homes, strlen(*homes)) == 0) return true;
    return false;
}

static bool is_exempt(const char *path, const struct family *family) {
    for (size_t i = 0; i < sizeof exemptions / sizeof exemptions[0]; i++)
        if (exemptions[i].calls == family->calls && strncmp(path, exemptions[i].path, strlen(exemptions[i].path)) == 0)
            return true;
    return false;
}

static bool name_matches(const char *name, size_t size, const char *pattern) {
    size_t pattern_size = strlen(pattern);
    if (pattern[pattern_size - 1] == '*') return size >= pattern_size && strncmp(name, pattern, pattern_size - 1) == 0;
    return size == pattern_size && strncmp(name, pattern, size) == 0;
}

/* A call by name, not through a member of a struct. */
static bool is_member(const char *line, const char *name) {
    while (name > line && name[-1] == ' ') name--;
    return (name > line && name[-1] == '.') || (name > line + 1 && name[-1] == '>' && name[-2] == '-');
}

static void check_family(const struct source *file, size_t line, const char *name, size_t size,
                         struct findings *findings) {
    bool in_tests = layer_floor(file->path) == FLOOR_TESTS;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        const struct family *family = &families[i];
        if ((in_tests && family->in_tests) || is_home(file->path, family->homes) || is_exempt(file->path, family))
            continue;
        for (const char *const *call = family->calls; *call; call++)
            if (name_matches(name, size, *call))
                findings_add(findings, file->path, line, family->rule, "%.*s(): %s", (int)size, name, family->advice);
    }
}

/* raft/core allocates when it is made and never again (R3): in create.c, and in functions named so. */
static void check_core(const struct source *file, size_t line, const char *name, size_t size,
                       struct findings *findings) {
    static const char *const allocators[] = {"malloc", "calloc",      "realloc",    "aligned_alloc",
                                             "strdup", "buf_reserve", "arena_alloc"};
    if (!path_is_under(file->path, "raft/core") || strcmp(file->path, "raft/core/create.c") == 0) return;
    const struct function *function = source_function_at(file, line);
    if (function && (path_ends_with(function->name, "_create") || path_ends_with(function->name, "_init"))) return;
    for (size_t i = 0; i < sizeof allocators / sizeof allocators[0]; i++)
        if (name_matches(name, size, allocators[i]))
            findings_add(findings, file->path, line, "R3",
                         "%s() in raft/core stands in create.c, *_create and *_init only", allocators[i]);
}

/* Every name that an opening parenthesis follows. */
static void check_line(const struct source *file, size_t index, struct findings *findings) {
    const char *line = file->code[index];
    for (const char *open = strchr(line, '('); open; open = strchr(open + 1, '(')) {
        const char *start = open;
        while (start > line && is_word_character(start[-1])) start--;
        size_t size = (size_t)(open - start);
        if (size == 0 || is_member(line, start)) continue;
        check_family(file, index + 1, start, size, findings);
        check_core(file, index + 1, start, size, findings);
    }
}

void rule_calls(const struct tree *tree, struct findings *findings) {
    for (size_t i = 0; i < tree->count; i++) {
        const struct source *file = &tree->files[i];
        if (!file->code) continue;
        for (size_t line = 0; line < file->line_count; line++) check_line(file, line, findings);
    }
}
