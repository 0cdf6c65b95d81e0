/* Copies of folders of two files, with a mistake in them. */
#ifndef TESTS_WORLD_CHANGED_H
#define TESTS_WORLD_CHANGED_H

struct change {
    const char *file, *from, *to; // `from` stands there once at least; the first is changed
};

/* Copies of the tests' own skill take_block, and of the robot etude-one, in the temporary folder;
 * their paths, valid until the end. The one before is overwritten. */
const char *changed_skill(struct change change);
const char *changed_robot(struct change change);

#endif
