/* The floor: the same allocation as queue_order, in C, on one thread (rules A4, A5, C1-C4).
 *
 * Sort: a counting sort by stream (queue and class), then each stream by (moment of filing, id). Rows come nearly in
 * the order of filing, so a stream is one pass that sets late ones aside, a sort of those, and a merge.
 * Walk: vacancies of a queue lie together by organisation; a 64-bit mask of kinds left, per organisation and for the
 * whole queue, lets most refusals cost one AND. For "any organisation" there is a list per kind, in rank order, whose
 * head moves past vacancies that are gone; kinds are tried in the profile's order of preference.
 *
 * Masks are by kind modulo 64: with more kinds they only let more through to the full check.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE (-1)
#define ANY (-1)
#define CLASSES 3
#define NEAR 8   /* how far back a filing is put in place at once before it is set aside as late */
#define AHEAD 12 /* applicants whose columns are asked from memory before they are served */

typedef struct {
    int64_t filed;
    int32_t id;
    int32_t row;
} Entry;

typedef struct {
    int32_t organization, kind, rank, left, first, last, row, next_of_kind;
} Spot;

typedef struct {
    const int32_t *profile, *birth;
    const int64_t *wish_start;
    const int32_t *wishes;
    const uint8_t *is_barred;
    const int32_t *barred;
    int64_t barred_count;
    const int32_t *preferences;
    const uint64_t *kind_mask;
    const int32_t *kinds_in_order, *suiting;
    int64_t kinds;
} Askers;

typedef struct {
    Spot *spots;
    int32_t count;
    int32_t *from, *to; /* of each organisation: its spots in the present queue; from == to: none */
    uint64_t *of_organization; /* kinds left */
    uint64_t of_queue;
    int32_t *kind_head, *kind_left;
    int32_t first, last; /* birth days outside suit no spot */
    int64_t left;
} Shelf;

static int before(const Entry *a, const Entry *b) {
    return a->filed < b->filed || (a->filed == b->filed && a->id < b->id);
}

static void merge_sort(Entry *values, Entry *spare, int64_t count) {
    if (count <= 12) {
        for (int64_t at = 1; at < count; at++) {
            Entry one = values[at];
            int64_t to = at;
            for (; to > 0 && before(&one, &values[to - 1]); to--) values[to] = values[to - 1];
            values[to] = one;
        }
        return;
    }
    int64_t half = count / 2, low = 0, high = half, to = 0;
    merge_sort(values, spare, half);
    merge_sort(values + half, spare, count - half);
    memcpy(spare, values, (size_t)half * sizeof(Entry));
    while (low < half) values[to++] = high < count && before(&values[high], &spare[low]) ? values[high++] : spare[low++];
}

/* Sorts one stream; `late` holds count entries, `spare` too. */
static void sort_stream(Entry *values, int64_t count, Entry *late, Entry *spare) {
    int64_t kept = 0, aside = 0;
    for (int64_t at = 0; at < count; at++) {
        Entry one = values[at];
        int64_t to = kept, least = kept > NEAR ? kept - NEAR : 0;
        while (to > least && before(&one, &values[to - 1])) to--;
        if (to == least && to > 0 && before(&one, &values[to - 1])) {
            late[aside++] = one;
            continue;
        }
        for (int64_t move = kept; move > to; move--) values[move] = values[move - 1];
        values[to] = one;
        kept++;
    }
    if (!aside) return;
    merge_sort(late, spare, aside);
    int64_t to = count;
    while (aside) values[--to] = kept && before(&late[aside - 1], &values[kept - 1]) ? values[--kept] : late[--aside];
}

/* order: rows by queue, class, filing, id; only queues where wanted[queue] (all if NULL), others have empty streams.
 * Returns the number of rows in order, or -1 without memory. */
