/*
 * web_page: a self-contained page out of a frame and what stands in it; the parts are files that the assembler takes
 * in.
 */
#ifndef TOOLS_LOAM_WEB_PAGE_H
#define TOOLS_LOAM_WEB_PAGE_H

#include "engine/base/buf.h"

/* Takes in a file of the tree: name_begin to name_end. A build runs in the root, so that is where its path begins; the
 * Makefile says which files an object depends on. */
#define EMBED(name, path)                                                                                              \
    __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name "_end:\n.byte 0\n.popsection\n");   \
    extern const uint8_t name##_begin[] __attribute__((visibility("hidden")));                                         \
    extern const uint8_t name##_end[] __attribute__((visibility("hidden")))
#define EMBEDDED(name) embed_slice(name##_begin, name##_end)
static inline struct slice embed_slice(const uint8_t *begin, const uint8_t *end) {
    return slice_make(begin, (size_t)(end - begin));
}

/*
 * Appends the frame; what stands in it as @name@ is what `put` appends for the name, but for @head@, which is where
 * every page begins: it takes nothing from elsewhere. The frame is the program's own: its marks come in pairs. What put
 * answered first that was not OK; NO_MEMORY.
 */
MUST_CHECK enum status web_page_fill(struct buf *to, struct slice frame,
                                     enum status (*put)(void *context, struct buf *to, struct slice name),
                                     void *context);

/* Appends JSON that stands in a script element: its texts may hold anything, and no '<' of theirs may end the element.
 * NO_MEMORY. */
MUST_CHECK enum status web_page_put_json(struct buf *to, struct slice object);

#endif
