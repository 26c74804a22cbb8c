/* Walks decision trees. Built without any library by hatch_build.py; called by trees.py.
 *
 * A node is 16 bytes, and the two children of one lie side by side at an even place, so that one
 * cache line holds both. Rows are float64: what a library compares as float32 compares the same
 * when both sides are widened. Eight walks run at once, for each waits for memory at every step:
 * eight rows in one tree, or one row in eight trees where rows are few. What the leaves give is
 * added in the order of the trees, in the library's precision, so that the sums are equal to the
 * bit; that needs -ffp-contract=off.
 */
#include <stdint.h>

typedef struct {
    union {
        double threshold; /* inner node: to the left where row[feature] <= threshold */
        double value;     /* leaf that gives one number */
        uint64_t index;   /* leaf that gives several: which; categorical node: where its set is */
    };
    uint32_t child; /* the left one; a leaf names itself */
    uint32_t what;  /* the feature, and the flags below */
} Node;

enum {
    LEAF = 1u << 31,
    MISSING_LEFT = 1 << 30,
    CATEGORICAL = 1 << 29,     /* to the left where the set at `index` holds the value */
    ZERO_IS_MISSING = 1 << 28, /* LightGBM's zero_as_missing */
    TRUNCATED = 1 << 27,       /* above -1 is category 0 too, as in LightGBM */
    FEATURE = (1 << 24) - 1,
    LANES = 8,
    BLOCK = 1024, /* rows that go through all trees before the next ones do */
};

typedef struct {
    const Node *nodes;
    const uint32_t *roots;   /* by tree */
    const uint32_t *targets; /* by tree: the first column of `out` that it adds to */
    const double *leaves;    /* leaf by leaf `width` numbers, unless width is 1 */
    const uint32_t *sets;    /* each: how many bits, then the bits */
    uint64_t trees, width, columns, outputs;
} Forest;

static inline int holds(const uint32_t *set, double x, int is_truncated) {
    if (!((x >= 0.0 || (is_truncated && x > -1.0)) && x < 4294967296.0)) return 0;
    uint32_t category = (uint32_t)(int64_t)x;
    return category < set[0] && (set[1 + category / 32] >> (category % 32) & 1);
}

static inline uint32_t next_special(const Forest *f, Node node, double x) {
    uint32_t what = node.what;
    if (what & LEAF) return node.child;
    const double zero = 1e-35f; /* LightGBM's kZeroThreshold, a float */
    int missing = x != x || ((what & ZERO_IS_MISSING) && x >= -zero && x <= zero);
    if (missing) return node.child + !(what & MISSING_LEFT);
    if (what & CATEGORICAL) return node.child + !holds(f->sets + node.index, x, what & TRUNCATED);
    return node.child + !(x <= node.threshold);
}

/* No branch depends on the data: which way a node sends a row cannot be foreseen. */
static inline uint32_t next_plain(Node node, double x) {
    uint32_t is_nan = x != x;
    uint32_t right = !(x <= node.threshold) & ~(is_nan & node.what >> 30);
    return node.child + (right & ~(node.what >> 31));
}

static inline __attribute__((always_inline)) void walk_lanes(
    const Forest *f, const double *const *rows, uint32_t *at, int is_special) {
    uint32_t moved;
    do {
        moved = 0;
        for (uint32_t lane = 0; lane < LANES; lane++) {
            Node node = f->nodes[at[lane]];
            double x = rows[lane][node.what & FEATURE];
            uint32_t next = is_special ? next_special(f, node, x) : next_plain(node, x);
            moved |= next ^ at[lane];
            at[lane] = next;
        }
    } while (moved);
}

static inline __attribute__((always_inline)) void add(
    const Forest *f, uint64_t tree, uint32_t leaf, void *out, uint64_t row, int is_single) {
    Node node = f->nodes[leaf];
    const double *values = f->width == 1 ? &node.value : f->leaves + node.index * f->width;
    uint64_t start = row * f->outputs + f->targets[tree];
    for (uint64_t i = 0; i < f->width; i++) {
        if (is_single)
            ((float *)out)[start + i] += (float)values[i];
        else
            ((double *)out)[start + i] += values[i];
    }
}

/* Eight rows in one tree after the other. */
static inline __attribute__((always_inline)) void walk_block(
    const Forest *f, const double *x, uint64_t start, uint64_t end, void *out, int is_special,
    int is_single) {
    for (uint64_t tree = 0; tree < f->trees; tree++) {
        for (uint64_t row = start; row < end; row += LANES) {
            const double *rows[LANES];
            uint32_t at[LANES];
            for (uint32_t lane = 0; lane < LANES; lane++) {
                rows[lane] = x + (row + lane) * f->columns;
                at[lane] = f->roots[tree];
            }
            walk_lanes(f, rows, at, is_special);
            for (uint32_t lane = 0; lane < LANES; lane++)
                add(f, tree, at[lane], out, row + lane, is_single);
        }
    }
}

/* One row in eight trees; past the last tree the lanes walk it again. */
static inline __attribute__((always_inline)) void walk_row(
    const Forest *f, const double *x, uint64_t row, void *out, int is_special, int is_single) {
    const double *rows[LANES];
    for (uint32_t lane = 0; lane < LANES; lane++) rows[lane] = x + row * f->columns;
    for (uint64_t tree = 0; tree < f->trees; tree += LANES) {
        uint32_t lanes = f->trees - tree < LANES ? (uint32_t)(f->trees - tree) : LANES;
        uint32_t at[LANES];
        for (uint32_t lane = 0; lane < LANES; lane++)
            at[lane] = f->roots[tree + (lane < lanes ? lane : lanes - 1)];
        walk_lanes(f, rows, at, is_special);
        for (uint32_t lane = 0; lane < lanes; lane++)
            add(f, tree + lane, at[lane], out, row, is_single);
    }
}

static inline __attribute__((always_inline)) void walk_all(
    const Forest *f, const double *x, uint64_t rows, void *out, int is_special, int is_single) {
    uint64_t whole = rows - rows % LANES;
    for (uint64_t start = 0; start < whole; start += BLOCK) {
        uint64_t end = start + BLOCK < whole ? start + BLOCK : whole;
        walk_block(f, x, start, end, out, is_special, is_single);
    }
    for (uint64_t row = whole; row < rows; row++) walk_row(f, x, row, out, is_special, is_single);
}

/* Adds to out (rows x outputs, float32 where is_single, else float64) what the trees give for x
 * (rows x columns, float64). is_special: some node is categorical or takes zero for missing. */
__attribute__((visibility("default"))) void walk_trees(
    const Forest *forest, const double *x, uint64_t rows, void *out, int is_special,
    int is_single) {
    if (is_special && is_single)
        walk_all(forest, x, rows, out, 1, 1);
    else if (is_special)
        walk_all(forest, x, rows, out, 1, 0);
    else if (is_single)
        walk_all(forest, x, rows, out, 0, 1);
    else
        walk_all(forest, x, rows, out, 0, 0);
}
