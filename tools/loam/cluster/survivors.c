/* survivors: `loam cluster recover`: the survivors' directories are compared, and the best one goes on
 * (tools/loam/recover.h). */
#include "tools/loam/recover.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/loam/cluster/cluster.h"
#include "tools/loamd/options.h"

enum { READY_MS = 20000 };

static bool survives(const struct recover_wish *wish, unsigned node) {
    for (size_t i = 0; i < wish->survivor_count; i++)
        if (wish->survivors[i] == node) return true;
    return false;
}

/* One that answers is not lost. */
static enum status check_lost(const struct cluster *cluster, const struct recover_wish *wish, struct error *error) {
    long pid;
    for (size_t i = 0; i < wish->survivor_count; i++)
        if (!plan_has(&cluster->plan, (unsigned)wish->survivors[i]))
            return error_set(error, STATUS_INVALID, "node %" PRIu64 " is not there", wish->survivors[i]);
    for (unsigned node = 0; (node = plan_next(&cluster->plan, node)) != 0;)
        if (!survives(wish, node) && cluster_node_process(cluster, node, &pid) != PROCESS_GONE)
            return error_set(error, STATUS_INVALID, "node %u is there: name it as a survivor, or kill it", node);
    return STATUS_OK;
}

/* The best log of all: the greatest last term, and of those the longest. */
static enum status find_best(const struct cluster *cluster, const struct recover_wish *wish, unsigned *best,
                             struct error *error) {
    struct recover_wish looking = *wish;
    struct raft_recovery of_best = {.last = 0};
    looking.force = false;
    *best = 0;
    for (size_t i = 0; i < wish->survivor_count; i++) {
        struct raft_recovery found;
        char dir[IO_PATH_BYTES];
        plan_path(&cluster->plan, (unsigned)wish->survivors[i], "", dir);
        enum status status = recover_directory(cluster->io, dir, &looking, &found, error);
        if (status != STATUS_OK) return status;
        const bool is_better = *best == 0 || found.last_term > of_best.last_term ||
                               (found.last_term == of_best.last_term && found.last > of_best.last);
        if (!is_better) continue;
        *best = (unsigned)wish->survivors[i];
        of_best = found;
    }
    return STATUS_OK;
}

static enum status give_up_others(struct cluster *cluster, const struct recover_wish *wish, struct error *error) {
    cluster->plan.founders = plan_founders(&cluster->plan);
    for (unsigned node = 1; node <= cluster->plan.nodes; node++)
        if (!survives(wish, node)) cluster->plan.removed[node] = true;
    return plan_save(&cluster->plan, cluster->io, error);
}

static enum status start_survivors(struct cluster *cluster, struct error *error) {
    enum status status = STATUS_OK;
    for (unsigned node = 0; status == STATUS_OK && (node = plan_next(&cluster->plan, node)) != 0;)
        status = cluster_node_start(cluster, node, error);
    return status == STATUS_OK ? cluster_wait_ready(cluster, READY_MS, error) : status;
}

static enum status go_on(struct cluster *cluster, struct recover_wish *wish, unsigned best, struct error *error) {
    char dir[IO_PATH_BYTES];
    struct raft_recovery found;
    plan_path(&cluster->plan, best, "", dir);
    enum status status = recover_directory(cluster->io, dir, wish, &found, error);
    if (status != STATUS_OK) return status;
    recover_tell(dir, &found, wish->force);
    if (!wish->force) {
        (void)puts("nothing was changed; --force does it. The survivors have ended: `loam cluster start` starts them");
        return STATUS_OK;
    }
    status = give_up_others(cluster, wish, error);
    if (status == STATUS_OK) status = start_survivors(cluster, error);
    if (status == STATUS_OK) (void)printf("%zu nodes serve\n", wish->survivor_count);
    return status;
}

enum status cluster_recover(struct cluster *cluster, const char *survivors, struct error *error) {
    struct recover_wish wish = {.force = cluster->force};
    struct raft_driver_options founders = {.member_count = 0};
    struct buf members = BUF_EMPTY;
    unsigned best = 0;
    if (!recover_parse_ids(survivors, wish.survivors, &wish.survivor_count))
        return error_set(error, STATUS_INVALID, "recover takes the survivors' ids in ascending order, as in 1,2");
    enum status status = check_lost(cluster, &wish, error);
    if (status == STATUS_OK) status = plan_members(&cluster->plan, 1, &members);
    if (status == STATUS_OK) status = buf_append_byte(&members, 0);
    if (status == STATUS_OK) status = options_parse_cluster((const char *)members.data, &founders, error);
    buf_deinit(&members);
    wish.founders = founders.members;
    wish.founder_count = founders.member_count;
    for (size_t i = 0; status == STATUS_OK && i < wish.survivor_count; i++)
        status = cluster_node_stop(cluster, (unsigned)wish.survivors[i], error); /* a directory is looked at at rest */
    if (status == STATUS_OK) status = find_best(cluster, &wish, &best, error);
    return status == STATUS_OK ? go_on(cluster, &wish, best, error) : status;
}