int64_t floor_sort(int64_t rows, int64_t queues, const int32_t *queue, const int8_t *class_rank, const int64_t *filed,
                   const int32_t *id, const uint8_t *wanted, int32_t *order, int64_t *stream_start) {
    int64_t streams = queues * CLASSES, longest = 0;
    memset(stream_start, 0, (size_t)(streams + 1) * sizeof(int64_t));
    for (int64_t row = 0; row < rows; row++) stream_start[(int64_t)queue[row] * CLASSES + class_rank[row] + 1]++;
    if (wanted)
        for (int64_t one = 0; one < streams; one++)
            if (!wanted[one / CLASSES]) stream_start[one + 1] = 0;
    for (int64_t one = 0; one < streams; one++) {
        if (stream_start[one + 1] > longest) longest = stream_start[one + 1];
        stream_start[one + 1] += stream_start[one];
    }
    int64_t total = stream_start[streams];
    Entry *entries = malloc((size_t)(total + 1) * sizeof(Entry));
    Entry *late = malloc((size_t)(longest + 1) * sizeof(Entry));
    Entry *spare = malloc((size_t)(longest + 1) * sizeof(Entry));
    int64_t *to = malloc((size_t)(streams + 1) * sizeof(int64_t));
    if (entries && late && spare && to) {
        memcpy(to, stream_start, (size_t)(streams + 1) * sizeof(int64_t));
        for (int64_t row = 0; row < rows; row++) {
            if (wanted && !wanted[queue[row]]) continue;
            Entry *entry = &entries[to[(int64_t)queue[row] * CLASSES + class_rank[row]]++];
            entry->filed = filed[row];
            entry->id = id[row];
            entry->row = (int32_t)row;
        }
        for (int64_t one = 0; one < streams; one++) {
            int64_t start = stream_start[one], count = stream_start[one + 1] - start;
            sort_stream(entries + start, count, late, spare);
            for (int64_t at = 0; at < count; at++) order[start + at] = entries[start + at].row;
        }
    } else {
        total = -1;
    }
    free(entries), free(late), free(spare), free(to);
    return total;
}

static int barred(const Askers *who, int32_t row, int32_t place) {
    if (!who->barred_count || !(who->is_barred[row >> 3] >> (row & 7) & 1)) return 0;
    int64_t low = 0, high = who->barred_count;
    while (low < high) { /* pairs are sorted by applicant */
        int64_t middle = (low + high) / 2;
        if (who->barred[2 * middle] < row) low = middle + 1;
        else high = middle;
    }
    for (; low < who->barred_count && who->barred[2 * low] == row; low++)
        if (who->barred[2 * low + 1] == place) return 1;
    return 0;
}

static int32_t choose_named(const Askers *who, const Shelf *shelf, int32_t row, int32_t organization,
                            const int32_t *suits, int32_t born) {
    int32_t best = NONE;
    for (int32_t at = shelf->from[organization]; at < shelf->to[organization]; at++) {
        const Spot *spot = &shelf->spots[at];
        int32_t preference = suits[spot->kind];
        if (spot->left > 0 && preference >= 0 && (best == NONE || preference < suits[shelf->spots[best].kind]) &&
            spot->first <= born && born <= spot->last && !barred(who, row, spot->row))
            best = at;
    }
    return best;
}

static int32_t choose_any(const Askers *who, Shelf *shelf, int32_t row, const int32_t *wishes, int64_t wished,
                          const int32_t *suits, int32_t born) {
    int32_t profile = who->profile[row], best = NONE;
    const int32_t *kinds = who->kinds_in_order + (int64_t)profile * who->kinds;
    for (int32_t nth = 0; nth < who->suiting[profile]; nth++) {
        int32_t kind = kinds[nth];
        if (best != NONE && suits[kind] > suits[shelf->spots[best].kind]) break;
        int32_t *link = &shelf->kind_head[kind];
        while (*link != NONE && !shelf->spots[*link].left) *link = shelf->spots[*link].next_of_kind;
        for (int32_t at = *link; at != NONE; at = shelf->spots[at].next_of_kind) {
            const Spot *spot = &shelf->spots[at];
            if (!spot->left || born < spot->first || born > spot->last) continue;
            int named = 0;
            for (int64_t one = 0; one < wished; one++) named |= wishes[one] == spot->organization;
            if (named || barred(who, row, spot->row)) continue;
            if (best == NONE || spot->rank < shelf->spots[best].rank) best = at;
            break;
        }
    }
    return best;
}

static int32_t serve(const Askers *who, Shelf *shelf, int32_t row, int32_t *given) {
    int32_t profile = who->profile[row], born = who->birth[row];
    uint64_t mask = who->kind_mask[profile];
    if (!(mask & shelf->of_queue) || born < shelf->first || born > shelf->last) return 0;
    const int32_t *suits = who->preferences + (int64_t)profile * who->kinds;
    const int32_t *wishes = who->wishes + who->wish_start[row];
    int64_t wished = who->wish_start[row + 1] - who->wish_start[row];
    int32_t best = NONE;
    for (int64_t one = 0; one < wished && best == NONE; one++) {
        if (wishes[one] == ANY) best = choose_any(who, shelf, row, wishes, wished, suits, born);
        else if (wishes[one] < shelf->count && mask & shelf->of_organization[wishes[one]])
            best = choose_named(who, shelf, row, wishes[one], suits, born);
    }
    if (best == NONE) return 0;
    Spot *spot = &shelf->spots[best];
    given[row] = spot->row;
    shelf->left--;
    if (--spot->left == 0) {
        uint64_t still = 0;
        for (int32_t at = shelf->from[spot->organization]; at < shelf->to[spot->organization]; at++)
            if (shelf->spots[at].left) still |= 1ull << (shelf->spots[at].kind & 63);
        shelf->of_organization[spot->organization] = still;
        if (--shelf->kind_left[spot->kind & 63] == 0) shelf->of_queue &= ~(1ull << (spot->kind & 63));
    }
    return 1;
}

