/* options: loamd's command line. */
#ifndef TOOLS_LOAMD_OPTIONS_H
#define TOOLS_LOAMD_OPTIONS_H

#include "tools/loamd/server.h"

struct options {
    const char *dir;
    const char *listen;
    const char *http_listen; /* NULL = none */
    const char *password;
    const char *peer_secret;
    enum io_backend_choice backend;
    enum log_level log_level;
    bool lab, init_only, help, version;
    enum raft_node_kind kind; /* for --init */
    uint64_t join_cluster_id; /* --join; 0 = none */
    struct server_options server;
};

/* Borrows from argv. INVALID or UNSUPPORTED with words that name the option. */
MUST_CHECK enum status options_parse(int argc, char **argv, struct options *options, struct error *error);
/* "ID@HOST:PEERPORT@CLIENTPORT,...": appends to raft->members. INVALID with words. */
MUST_CHECK enum status options_parse_cluster(const char *text, struct raft_driver_options *raft, struct error *error);
extern const char options_usage[];

#endif
