// The core's state and its pipeline, for translated programs. Before it SCALARS and
// VECTOR_BYTES are defined (execution/state.py); native/state.py has the same layout.
#include <stdint.h>
#include <string.h>

#define RARELY(x) __builtin_expect(!!(x), 0)
#define OUTLINE __attribute__((noinline))

typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;
typedef uint8_t u8;

enum { ELSEWHERE, LIMIT, WAITS, DONE, REFUSED, UNKNOWN };
enum { RING = 32, SLOT = RING - 1, LANDINGS = 64, LATES = 32, CELLS = 256 };
// What lands: a scalar, a vector in the registers, in those of the bypass, in both, a word in memory.
enum { SCALAR, PLAIN, BYPASSED, BOTH, MEMORY };

struct Core;

// A vector on its way.
struct Cell {
    alignas(64) u8 data[128];
};

// What an instruction does in a later stage, with what it read before.
struct Late {
    int (*act)(Core *, u64, Late *);
    u32 a, w, at;
    alignas(64) u8 data[448];
};

struct Landing {
    u32 kind, place;
    u64 value;
};

struct Core {
    u32 R[SCALARS];
    alignas(64) u8 V[VECTOR_BYTES];
    alignas(64) u8 B[VECTOR_BYTES];
    u8 *region[16];
    u64 cycle, limit, part_words;
    u32 address, goal, slots, served, releasing, flushing, due, stacked, highest, unused;
    int (*fault)(u32 address, u32 size);
    int (*release)(u32 at, u32 lock, u32 value);
    int (*meaning)(u32 number, const char *sizes);
    int (*stack)(u32 pointer);
    alignas(64) u8 reply[4][64];
    alignas(64) u8 values[1024];
    // Not shared with Python from here.
    u32 busy, started, cells, lates;
    u8 landing_count[RING], pending_count[RING], storing_count[RING];
    Landing landing[RING][LANDINGS];
    Late *pending[RING][LATES], *storing[RING][LATES];
    Cell *free_cell[CELLS], cell[CELLS];
    Late *free_late[CELLS], late[CELLS];
};
static_assert(sizeof(Core) <= STATE_BYTES, "the state fits what is allocated for it");

static void start(Core *s) {
    s->started = 1;
    s->cells = s->lates = CELLS;
    for (int n = 0; n < CELLS; n++) {
        s->free_cell[n] = &s->cell[n];
        s->free_late[n] = &s->late[n];
    }
}

static inline Cell *new_cell(Core *s) { return s->free_cell[--s->cells]; }

// Not inline, as some others: a program calls it from everywhere, and compilers take long enough.
static OUTLINE void lands(Core *s, u64 c, u32 kind, u32 place, u64 value) {
    u32 slot = c & SLOT;
    s->busy |= 1u << slot;
    s->landing[slot][s->landing_count[slot]++] = {kind, place, value};
}

// The size of a vector goes with its place: it is below 256, a place below 64 K.
static OUTLINE void lands_vector(Core *s, u64 c, u32 kind, u32 place, u32 size, Cell *cell) {
    lands(s, c, kind, place | size << 16, (u64)cell);
}

static OUTLINE Late *later(Core *s, u64 c, int (*act)(Core *, u64, Late *), int stores) {
    u32 slot = c & SLOT;
    s->busy |= 1u << slot;
    Late *late = s->free_late[--s->lates];
    late->act = act;
    if (stores)
        s->storing[slot][s->storing_count[slot]++] = late;
    else
        s->pending[slot][s->pending_count[slot]++] = late;
    return late;
}

static inline int land_all(Core *s, u64 c, Late *(*ring)[LATES], u8 *count) {
    u32 slot = c & SLOT;
    int failed = 0;
    for (u32 n = 0; n < count[slot] && !failed; n++) {
        Late *late = ring[slot][n];
        failed = late->act(s, c, late);
        s->free_late[s->lates++] = late;
    }
    count[slot] = 0;
    return failed;
}

