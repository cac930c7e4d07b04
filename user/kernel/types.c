// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One walk over the kernel's BTF for the few types that programs name.
 * Receives /sys/kernel/btf/vmlinux; hands a small BTF, built by hand in the format of linux/btf.h.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <bpf/btf.h>
#include "idmap.h"
#include "kernel/types.h"

#define STEP 32u /* the place of every so many types is kept: what lies between is walked again */
#define SIZE_MAX_BTF (64u << 20)

#define FILTER 4096u

/* What is looked for. */
struct name {
	const char *text; /* not terminated where a flavour follows */
	size_t length;
	struct types_function *function; /* or NULL: a struct, union or enum */
};

struct types {
	uint8_t *data; /* the kernel's BTF, mapped */
	size_t size;
	const uint8_t *types;
	const char *strings; /* ends with a NUL */
	uint32_t types_length, strings_length;
	uint32_t *places; /* of type 1, 1 + STEP, ... in `types` */
	uint32_t count;   /* of types; they begin with 1 */

	struct name *names;
	size_t name_count;
	bool maybe[FILTER]; /* by a hash: one of the names may be it */
	bool members; /* of structs and unions only what may have the name of one in `local` ... */
	bool maybe_member[FILTER]; /* ... by a hash as well: some are kept in vain */

	uint32_t *taken; /* the kernel's ids, in the order of the new ones, which begin with 1 */
	uint32_t taken_count, taken_room;
	struct idmap ids; /* the kernel's to the new ones */
};

struct blob {
	uint8_t *data;
	size_t used, room;
};

static int blob_add(struct blob *blob, const void *data, size_t size)
{
	if (blob->room - blob->used < size) {
		size_t room = 2 * blob->room + size + 4096;
		uint8_t *more = realloc(blob->data, room);

		if (!more)
			return -ENOMEM;
		blob->data = more;
		blob->room = room;
	}
	memcpy(blob->data + blob->used, data, size);
	blob->used += size;
	return 0;
}

/* ---- reading ---- */

/* Mapped since Linux 6.16, which spares a copy; else read. */
static int types_map(struct types *t, int fd)
{
	size_t have = 0;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < (off_t)sizeof(struct btf_header) || st.st_size > SIZE_MAX_BTF)
		return -EINVAL;
	t->size = (size_t)st.st_size;
	t->data = mmap(NULL, t->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (t->data != MAP_FAILED)
		return 0;
	t->data = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->data == MAP_FAILED)
		return -errno;
	while (have < t->size) {
		got = read(fd, t->data + have, t->size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EINVAL;
		have += (size_t)got;
	}
	return 0;
}

static int types_open(struct types *t)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	const struct btf_header *h;
	uint64_t types, strings;
	int err;

	if (fd < 0)
		return -errno;
	err = types_map(t, fd);
	close(fd);
	if (err)
		return err;
	h = (const struct btf_header *)t->data;
	types = (uint64_t)h->hdr_len + h->type_off;
	strings = (uint64_t)h->hdr_len + h->str_off;
	if (h->magic != BTF_MAGIC || h->version != BTF_VERSION || types % 4 ||
	    types + h->type_len > t->size || strings + h->str_len > t->size || !h->str_len ||
	    t->data[strings + h->str_len - 1])
		return -EINVAL;
	t->types = t->data + types;
	t->types_length = h->type_len;
	t->strings = (const char *)t->data + strings;
	t->strings_length = h->str_len;
	return 0;
}

