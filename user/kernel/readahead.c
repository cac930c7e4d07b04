// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread that reads into a ring of a few chunks.
 * Receives a descriptor; hands the chunks to the thread that made it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include "kernel/readahead.h"

#define CHUNKS 4u
#define CHUNK_BYTES (128u << 10)
#define READ_BYTES (32u << 10) /* what the kernel gives at once */

struct chunk {
	_Alignas(8) uint8_t data[CHUNK_BYTES];
	size_t used;
};

struct readahead {
	int fd;
	size_t size; /* of a record */
	pthread_t thread;
	pthread_mutex_t lock; /* over what follows, but for the data of a chunk that is one side's */
	pthread_cond_t changed;
	unsigned int filled,
		taken; /* chunks so far: the reader's is `filled`, at hand is `taken` */
	bool at_hand;  /* the caller has one */
	bool ended;    /* the reader reads no more ... */
	int err;       /* ... since this happened, or 0 */
	bool stop;     /* it shall not */
	struct chunk chunks[CHUNKS];
};

/* Until the chunk has no room for what the kernel gives at once. 0: the end, or a negative errno. */
static ssize_t fill(struct readahead *ahead, struct chunk *chunk)
{
	size_t room = CHUNK_BYTES - CHUNK_BYTES % ahead->size;
	ssize_t got;

	chunk->used = 0;
	do {
		got = read(ahead->fd, chunk->data + chunk->used, room - chunk->used);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			return got ? -errno : 0;
		chunk->used += (size_t)got;
	} while (room - chunk->used >= READ_BYTES);
	return 1;
}

static void *reader(void *arg)
{
	struct readahead *ahead = arg;
	ssize_t more = 1;

	pthread_mutex_lock(&ahead->lock);
	while (more > 0 && !ahead->stop) {
		struct chunk *chunk = &ahead->chunks[ahead->filled % CHUNKS];

		if (ahead->filled - ahead->taken == CHUNKS) {
			pthread_cond_wait(&ahead->changed, &ahead->lock);
			continue;
		}
		pthread_mutex_unlock(&ahead->lock);
		more = fill(ahead, chunk);
		pthread_mutex_lock(&ahead->lock);
		if (chunk->used)
			ahead->filled++;
		pthread_cond_signal(&ahead->changed);
	}
	ahead->ended = true;
	ahead->err = more < 0 ? (int)more : 0;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

struct readahead *readahead_new(int fd, size_t size)
{
	struct readahead *ahead = malloc(sizeof(*ahead)); /* the chunks are not touched in vain */
	sigset_t all, before;
	int err;

	if (!ahead)
		return NULL;
	ahead->fd = fd;
	ahead->size = size;
	ahead->filled = ahead->taken = 0;
	ahead->at_hand = ahead->ended = ahead->stop = false;
	ahead->err = 0;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->changed, NULL);
	/* Signals are for the threads that were there before. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&ahead->thread, NULL, reader, ahead);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		free(ahead);
		return NULL;
	}
	return ahead;
}

ssize_t readahead_next(struct readahead *ahead, const void **ret_data)
{
	struct chunk *chunk;
	ssize_t got;

	pthread_mutex_lock(&ahead->lock);
	if (ahead->at_hand) {
		ahead->taken++;
		pthread_cond_signal(&ahead->changed);
	}
	while (ahead->filled == ahead->taken && !ahead->ended)
		pthread_cond_wait(&ahead->changed, &ahead->lock);
	ahead->at_hand = ahead->filled != ahead->taken;
	chunk = &ahead->chunks[ahead->taken % CHUNKS];
	got = ahead->at_hand ? (ssize_t)chunk->used : ahead->err;
	pthread_mutex_unlock(&ahead->lock);
	*ret_data = chunk->data;
	return got;
}

void readahead_free(struct readahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_cond_signal(&ahead->changed);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_mutex_destroy(&ahead->lock);
	pthread_cond_destroy(&ahead->changed);
	free(ahead);
}
