/* explain: `loam explain get|scan|history`: its command line. */
#include "tools/loam/explain/explain.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/arguments.h"
#include "tools/loam/commands.h"

enum { COUNT_USUAL = 20, COUNT_MAX = 100000 };

static const char usage[] =
    "usage: loam explain get DIR KEY [--tree T]\n"
    "       loam explain scan DIR [FROM [TO]] [--count N] [--tree T]\n"
    "       loam explain history DIR KEY [--tree T]\n\n"
    "get, scan: every memtable, level, file, filter, index and block that was asked, hit or miss, time and bytes, and "
    "why it\nstopped. history: which write, flush and compaction brought, moved and dropped the key, as far as log, "
    "manifest and\nevents still tell.\n"
    "DIR: a node's data directory, or an engine's; its server may run, and nothing is changed. A KEY is a name, as of "
    "loam get;\nwith --tree NAME or NUMBER a key of that tree: text in which \\xHH is a byte. scan: rows from FROM up "
    "to, not\nincluding, TO; names lie in the order of their hashes. --count: rows to show (20).\n"
    "--uncommitted: also what the node's log holds beyond the last commit that it knows of. --json: one object.\n"
    "Exit code 2: damage was met. A KEY that begins with '-' stands behind the word --.\n";

struct line {
    struct subject subject;
    uint64_t count;
};

static int run(struct line *line, int argc, char **argv) {
    struct subject *subject = &line->subject;
    const bool get = strcmp(argv[0], "get") == 0, history = strcmp(argv[0], "history") == 0;
    subject->dir = argv[1];
    if (get && argc == 3) return explain_get(subject, argv[2]);
    if (history && argc == 3) return explain_history(subject, argv[2]);
    if (strcmp(argv[0], "scan") == 0)
        return explain_scan(subject, argc > 2 ? argv[2] : NULL, argc > 3 ? argv[3] : NULL, line->count);
    (void)fprintf(stderr, "loam explain: %s\n\n%s",
                  get || history ? "takes a DIR and a KEY" : "get, scan or history comes first", usage);
    return EXIT_FAILED;
}

int command_explain(int argc, char **argv) {
    struct line line = {.count = COUNT_USUAL};
    const struct argument_option taken[] = {{.name = "--tree", .text = &line.subject.tree},
                                            {.name = "--count", .number = &line.count, .limit = COUNT_MAX},
                                            {.name = "--uncommitted", .flag = &line.subject.uncommitted},
                                            {.name = "--json", .flag = &line.subject.json}};
    const struct arguments arguments = {"explain", usage, "get, scan or history, a DIR and keys", 2, 4, taken, 4};
    int code;
    if (!arguments_take(&arguments, &argc, argv, &code)) return code;
    return run(&line, argc, argv);
}
