/*
 * list: intrusive doubly linked list. The link lives in the element; the list owns nothing.
 */
#ifndef ENGINE_BASE_LIST_H
#define ENGINE_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *prev;
    struct list *next;
};

/* The element of type `type` whose member `member` is at `link`. */
#define list_entry(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *head) {
    head->prev = head->next = head;
}
static inline bool list_is_empty(const struct list *head) {
    return head->next == head;
}
static inline void list_insert_before(struct list *at, struct list *link) {
    link->prev = at->prev;
    link->next = at;
    at->prev->next = link;
    at->prev = link;
}
static inline void list_push_back(struct list *head, struct list *link) {
    list_insert_before(head, link);
}
static inline void list_push_front(struct list *head, struct list *link) {
    list_insert_before(head->next, link);
}
/* Takes the link out and makes it a list of its own, so that a second removal does no harm. */
static inline void list_remove(struct list *link) {
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}
/* The first link, taken out; NULL when empty. */
static inline struct list *list_pop_front(struct list *head) {
    if (list_is_empty(head)) return NULL;
    struct list *link = head->next;
    list_remove(link);
    return link;
}

#endif