static int32_t serve_ahead(const Askers *who, Shelf *shelf, const int32_t *order, int64_t at, int64_t end,
                           int32_t *given) {
    if (at + 2 * AHEAD < end) {
        int32_t far = order[at + 2 * AHEAD];
        __builtin_prefetch(&who->wish_start[far]);
        __builtin_prefetch(&who->profile[far]);
        __builtin_prefetch(&who->birth[far]);
        __builtin_prefetch(&who->wishes[who->wish_start[order[at + AHEAD]]]);
    }
    return serve(who, shelf, order[at], given);
}

static void serve_queue(const Askers *who, Shelf *shelf, const int32_t *order, const int64_t *streams, int32_t first,
                        int32_t general, int32_t *position, int32_t *given) {
    int64_t at = streams[0], end = first + general ? streams[1] : streams[3];
    for (; at < end && shelf->left; at++) serve_ahead(who, shelf, order, at, end, given);
    if (!(first + general)) return;
    int64_t next[2] = {streams[1], streams[2]}, ends[2] = {streams[2], streams[3]};
    while (shelf->left && (next[0] < ends[0] || next[1] < ends[1])) {
        int turn = *position >= first;
        int waits = next[turn] >= ends[turn];
        int stream = waits ? !turn : turn;
        int served = serve_ahead(who, shelf, order, next[stream], ends[stream], given);
        next[stream]++;
        if (served && !waits) *position = *position + 1 == first + general ? 0 : *position + 1;
    }
}

/* spots[from..to) of one queue, sorted by organisation and rank; by_rank: the same spots by rank. */
static void fill(Shelf *shelf, int32_t from, int32_t to, const int32_t *by_rank) {
    shelf->of_queue = 0, shelf->left = 0, shelf->first = INT32_MAX, shelf->last = INT32_MIN;
    for (int32_t at = to - 1; at >= from; at--) {
        Spot *spot = &shelf->spots[by_rank[at]];
        spot->next_of_kind = shelf->kind_head[spot->kind];
        shelf->kind_head[spot->kind] = by_rank[at];
    }
    for (int32_t at = from; at < to; at++) {
        Spot *spot = &shelf->spots[at];
        uint64_t bit = 1ull << (spot->kind & 63);
        if (at == from || spot->organization != spot[-1].organization) shelf->from[spot->organization] = at;
        shelf->to[spot->organization] = at + 1;
        if (!spot->left) continue;
        shelf->of_organization[spot->organization] |= bit;
        shelf->of_queue |= bit;
        shelf->kind_left[spot->kind & 63]++;
        shelf->left += spot->left;
        if (spot->first < shelf->first) shelf->first = spot->first;
        if (spot->last > shelf->last) shelf->last = spot->last;
    }
}

static void clear(Shelf *shelf, int32_t from, int32_t to) {
    for (int32_t at = from; at < to; at++) {
        const Spot *spot = &shelf->spots[at];
        shelf->from[spot->organization] = shelf->to[spot->organization] = 0;
        shelf->of_organization[spot->organization] = 0;
        shelf->kind_head[spot->kind] = NONE;
        shelf->kind_left[spot->kind & 63] = 0;
    }
}

typedef struct {
    uint64_t major;
    int32_t minor, row;
} Key;

static int by_key(const void *a, const void *b) {
    const Key *x = a, *y = b;
    if (x->major != y->major) return x->major < y->major ? -1 : 1;
    return (x->minor > y->minor) - (x->minor < y->minor);
}

static int by_pair(const void *a, const void *b) {
    const int32_t *x = a, *y = b;
    return (x[0] > y[0]) - (x[0] < y[0]);
}

/* Kinds that suit each profile, in its order of preference, and as masks. */
static void order_kinds(int64_t profiles, int64_t kinds, const int32_t *preferences, int32_t *in_order,
                        int32_t *suiting, uint64_t *mask) {
    for (int64_t profile = 0; profile < profiles; profile++) {
        const int32_t *suits = preferences + profile * kinds;
        int32_t *to = in_order + profile * kinds, count = 0;
        mask[profile] = 0;
        for (int32_t kind = 0; kind < kinds; kind++) {
            if (suits[kind] < 0) continue;
            int32_t at = count++;
            for (; at > 0 && suits[kind] < suits[to[at - 1]]; at--) to[at] = to[at - 1];
            to[at] = kind;
            mask[profile] |= 1ull << (kind & 63);
        }
        suiting[profile] = count;
    }
}

