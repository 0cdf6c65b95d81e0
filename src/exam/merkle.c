#include "exam/exam__merkle.h"

#include <assert.h>

#define LEAF 0
#define NODE 1

static struct et_digest hash_leaf(const void *leaf, size_t n)
{
    struct et_blake2b state;
    const uint8_t kind = LEAF;
    et_blake2b_begin(&state);
    et_blake2b_add(&state, &kind, 1);
    et_blake2b_add(&state, leaf, n);
    return et_blake2b_end(&state);
}

static struct et_digest hash_node(const struct et_digest *left, const struct et_digest *right)
{
    struct et_blake2b state;
    const uint8_t kind = NODE;
    et_blake2b_begin(&state);
    et_blake2b_add(&state, &kind, 1);
    et_blake2b_add(&state, left->bytes, sizeof left->bytes);
    et_blake2b_add(&state, right->bytes, sizeof right->bytes);
    return et_blake2b_end(&state);
}

void et__merkle_add(struct et__merkle *tree, const void *leaf, size_t n)
{
    assert(tree->n_peaks < ET__MERKLE_DEPTH);
    tree->peaks[tree->n_peaks].digest = hash_leaf(leaf, n);
    tree->peaks[tree->n_peaks++].n = 1;
    while (tree->n_peaks > 1 &&
           tree->peaks[tree->n_peaks - 1].n == tree->peaks[tree->n_peaks - 2].n) {
        const size_t left = tree->n_peaks - 2;
        tree->peaks[left].digest =
            hash_node(&tree->peaks[left].digest, &tree->peaks[left + 1].digest);
        tree->peaks[left].n *= 2;
        tree->n_peaks--;
    }
}

struct et_digest et__merkle_root(const struct et__merkle *tree)
{
    if (tree->n_peaks == 0)
        return et_blake2b("", 0);
    struct et_digest root = tree->peaks[tree->n_peaks - 1].digest;
    for (size_t i = tree->n_peaks - 1; i > 0; i--)
        root = hash_node(&tree->peaks[i - 1].digest, &root);
    return root;
}
