/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target without libFuzzer: with -DFUZZ_STANDALONE, seeds, mutated seeds and random
 * bytes from a generator that is the same every time.
 * Receives LLVMFuzzerTestOneInput() and seeds from the file that includes it; hands exit status 0,
 * or whatever the target dies of. Arguments: files to run instead, or one number of inputs.
 */
#ifndef TCPTIMER_FUZZ_STANDALONE_H
#define TCPTIMER_FUZZ_STANDALONE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise of the code under test: die, so that the fuzzer keeps the input. */
#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct fuzz_seed {
	const char *data;
	size_t size;
};

#define FUZZ_SEED(text)                                                                            \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

#ifdef FUZZ_STANDALONE

#define FUZZ_INPUTS 20000
#define FUZZ_SIZE_MAX 4096

/* xorshift64* */
static inline uint64_t fuzz_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* In a block of just its size, so that the sanitizer sees a read beyond it. */
static inline void fuzz_one(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

/* One step away: a byte set, a bit turned, a part left out, doubled or taken from another seed. */
static inline size_t fuzz_mutate(uint8_t *data, size_t size, const struct fuzz_seed *other,
				 uint64_t *random)
{
	uint64_t r = fuzz_random(random);
	size_t at = size ? (r >> 8) % size : 0;
	size_t length = size ? (r >> 32) % (size - at) + 1 : 0;

	switch (r % 6) {
	case 0:
		if (size)
			data[at] = (uint8_t)(r >> 56);
		return size;
	case 1:
		if (size)
			data[at] ^= (uint8_t)(1U << (r >> 56) % 8);
		return size;
	case 2:
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 3:
		if (size + length > FUZZ_SIZE_MAX)
			return size;
		memmove(data + at + length, data + at, size - at);
		return size + length;
	case 4:
		if (at + other->size > FUZZ_SIZE_MAX)
			return size;
		memcpy(data + at, other->data, other->size);
		return at + other->size > size ? at + other->size : size;
	default:
		return at;
	}
}

static inline void fuzz_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		exit(1);
	}
	fuzz_one(data, fread(data, 1, sizeof(data), file));
	fclose(file);
}

static inline int fuzz_main(int argc, char **argv, const struct fuzz_seed *seeds, size_t count)
{
	uint64_t random = UINT64_C(0x9e3779b97f4a7c15);
	long inputs = argc > 1 ? atol(argv[1]) : FUZZ_INPUTS;
	uint8_t data[FUZZ_SIZE_MAX];

	for (int i = 1; i < argc && !inputs; i++)
		fuzz_file(argv[i]);
	for (size_t i = 0; i < count && inputs; i++)
		fuzz_one((const uint8_t *)seeds[i].data, seeds[i].size);
	for (long i = 0; i < inputs; i++) {
		size_t size = 0;

		if (i % 4) {
			const struct fuzz_seed *seed = &seeds[fuzz_random(&random) % count];
			unsigned int steps = 1 + fuzz_random(&random) % 8;

			size = seed->size < sizeof(data) ? seed->size : sizeof(data);
			memcpy(data, seed->data, size);
			while (steps-- > 0)
				size = fuzz_mutate(data, size, &seeds[fuzz_random(&random) % count],
						   &random);
		} else {
			size = fuzz_random(&random) % 1024;
			for (size_t b = 0; b < size; b++)
				data[b] = (uint8_t)(fuzz_random(&random) >> 56);
		}
		fuzz_one(data, size);
	}
	printf("%ld inputs\n", inputs);
	return 0;
}

#define FUZZ_MAIN(seeds)                                                                           \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return fuzz_main(argc, argv, seeds, sizeof(seeds) / sizeof((seeds)[0]));           \
	}

#else

#define FUZZ_MAIN(seeds)                                                                           \
	static const struct fuzz_seed *const fuzz_seeds_unused __attribute__((unused)) = seeds;

#endif
#endif