static inline void copy(void *to, const void *from, u32 size) {
    for (u32 at = 0; at < size; at += 16) memcpy((u8 *)to + at, (const u8 *)from + at, 16);
}

static OUTLINE int land(Core *s, u64 c) {
    u32 slot = c & SLOT;
    s->busy &= ~(1u << slot);
    for (u32 n = 0; n < s->landing_count[slot]; n++) {
        Landing *l = &s->landing[slot][n];
        if (l->kind == SCALAR) {
            s->R[l->place] = (u32)l->value;
            continue;
        }
        if (l->kind == MEMORY) {
            *(u32 *)(s->region[l->place >> 16] + (l->place & 0xFFFF)) = (u32)l->value;
            continue;
        }
        Cell *cell = (Cell *)l->value;
        u32 place = l->place & 0xFFFF, size = l->place >> 16;
        if (l->kind != BYPASSED) {
            copy(s->V + place, cell->data, size);
            s->free_cell[s->cells++] = cell;
        }
        if (l->kind != PLAIN) copy(s->B + place, cell->data, size);
    }
    s->landing_count[slot] = 0;
    return land_all(s, c, s->pending, s->pending_count) ||
           land_all(s, c, s->storing, s->storing_count);
}

// Complete a release in flight and the stores before it.
extern "C" int flush(Core *s, u64 c) {
    s->flushing = 1;
    int failed = 0;
    for (u64 at = c; at < c + RING && !failed; at++) {
        u32 slot = at & SLOT;
        for (u32 n = 0; n < s->storing_count[slot] && !failed; n++) {
            Late *late = s->storing[slot][n];
            failed = late->act(s, c, late);
            s->free_late[s->lates++] = late;
        }
        s->storing_count[slot] = 0;
    }
    u32 slot = (c + 1) & SLOT;
    for (u32 n = 0; n < s->landing_count[slot]; n++) {
        Landing *l = &s->landing[slot][n];
        if (l->kind == MEMORY)
            *(u32 *)(s->region[l->place >> 16] + (l->place & 0xFFFF)) = (u32)l->value;
    }
    s->flushing = s->releasing = 0;
    s->part_words = 0;
    return failed;
}

extern "C" int drain(Core *s, u64 c) {
    for (u64 late = c; late < c + RING; late++)
        if (land(s, late)) return 1;
    return 0;
}

// Whether an address can be accessed; Python fetches a region when it is first used.
static OUTLINE int fetched(Core *s, u32 address, u32 size) { return !s->fault(address, size); }

static inline int reach(Core *s, u32 address, u32 size) {
    return !RARELY((address & (size - 1)) || !s->region[address >> 16]) ||
           fetched(s, address, size);
}

static inline u8 *at(Core *s, u32 address) {
    return s->region[address >> 16] + (address & 0xFFFF);
}

static int gather(Core *s, u8 *out, const u8 *addresses, u32 align, u32 first) {
    for (u32 n = 0; n < 4; n++) {
        u32 address = ((const u32 *)addresses)[first + n] & 0xFFFFF;
        address = (address & -align) | (n & 1) * 16;
        for (u32 half = 0; half < 8; half += 4) {
            if (!reach(s, address + half, 4)) return 0;
            memcpy(out + n * 8 + half, at(s, address + half), 4);
        }
    }
    return 1;
}

static int load_part(Core *s, u32 address, u32 bits, u64 c, u32 *word) {
    if (bits == 16 && !reach(s, address, 2)) return 0;
    s->part_words = c + 7;
    if (!reach(s, address & ~3u, 4)) return 0;
    *word = *(u32 *)at(s, address & ~3u);
    return 1;
}

