/* Diploma: what an exam found, signed, for who was not there.
 *
 * One JSON file that needs nothing else but the centre's public key: the exam with all its
 * settings, the digests of policy and skills, the secret that seeds were drawn of with what was
 * shown of it before, every trial, and the result. Its body is canonical JSON (RFC 8785); the
 * signature (Ed25519) is of the body's hash and of the time of signing, which stands outside: the
 * same exam has the same body. doc/diploma.md has it member by member.
 *
 * Threads: any.
 * Memory:  a diploma lives in the caller's arena. */
#ifndef ETUDE_DIPLOMA_H
#define ETUDE_DIPLOMA_H

#include "etude/exam_run.h"

#define ET_DIPLOMA_BYTES_MAX ((size_t)128 << 20)
#define ET_DIPLOMA_CODE_CHARS 19 // "XXXX-XXXX-XXXX-XXXX"

/* Signs what an exam's folder holds, passed or failed, and writes it to `path`, which is replaced.
 * ET_ECORRUPT: as et_exam_run_resume; ET_EARG: the exam is not over. */
ET_MUST_USE ET_API enum et_status et_diploma_sign(const char *folder,
                                                  const struct et_secret_key *key,
                                                  int64_t t_signed_ns, const char *path,
                                                  struct et_err *err);

struct et_diploma {
    const struct et_exam *exam;
    const char *robot;
    bool is_remote;                 // the policy was behind a URL: nobody knows its digest
    bool is_privileged;             // it looks at what no sensor gives
    struct et_policy_options how;   // how it acted
    struct et_policy_remote remote; // what that points to
    struct et_digest policy, exam_digest;
    enum et_exam_verdict result;
    const struct et_exam_standing *skills; // of the exam, by its trials
    const struct et_exam_trial *trials;
    size_t n_trials;
    struct et_digest commitment, root; // of the secret; of the trials
    uint8_t secret[ET_KEY_BYTES];
    bool is_drawn_by_key;                 // else the secret came by chance
    struct et_public_key drawn_by;        // the key that the secret was made of
    struct et_public_key key;             // that it says it was signed by
    const char *signed_at, *program;      // "2026-11-23T18:00:00Z"; "etude 0.1.0"
    char code[ET_DIPLOMA_CODE_CHARS + 1]; // what a person compares: of the body
};

/* Reads a diploma and checks it against itself and the key: the signature; that the secret is the
 * one that was shown; that every trial has the secret's seed, is in its place and in the root; that
 * the rule, applied to them, comes to the result that is claimed. ET_ECORRUPT: it was cut, edited
 * or forged; the text says what differs. ET_EARG: it was signed by another key, which is named.
 * ET_ENOTFOUND, ET_EIO. key NULL: any key that fits its signature, which proves nothing of who
 * signed it. */
ET_MUST_USE ET_API enum et_status et_diploma_read(const char *path, const struct et_public_key *key,
                                                  struct et_arena *arena,
                                                  const struct et_diploma **diploma,
                                                  struct et_err *err);

/* Plays n of its trials again, drawn by `seed`, with the policy of the options, and compares how
 * they end. How it acts is the diploma's; of stage->how only how a server is reached counts.
 * ET_EARG: that is another policy, or skills or their worlds have changed. Movements are compared
 * bit by bit; another processor's may differ in the last bits, and are counted. */
struct et_diploma_replay {
    size_t n_played;
    size_t n_other_ends;          // the code, or the time, is another
    size_t n_other_movements;     // though the end is the same
    struct et_exam_trial was, is; // the first that ends otherwise
};
ET_MUST_USE ET_API enum et_status et_diploma_replay(const struct et_diploma *diploma,
                                                    const struct et_stage_options *stage, size_t n,
                                                    uint64_t seed, struct et_diploma_replay *replay,
                                                    struct et_err *err);

#endif
