// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The files that a policy was read from, as they are kept beside it in the kernel.
 * Receives names and bytes; hands a blob, and the same files out of a blob that may be damaged. Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sha2.h>
#include "daemon/policy_source.h"
#include "policy/policy_yaml.h"

/*
 * The blob, numbers little-endian:
 *   8 bytes  magic, its last byte the version of what follows
 *   u32 kind, u32 audit, u64 time_ns, u32 count
 *   a file:  u32 bytes of the name, u32 bytes of the file, the name, the file
 * and nothing behind the last file.
 */
static const char source_magic[8] = { 't', 'c', 'p', 't', 'p', 'o', 'l', 1 };
#define SOURCE_HEAD (sizeof(source_magic) + 20)
#define SOURCE_FILE_HEAD 8

static size_t source_size(const struct policy_source *source)
{
	size_t size = SOURCE_HEAD;

	for (size_t i = 0; i < source->count; i++)
		size += SOURCE_FILE_HEAD + strlen(source->files[i].name) + source->files[i].size;
	return size;
}

int source_add(struct policy_source *source, const char *name, const void *bytes, size_t size)
{
	struct source_file file = { .size = size }, *files;

	if (source->count == SOURCE_FILES_MAX || strlen(name) > SOURCE_NAME_MAX ||
	    size > TCPTIMER_POLICY_SOURCE ||
	    source_size(source) + SOURCE_FILE_HEAD + strlen(name) + size > TCPTIMER_POLICY_SOURCE)
		return -E2BIG;
	files = reallocarray(source->files, source->count + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	source->files = files;
	file.name = strdup(name);
	file.bytes = malloc(size ? size : 1);
	if (!file.name || !file.bytes) {
		free(file.name);
		free(file.bytes);
		return -ENOMEM;
	}
	if (size)
		memcpy(file.bytes, bytes, size);
	files[source->count++] = file;
	return 0;
}

void source_free(struct policy_source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		free(source->files[i].name);
		free(source->files[i].bytes);
	}
	free(source->files);
	*source = (struct policy_source){};
}

bool source_same(const struct policy_source *a, const struct policy_source *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->files[i].size != b->files[i].size ||
		    strcmp(a->files[i].name, b->files[i].name) ||
		    memcmp(a->files[i].bytes, b->files[i].bytes, a->files[i].size))
			return false;
	return true;
}

static uint8_t *put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	while (bytes--) {
		*at++ = (uint8_t)value;
		value >>= 8;
	}
	return at;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
	if (size)
		memcpy(at, bytes, size);
	return at + size;
}

int source_encode(const struct policy_source *source, void **ret_blob, size_t *ret_size)
{
	size_t size = source_size(source);
	uint8_t *blob, *at;

	if (size > TCPTIMER_POLICY_SOURCE || source->count > SOURCE_FILES_MAX)
		return -E2BIG;
	blob = malloc(size);
	if (!blob)
		return -ENOMEM;
	at = put_bytes(blob, source_magic, sizeof(source_magic));
	at = put(at, source->kind, 4);
	at = put(at, source->audit, 4);
	at = put(at, (uint64_t)source->time_ns, 8);
	at = put(at, source->count, 4);
	for (size_t i = 0; i < source->count; i++) {
		const struct source_file *file = &source->files[i];
		size_t name = strlen(file->name);

		at = put(at, name, 4);
		at = put(at, file->size, 4);
		at = put_bytes(at, file->name, name);
		at = put_bytes(at, file->bytes, file->size);
	}
	*ret_blob = blob;
	*ret_size = size;
	return 0;
}

/* What is left of the blob; a read beyond its end sets `bad` and gives 0. */
struct source_reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static uint64_t get(struct source_reader *r, unsigned int bytes)
{
	uint64_t value = 0;

	if (r->left < bytes) {
		r->bad = true;
		return 0;
	}
	for (unsigned int i = 0; i < bytes; i++)
		value |= (uint64_t)r->at[i] << 8 * i;
	r->at += bytes;
	r->left -= bytes;
	return value;
}

static int get_file(struct source_reader *r, struct policy_source *ret)
{
	size_t name_size = get(r, 4), size = get(r, 4);
	char name[SOURCE_NAME_MAX + 1];
	int err;

	if (r->bad || !name_size || name_size > SOURCE_NAME_MAX || name_size > r->left ||
	    size > r->left - name_size || memchr(r->at, 0, name_size))
		return -EINVAL;
	memcpy(name, r->at, name_size);
	name[name_size] = '\0';
	err = source_add(ret, name, r->at + name_size, size);
	r->at += name_size + size;
	r->left -= name_size + size;
	return err == -E2BIG ? -EINVAL : err;
}

int source_decode(const void *blob, size_t size, struct policy_source *ret)
{
	struct source_reader r = { .at = blob, .left = size };
	uint64_t kind, audit, count;
	int err = 0;

	*ret = (struct policy_source){};
	if (size < SOURCE_HEAD || size > TCPTIMER_POLICY_SOURCE ||
	    memcmp(blob, source_magic, sizeof(source_magic)))
		return -EINVAL;
	get(&r, sizeof(source_magic));
	kind = get(&r, 4);
	audit = get(&r, 4);
	ret->time_ns = (int64_t)get(&r, 8);
	count = get(&r, 4);
	if (kind > SOURCE_APPLY || audit > 1 || count > SOURCE_FILES_MAX || ret->time_ns < 0)
		err = -EINVAL;
	ret->kind = (uint8_t)kind;
	ret->audit = audit;
	for (uint64_t i = 0; !err && i < count; i++)
		err = get_file(&r, ret);
	if (!err && r.left)
		err = -EINVAL;
	if (err)
		source_free(ret);
	return err;
}

void source_digest(const struct policy_source *source, char ret[SOURCE_DIGEST])
{
	SHA2_CTX sha;

	_Static_assert(SOURCE_DIGEST == SHA256_DIGEST_STRING_LENGTH, "digest in hex");
	SHA256Init(&sha);
	for (size_t i = 0; i < source->count; i++)
		SHA256Update(&sha, (const uint8_t *)source->files[i].bytes, source->files[i].size);
	SHA256End(&sha, ret);
}

int source_read(const struct policy_source *source, struct policy *policy,
		struct policy_report *report)
{
	unsigned int errors = report->errors;

	/* Also behind a wrong file, so that one run names all that is wrong. */
	for (size_t i = 0; i < source->count; i++)
		policy_read(policy, source->files[i].name, source->files[i].bytes,
			    source->files[i].size, report);
	return report->no_memory ? -ENOMEM : report->errors != errors ? -EINVAL : 0;
}