static void merge(Core *s, u64 c, u32 address, u32 word, u32 data, u32 bits) {
    u32 shift = (address & 3) * 8, mask = ((1u << bits) - 1) << shift;
    u32 merged = (word & ~mask) | (data << shift & mask);
    address &= ~3u;
    if (s->flushing)
        *(u32 *)at(s, address) = merged;
    else
        lands(s, c + 1, MEMORY, address, merged);
}

static int released(Core *s, u64, Late *l) {
    s->releasing = 0;
    s->due = 1, s->limit = 0;
    return s->release(l->at, l->a, l->w);
}

static int store_late(Core *s, u64, Late *l) {
    if (!reach(s, l->a, l->w)) return 1;
    copy(at(s, l->a), l->data, l->w);
    return 0;
}

// Release, once the part-word stores before have been made.
static OUTLINE int release(Core *s, u64 c, u32 address, u32 lock, u32 value) {
    if (c >= s->part_words) {
        s->releasing = 0;
        s->due = 1, s->limit = 0;
        return !s->release(address, lock, value);
    }
    s->releasing++;
    Late *late = later(s, s->part_words, released, 1);
    late->at = address;
    late->a = lock;
    late->w = value;
    return 1;
}

// Look at the stack pointer after it was moved; Python need not where it has been lower.
static inline int stacks(Core *s, u32 address, u32 pointer) {
    if (!RARELY(!s->stacked || pointer > s->highest)) return 1;
    s->address = address;
    return !s->stack(pointer);
}

// Scalar operations that are no operator.
static inline u32 lshl(u32 a, u32 b) { return b >> 31 ? a >> (-b & 31) : a << (b & 31); }
static inline u32 ashl(u32 a, u32 b) {
    return b >> 31 ? (u32)((int32_t)a >> (-b & 31)) : a << (b & 31);
}
static inline u32 clz(u32 a) { return a ? __builtin_clz(a) : 32; }
static inline u32 clb(u32 a) { return clz(a >> 31 ? ~a : a); }
static inline u32 adds(u32 a, u32 b, u32 carry, u32 *out) {
    u64 total = (u64)a + b + carry;
    *out = total >> 32;
    return (u32)total;
}
static inline u32 subtracts(u32 a, u32 b, u32 borrow, u32 *out) {
    i64 total = (i64)a - b - borrow;
    *out = total >= 0;
    return (u32)total;
}
static inline u32 divides(u32 quotient, u32 remainder, u32 divisor, u32 *out) {
    remainder = remainder << 1 | quotient >> 31;
    quotient <<= 1;
    int fits = remainder >= divisor;
    *out = quotient | fits;
    return fits ? remainder - divisor : remainder;
}

// What another engine left in flight.
extern "C" void give_landing(Core *s, u64 c, u32 kind, u32 place, u64 value, u32 size,
                             const u8 *data) {
    if (!s->started) start(s);
    if (!size) return lands(s, c, kind, place, value);
    Cell *cell = new_cell(s);
    memcpy(cell->data, data, size);
    lands_vector(s, c, kind, place, size, cell);
}

// Without a function of its own it is a store.
extern "C" void give_late(Core *s, u64 c, int (*act)(Core *, u64, Late *), u32 stores, u32 a, u32 w,
                          u32 size, const u8 *data) {
    if (!s->started) start(s);
    Late *late = later(s, c, act ? act : store_late, stores);
    late->a = a;
    late->w = w;
    memcpy(late->data, data, size);
}

// Leave a region of code; what it keeps in registers of the host goes back to the state.
#define LEAVE(at, reason)            \
    do {                             \
        next = at, why = reason;     \
        goto leave;                  \
    } while (0)

typedef int (*Region)(Core *);

// Execute until Python is needed.
extern "C" int run(Core *s, Region *regions) {
    if (!s->started) start(s);
    for (;;) {
        Region region = s->address < PROGRAM_SIZE ? regions[s->address] : 0;
        if (!region) return UNKNOWN;
        int why = region(s);
        if (why != ELSEWHERE) return why;
    }
}

struct Entry {
    u64 address;
    Region region;
};