/* What follows a type's head: so many bytes, and so many for each of its parts. */
static const struct {
	bool known;
	uint8_t once, each;
} type_sizes[] = {
	[BTF_KIND_INT] = { true, sizeof(uint32_t), 0 },
	[BTF_KIND_PTR] = { true, 0, 0 },
	[BTF_KIND_ARRAY] = { true, sizeof(struct btf_array), 0 },
	[BTF_KIND_STRUCT] = { true, 0, sizeof(struct btf_member) },
	[BTF_KIND_UNION] = { true, 0, sizeof(struct btf_member) },
	[BTF_KIND_ENUM] = { true, 0, sizeof(struct btf_enum) },
	[BTF_KIND_FWD] = { true, 0, 0 },
	[BTF_KIND_TYPEDEF] = { true, 0, 0 },
	[BTF_KIND_VOLATILE] = { true, 0, 0 },
	[BTF_KIND_CONST] = { true, 0, 0 },
	[BTF_KIND_RESTRICT] = { true, 0, 0 },
	[BTF_KIND_FUNC] = { true, 0, 0 },
	[BTF_KIND_FUNC_PROTO] = { true, 0, sizeof(struct btf_param) },
	[BTF_KIND_VAR] = { true, sizeof(struct btf_var), 0 },
	[BTF_KIND_DATASEC] = { true, 0, sizeof(struct btf_var_secinfo) },
	[BTF_KIND_FLOAT] = { true, 0, 0 },
	[BTF_KIND_DECL_TAG] = { true, sizeof(struct btf_decl_tag), 0 },
	[BTF_KIND_TYPE_TAG] = { true, 0, 0 },
	[BTF_KIND_ENUM64] = { true, 0, sizeof(struct btf_enum64) },
};

/* The type at that place, whole, and its size; NULL: the data is not as it should be. */
static inline const struct btf_type *type_at(const struct types *t, uint32_t place,
					     uint32_t *ret_size)
{
	const struct btf_type *type = (const struct btf_type *)(t->types + place);
	unsigned int kind;

	if (place > t->types_length || t->types_length - place < sizeof(*type))
		return NULL;
	kind = btf_kind(type);
	if (kind >= sizeof(type_sizes) / sizeof(type_sizes[0]) || !type_sizes[kind].known)
		return NULL;
	*ret_size = (uint32_t)sizeof(*type) + type_sizes[kind].once +
		    btf_vlen(type) * type_sizes[kind].each;
	return t->types_length - place >= *ret_size ? type : NULL;
}

static const struct btf_type *type_of(const struct types *t, uint32_t id, uint32_t *ret_size)
{
	const struct btf_type *type;
	uint32_t place, i;

	if (!id || id > t->count)
		return NULL;
	place = t->places[(id - 1) / STEP];
	type = type_at(t, place, ret_size);
	for (i = (id - 1) % STEP; type && i; i--) {
		place += *ret_size;
		type = type_at(t, place, ret_size);
	}
	return type;
}

static const char *text_at(const struct types *t, uint32_t offset)
{
	return offset < t->strings_length ? t->strings + offset : "";
}

/* ---- what is wanted ---- */

static bool is_wanted_kind(const struct btf_type *type)
{
	return btf_is_composite(type) || btf_is_any_enum(type);
}

static int types_names(struct types *t, const struct btf *local, struct types_function *functions,
		       size_t function_count)
{
	uint32_t count = btf__type_cnt(local), id;
	size_t i;

	t->names = calloc(count + function_count, sizeof(*t->names));
	if (!t->names)
		return -ENOMEM;
	for (id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(local, id);
		const char *text = btf__name_by_offset(local, type->name_off), *flavour;

		if (!is_wanted_kind(type) || !text || !*text)
			continue;
		flavour = strstr(text, "___");
		t->names[t->name_count++] = (struct name){
			.text = text,
			.length = flavour ? (size_t)(flavour - text) : strlen(text),
		};
	}
	for (i = 0; i < function_count; i++)
		t->names[t->name_count++] = (struct name){
			.text = functions[i].name,
			.length = strlen(functions[i].name),
			.function = &functions[i],
		};
	return 0;
}

/*
 * Of the first eight bytes of a name, which most names that are not looked for differ in already: all
 * but a few of the types are passed by with one load and no branch over the name's length.
 */
