/*
 * tidy [ROOT]: checks the rules of the house (DESIGN R1 to R6). Exit code 0 when there is nothing to say, 1 otherwise.
 */
#include <stdio.h>

#include "tools/tidy/rules.h"

int main(int argument_count, char **arguments) {
    if (argument_count > 2) {
        fprintf(stderr, "usage: tidy [ROOT]\n");
        return 1;
    }
    struct tree tree = {0};
    struct findings findings = {0};
    bool loaded = tree_load(&tree, argument_count == 2 ? arguments[1] : ".");
    rules_run(&tree, &findings);
    findings_print(&findings, stdout);
    bool clean = loaded && tree.count > 0 && findings.count == 0;
    printf("tidy: %zu files, %zu findings\n", tree.count, findings.count);
    findings_deinit(&findings);
    tree_deinit(&tree);
    return clean ? 0 : 1;
}