/* Serves every queue that has vacancies; `given` (NONE throughout) and `position` (as before the night) are written.
 * Returns 0, or -1 without memory. */
int64_t floor_walk(int64_t rows, const int32_t *order, const int64_t *stream_start, const int32_t *profile,
                   const int32_t *birth, const int64_t *wish_start, const int32_t *wishes, int64_t barred_count,
                   const int32_t *barred_pairs, int64_t vacancies, const int32_t *queue, const int32_t *organization,
                   const int32_t *kind, const int32_t *rank, const int32_t *left, const int32_t *first,
                   const int32_t *last, int64_t profiles, int64_t kinds, const int32_t *preferences,
                   const int32_t *first_turns, const int32_t *general_turns, int32_t *given, int32_t *position) {
    if (!vacancies) return 0;
    int32_t organizations = 0;
    for (int64_t at = 0; at < vacancies; at++)
        if (organization[at] >= organizations) organizations = organization[at] + 1;
    size_t table = (size_t)(profiles * kinds + 1), width = (size_t)organizations + 1;
    Key *keys = malloc((size_t)vacancies * sizeof(Key));
    Spot *spots = malloc((size_t)vacancies * sizeof(Spot));
    int32_t *by_rank = malloc((size_t)vacancies * sizeof(int32_t)), *spot_of = malloc((size_t)vacancies * sizeof(int32_t));
    int32_t *from = calloc(width, sizeof(int32_t)), *to = calloc(width, sizeof(int32_t));
    uint64_t *of_organization = calloc(width, sizeof(uint64_t));
    int32_t *in_order = malloc(table * sizeof(int32_t)), *suiting = malloc((size_t)(profiles + 1) * sizeof(int32_t));
    uint64_t *mask = malloc((size_t)(profiles + 1) * sizeof(uint64_t));
    int32_t *kind_head = malloc((size_t)(kinds + 1) * sizeof(int32_t)), kind_left[64] = {0};
    uint8_t *is_barred = calloc((size_t)rows / 8 + 1, 1);
    int32_t *pairs = malloc((size_t)(2 * barred_count + 1) * sizeof(int32_t));
    int64_t failed = -1;
    if (keys && spots && by_rank && spot_of && from && to && of_organization && in_order && suiting && mask &&
        kind_head && is_barred && pairs) {
        failed = 0;
        if (barred_count) memcpy(pairs, barred_pairs, (size_t)(2 * barred_count) * sizeof(int32_t));
        qsort(pairs, (size_t)barred_count, 2 * sizeof(int32_t), by_pair);
        for (int64_t one = 0; one < barred_count; one++) is_barred[pairs[2 * one] >> 3] |= 1 << (pairs[2 * one] & 7);
        order_kinds(profiles, kinds, preferences, in_order, suiting, mask);
        for (int64_t one = 0; one < kinds; one++) kind_head[one] = NONE;
        for (int64_t at = 0; at < vacancies; at++)
            keys[at] = (Key){(uint64_t)queue[at] << 32 | (uint32_t)organization[at], rank[at], (int32_t)at};
        qsort(keys, (size_t)vacancies, sizeof(Key), by_key);
        for (int64_t at = 0; at < vacancies; at++) {
            int32_t row = keys[at].row;
            spots[at] = (Spot){organization[row], kind[row], rank[row], left[row], first[row], last[row], row, NONE};
            spot_of[row] = (int32_t)at;
        }
        Askers who = {profile, birth, wish_start, wishes, is_barred, pairs, barred_count, preferences, mask, in_order, suiting, kinds};
        Shelf shelf = {spots, organizations, from, to, of_organization, 0, kind_head, kind_left, 0, 0, 0};
        for (int64_t start = 0, end; start < vacancies; start = end) {
            int32_t here = queue[keys[start].row];
            for (end = start; end < vacancies && queue[keys[end].row] == here; end++) {
                keys[end].major = (uint64_t)here << 32;
            }
            qsort(keys + start, (size_t)(end - start), sizeof(Key), by_key);
            for (int64_t at = start; at < end; at++) by_rank[at] = spot_of[keys[at].row];
            fill(&shelf, (int32_t)start, (int32_t)end, by_rank);
            serve_queue(&who, &shelf, order, stream_start + (int64_t)here * CLASSES, first_turns[here],
                        general_turns[here], &position[here], given);
            clear(&shelf, (int32_t)start, (int32_t)end);
        }
    }
    free(keys), free(spots), free(by_rank), free(spot_of), free(from), free(to), free(of_organization), free(in_order);
    free(suiting), free(mask), free(kind_head), free(is_barred), free(pairs);
    return failed;
}
