/* filter: whether the labels of a series pass. Pure. */
#ifndef TSDB_READ_FILTER_H
#define TSDB_READ_FILTER_H

#include "tsdb/codec/rows.h"

/* label=value or label=(list): what postings can find. */
static inline bool filter_is_positive(const struct tsdb_filter *filter) {
    return !filter->negated && filter->value_count > 0;
}
/* Of a copy of the row. */
bool filter_matches(const struct tsdb_filter *filter, struct series_row row);

#endif
