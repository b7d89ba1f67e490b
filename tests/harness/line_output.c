/*
 * line_output: a test program's output is written line by line, in order, also into a file: what a crashed program said
 * is there.
 */
#include <stdio.h>

__attribute__((constructor)) static void line_output_start(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
}