static inline uint32_t hash_begin(const char *text)
{
	uint64_t bytes, end;

	memcpy(&bytes, text, sizeof(bytes));
	bytes = le64toh(bytes);
	/* The lowest bit that is set here is in the first byte that is 0; what is above it is not the name's. */
	end = (bytes - 0x0101010101010101ULL) & ~bytes & 0x8080808080808080ULL;
	bytes &= (end & -end) - 1;
	return (uint32_t)(bytes * 0x9e3779b97f4a7c15ULL >> 52) % FILTER;
}

static void filter_add(bool filter[FILTER], const char *text, size_t length)
{
	char begin[sizeof(uint64_t)] = {};

	memcpy(begin, text, length < sizeof(begin) ? length : sizeof(begin));
	filter[hash_begin(begin)] = true;
}

static void types_filter(struct types *t, const struct btf *local)
{
	uint32_t count = btf__type_cnt(local), id, i;

	for (i = 0; i < t->name_count; i++)
		filter_add(t->maybe, t->names[i].text, t->names[i].length);
	for (id = 1; id < count; id++) {
		const struct btf_type *type = btf__type_by_id(local, id);

		for (i = 0; btf_is_composite(type) && i < btf_vlen(type); i++) {
			const char *text =
				btf__name_by_offset(local, btf_members(type)[i].name_off);

			filter_add(t->maybe_member, text, strlen(text));
			t->members = true;
		}
	}
}

/* False: it is none of the names that the filter is made of. */
static inline bool may_be_named(const struct types *t, const bool filter[FILTER], uint32_t offset)
{
	if (offset >= t->strings_length || t->strings_length - offset < sizeof(uint64_t))
		return true; /* too near to the end to be loaded */
	return filter[hash_begin(t->strings + offset)];
}

/* ---- what is taken ---- */

/* The new id of one of the kernel's, which is taken if it was not yet. Nothing is void. */
static int types_take(struct types *t, uint32_t id, uint32_t *ret)
{
	void *known = idmap_get(&t->ids, id);

	if (id > t->count)
		return -EINVAL;
	if (!id || known) {
		*ret = (uint32_t)(uintptr_t)known;
		return 0;
	}
	if (t->taken_count == t->taken_room) {
		uint32_t room = 2 * t->taken_room + 256;
		uint32_t *more = reallocarray(t->taken, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->taken = more;
		t->taken_room = room;
	}
	t->taken[t->taken_count++] = id;
	*ret = t->taken_count;
	return idmap_put(&t->ids, id, (void *)(uintptr_t)t->taken_count);
}

/* One that may be wanted, by its name; its id is that of the last type seen. */
static int types_see(struct types *t, const struct btf_type *type)
{
	const char *text = text_at(t, type->name_off);
	size_t length = strlen(text);
	struct name *name;
	uint32_t taken;
	int err = 0;

	for (name = t->names; !err && name < t->names + t->name_count; name++) {
		if (name->length != length || memcmp(name->text, text, length))
			continue;
		if (!name->function && is_wanted_kind(type))
			err = types_take(t, t->count, &taken);
		else if (name->function &&
			 (name->function->is_struct ? btf_is_struct(type) : btf_is_func(type)))
			name->function->ret_id = t->count;
	}
	return err;
}

/* One walk over all types: where they are, and those that are wanted by name. */
static int types_walk(struct types *t)
{
	uint32_t place = 0, size;
	int err = 0;

	t->places =
		calloc(t->types_length / sizeof(struct btf_type) / STEP + 1, sizeof(*t->places));
	if (!t->places)
		return -ENOMEM;
	while (!err && place < t->types_length) {
		const struct btf_type *type = type_at(t, place, &size);

		if (!type)
			return -EINVAL;
		if (t->count % STEP == 0)
			t->places[t->count / STEP] = place;
		t->count++;
		if ((is_wanted_kind(type) || btf_is_func(type)) &&
		    may_be_named(t, t->maybe, type->name_off))
			err = types_see(t, type);
		place += size;
	}
	return err;
}

/* ---- what is built ---- */

struct built {
	struct blob types, strings;
};

static int built_name(const struct types *t, struct built *built, uint32_t *name_off)
{
	const char *text = text_at(t, *name_off);

	*name_off = *text ? (uint32_t)built->strings.used : 0;
	return *text ? blob_add(&built->strings, text, strlen(text) + 1) : 0;
}

/*
 * Leaves out the members that nobody asks for: their number is what libbpf's search takes long over.
 * The others keep their places. Those without a name may hold one that is asked for.
 */
static void built_thin(const struct types *t, struct built *built, struct btf_type *type)
{
	struct btf_member *members = btf_members(type);
	unsigned int kept = 0, count = btf_vlen(type), i;

	for (i = 0; i < count; i++)
		if (!t->members || !members[i].name_off ||
		    may_be_named(t, t->maybe_member, members[i].name_off))
			members[kept++] = members[i];
	type->info -= count - kept; /* the low bits are their number */
	built->types.used -= (count - kept) * sizeof(*members);
}

/* A copy in the result, to be given the result's names and ids. */
static int built_type(struct types *t, struct built *built, const struct btf_type *from,
		      uint32_t size)
{
	struct btf_type *type;
	unsigned int i;
	int err = blob_add(&built->types, from, size);

	if (err)
		return err;
	type = (struct btf_type *)(built->types.data + built->types.used - size);
	err = built_name(t, built, &type->name_off);
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		return err;
	case BTF_KIND_PTR:
		type->type = 0;
		return err;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return err ? err : types_take(t, type->type, &type->type);
	case BTF_KIND_ARRAY:
		if (!err)
			err = types_take(t, btf_array(type)->type, &btf_array(type)->type);
		return err ? err :
			     types_take(t, btf_array(type)->index_type,
					&btf_array(type)->index_type);
	case BTF_KIND_ENUM:
		for (i = 0; !err && i < btf_vlen(type); i++)
			err = built_name(t, built, &btf_enum(type)[i].name_off);
		return err;
	case BTF_KIND_ENUM64:
		for (i = 0; !err && i < btf_vlen(type); i++)
			err = built_name(t, built, &btf_enum64(type)[i].name_off);
		return err;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		built_thin(t, built, type);
		for (i = 0; !err && i < btf_vlen(type); i++) {
			struct btf_member *member = &btf_members(type)[i];

			err = built_name(t, built, &member->name_off);
			if (!err)
				err = types_take(t, member->type, &member->type);
		}
		return err;
	default:
		return -EINVAL; /* no struct holds the others by value */
	}
}

