/* Messages under way, by their arrival. */
#include "record__record.h"

#include <stdlib.h>

#define MESSAGE_BYTES_MAX ((size_t)16 << 20)

enum et_status et__queue_open(struct et__queue *queue, struct et_err *err)
{
    queue->heap = calloc(ET_WORLD_RECORD_MESSAGES_MAX, sizeof(struct et__message *));
    queue->spare = calloc(ET_WORLD_RECORD_MESSAGES_MAX, sizeof(struct et__message *));
    return queue->heap && queue->spare ? ET_OK
                                       : et_fail(err, ET_ENOMEM, -1, "no memory for messages");
}

static void free_message(struct et__message *message)
{
    et_buf_free(&message->bytes);
    free(message);
}

void et__queue_close(struct et__queue *queue)
{
    for (size_t i = 0; i < queue->n; i++)
        free_message(queue->heap[i]);
    for (size_t i = 0; i < queue->n_spare; i++)
        free_message(queue->spare[i]);
    free(queue->heap);
    free(queue->spare);
    *queue = (struct et__queue){0};
}

enum et_status et__queue_new(struct et__queue *queue, struct et__message **message,
                             struct et_err *err)
{
    *message = NULL;
    if (queue->n == ET_WORLD_RECORD_MESSAGES_MAX)
        return et_fail(err, ET_ELIMIT, -1, "more than %d messages are under way",
                       ET_WORLD_RECORD_MESSAGES_MAX);
    if (queue->n_spare > 0) {
        *message = queue->spare[--queue->n_spare];
        et_buf_clear(&(*message)->bytes);
        return ET_OK;
    }
    *message = calloc(1, sizeof **message);
    if (!*message)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a message");
    (*message)->bytes = et_buf(MESSAGE_BYTES_MAX);
    return ET_OK;
}

static bool is_before(const struct et__message *a, const struct et__message *b)
{
    return a->t_arrival_ns != b->t_arrival_ns ? a->t_arrival_ns < b->t_arrival_ns
                                              : a->order < b->order;
}

static void swap(struct et__queue *queue, size_t i, size_t k)
{
    struct et__message *message = queue->heap[i];
    queue->heap[i] = queue->heap[k];
    queue->heap[k] = message;
}

void et__queue_put(struct et__queue *queue, struct et__message *message)
{
    size_t i = queue->n++;
    message->order = queue->n_ever++;
    queue->heap[i] = message;
    for (; i > 0 && is_before(queue->heap[i], queue->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(queue, i, (i - 1) / 2);
}

struct et__message *et__queue_take(struct et__queue *queue, int64_t t_ns)
{
    if (queue->n == 0 || queue->heap[0]->t_arrival_ns > t_ns)
        return NULL;
    struct et__message *first = queue->heap[0];
    queue->heap[0] = queue->heap[--queue->n];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < queue->n; k++)
            if (is_before(queue->heap[k], queue->heap[least]))
                least = k;
        if (least == i)
            return first;
        swap(queue, i, least);
        i = least;
    }
}

void et__queue_done(struct et__queue *queue, struct et__message *message)
{
    if (queue->n_spare == ET_WORLD_RECORD_MESSAGES_MAX)
        free_message(message);
    else
        queue->spare[queue->n_spare++] = message;
}
