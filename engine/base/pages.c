/* pages: aligned memory, and a hint about it. The hint may be refused: it changes speed, never meaning. */
#include "engine/base/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

void *pages_run_alloc(bool huge) {
    void *run = aligned_alloc(PAGES_RUN_BYTES, PAGES_RUN_BYTES);
    if (run && huge) (void)madvise(run, PAGES_RUN_BYTES, MADV_HUGEPAGE);
    return run;
}