static int types_build(struct types *t, struct btf **ret)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };
	struct built built = {};
	struct blob whole = {};
	int err = blob_add(&built.strings, "", 1);
	uint32_t size, i;

	for (i = 0; !err && i < t->taken_count; i++) {
		const struct btf_type *type = type_of(t, t->taken[i], &size);

		err = type ? built_type(t, &built, type, size) : -EINVAL;
	}
	h.type_len = h.str_off = (uint32_t)built.types.used;
	h.str_len = (uint32_t)built.strings.used;
	if (!err)
		err = blob_add(&whole, &h, sizeof(h));
	if (!err)
		err = blob_add(&whole, built.types.data, built.types.used);
	if (!err)
		err = blob_add(&whole, built.strings.data, built.strings.used);
	if (!err) {
		*ret = btf__new(whole.data, (uint32_t)whole.used);
		err = *ret ? 0 : -errno;
	}
	free(built.types.data);
	free(built.strings.data);
	free(whole.data);
	return err;
}

int types_like(const struct btf *local, struct types_function *functions, size_t function_count,
	       struct btf **ret)
{
	struct types t = { .data = MAP_FAILED };
	int err = types_open(&t);

	if (!err)
		err = types_names(&t, local, functions, function_count);
	if (!err) {
		types_filter(&t, local);
		err = types_walk(&t);
	}
	if (!err)
		err = t.taken_count ? types_build(&t, ret) : -ENOENT;
	if (t.data != MAP_FAILED)
		munmap(t.data, t.size);
	free(t.places);
	free(t.names);
	free(t.taken);
	idmap_free(&t.ids);
	return err;
}
