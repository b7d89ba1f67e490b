/* bench: `loam bench NAME`. */
#include "tools/loam/bench/bench.h"

#include <stdio.h>
#include <string.h>

#include "tools/loam/commands.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} benches[] = {
    {"engine", bench_engine, "the engine alone: puts, gets, walks"},
    {"cluster", bench_cluster, "three nodes under load, beside etcd and redis"},
    {"graph", bench_graph, "graphs: loading, queries, algorithms, and SET beside PageRank"},
    {"tsdb", bench_tsdb, "time series: appends, decoding, bytes a sample beside Prometheus"},
};

int command_bench(int argc, char **argv) {
    const char *name = argc > 0 ? argv[0] : "";
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++)
        if (strcmp(name, benches[i].name) == 0) return benches[i].run(argc - 1, argv + 1);
    int asked = strcmp(name, "--help") == 0;
    FILE *to = asked ? stdout : stderr;
    (void)fputs("usage: loam bench NAME [options]; loam bench NAME --help says more\n\n", to);
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++)
        (void)fprintf(to, "  %-10s %s\n", benches[i].name, benches[i].summary);
    return asked ? EXIT_CLEAN : EXIT_FAILED;
}
