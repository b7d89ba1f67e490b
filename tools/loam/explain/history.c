/* history: see explain.h. */
#include "tools/loam/commands.h"
#include "tools/loam/explain/explain.h"
int explain_history(struct subject *subject, const char *key) {
    (void)subject, (void)key;
    return EXIT_FAILED;
}
