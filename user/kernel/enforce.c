// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A policy put in force, looked at and taken away.
 * Receives policies; hands them whole to the pinned maps, and existing sockets to the iterator.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "kernel/enforce_impl.h"
#include "kernel/iter.h"
#include "kernel/kernel.h"
#include "kernel/pinned.h"
#include "policy/policy_compile.h"
#include "policy.skel.h"

static char last_error[512];

const char *enforce_error(void)
{
	return last_error;
}

int enforce_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	return err;
}

/* ---- opening ---- */

static int enforce_load(struct enforce *e, uint32_t cgroups_max)
{
	int err;

	kernel_quiet_libbpf();
	e->bpf = policy_bpf__open();
	if (!e->bpf)
		return enforce_fail(-errno, "can't open the programs: %s", strerror(errno));
	e->bpf->rodata->cfg_hz = probe_hz();
	/* Snapshots come with the object, but are read by an object of their own. */
	bpf_program__set_autoload(e->bpf->progs.snapshot_tcp, false);
	bpf_program__set_autoload(e->bpf->progs.snapshot_owner, false);
	bpf_map__set_autocreate(e->bpf->maps.snapshot_scratch, false);
	if (cgroups_max)
		bpf_map__set_max_entries(e->bpf->maps.policy_cgroups, cgroups_max);
	e->adopted = enforce_pins_reuse(e);
	err = policy_bpf__load(e->bpf);
	if (err)
		return enforce_fail(err,
				    "can't load the programs: %s%s%s; `tcptimer doctor` tells more",
				    strerror(-err), kernel_error()[0] ? ": " : "", kernel_error());
	return 0;
}

static int enforce_control(struct enforce *e)
{
	void *map = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(e->bpf->maps.policy_control), 0);

	if (map == MAP_FAILED)
		return enforce_fail(-errno, "can't map the policy's control: %s", strerror(errno));
	e->control = map;
	e->control->layout = TCPTIMER_POLICY_LAYOUT;
	return 0;
}

/* What only this process needs: it goes with it. */
static int enforce_local(struct enforce *e)
{
	struct bpf_program *const progs[] = { e->bpf->progs.policy_cgroup_mkdir,
					      e->bpf->progs.policy_cgroup_rmdir,
					      e->bpf->progs.policy_cgroup_rename };
	size_t i;

	e->iter = bpf_program__attach_iter(e->bpf->progs.policy_existing, NULL);
	if (!e->iter)
		return enforce_fail(-errno, "can't iterate over sockets: %s", strerror(errno));
	for (i = 0; i < 3; i++) {
		e->cgroup_links[i] = bpf_program__attach(progs[i]);
		if (!e->cgroup_links[i])
			return enforce_fail(-errno, "can't trace cgroups: %s", strerror(errno));
	}
	e->ring = ring_buffer__new(bpf_map__fd(e->bpf->maps.cgroup_events), enforce_cgroup_event, e,
				   NULL);
	if (!e->ring)
		return enforce_fail(-errno, "can't read events of cgroups: %s", strerror(errno));
	return 0;
}

int enforce_open(const struct enforce_options *options, struct enforce **ret_enforce)
{
	struct enforce *e = calloc(1, sizeof(*e));
	int cpus = libbpf_num_possible_cpus();
	bool any;
	int err;

	if (!e)
		return enforce_fail(-ENOMEM, "no memory");
	e->cpus = cpus > 0 ? (unsigned int)cpus : 1;
	err = enforce_pins_prepare(e, options, true);
	any = !err && enforce_pins_any(e);
	if (!err)
		err = enforce_load(e, options->cgroups_max);
	if (!err)
		err = enforce_control(e);
	if (!err)
		err = enforce_local(e);
	if (!err && any && !e->adopted) {
		/* Other maps: what is pinned goes on until these are filled. */
		e->links_pending = true;
	} else if (!err) {
		err = enforce_pins_maps(e);
		if (!err)
			err = enforce_pins_links(e);
	}
	if (err) {
		enforce_close(e);
		return err;
	}
	*ret_enforce = e;
	return 0;
}

void enforce_close(struct enforce *e)
{
	unsigned int i;

	if (!e)
		return;
	ring_buffer__free(e->ring);
	for (i = 0; i < 3; i++)
		bpf_link__destroy(e->cgroup_links[i]);
	bpf_link__destroy(e->iter);
	for (i = 0; i < ENFORCE_LINKS; i++)
		bpf_link__destroy(e->links[i]); /* pinned: goes on */
	if (e->control)
		munmap(e->control, (size_t)sysconf(_SC_PAGESIZE));
	if (e->bpf)
		policy_bpf__destroy(e->bpf);
	if (e->cgroup_fd >= 0)
		close(e->cgroup_fd);
	if (e->policy) {
		policy_free(e->policy);
		free(e->policy);
	}
	free(e);
}

/* ---- putting in force ---- */

static int copy_policy(const struct policy *policy, struct policy **ret_copy)
{
	struct policy *copy = calloc(1, sizeof(*copy));
	size_t i;

	if (copy && policy->count)
		copy->rules = calloc(policy->count, sizeof(*copy->rules));
	if (!copy || (policy->count && !copy->rules)) {
		free(copy);
		return enforce_fail(-ENOMEM, "no memory for the policy");
	}
	for (i = 0; i < policy->count; i++) {
		struct policy_rule *rule = &copy->rules[i];
		unsigned int n;

		*rule = policy->rules[i];
		rule->file = NULL;
		rule->cgroup_count = 0;
		copy->count = i + 1;
		for (n = 0; n < policy->rules[i].cgroup_count; n++) {
			rule->cgroup[n].pattern = strdup(policy->rules[i].cgroup[n].pattern);
			if (!rule->cgroup[n].pattern) {
				policy_free(copy);
				free(copy);
				return enforce_fail(-ENOMEM, "no memory for the policy");
			}
			rule->cgroup_count = (uint8_t)(n + 1);
		}
	}
	*ret_copy = copy;
	return 0;
}

static uint32_t bank_key(unsigned int bank, size_t rule)
{
	return bank * TCPTIMER_POLICY_RULES + (uint32_t)rule;
}

/* A rule of the same name goes on counting. */
static int write_counters(struct enforce *e, unsigned int bank, size_t rule, const char *name)
{
	struct tcptimer_policy_counters *cpus = calloc(e->cpus, sizeof(*cpus));
	int fd = bpf_map__fd(e->bpf->maps.policy_counters), err;
	uint32_t key = bank_key(bank, rule);
	struct tcptimer_policy_rule old;
	size_t i;

	if (!cpus)
		return enforce_fail(-ENOMEM, "no memory for counters");
	for (i = 0; e->control->active && i < e->control->count[!bank]; i++)
		if (!enforce_rule(e, i, &old) && !strcmp(old.name, name)) {
			enforce_counters(e, i, &cpus[0]);
			break;
		}
	err = bpf_map_update_elem(fd, &key, cpus, BPF_ANY) ? -errno : 0;
	free(cpus);
	return err ? enforce_fail(err, "can't write counters: %s", strerror(-err)) : 0;
}

static int write_rules(struct enforce *e, const struct policy *policy, unsigned int bank)
{
	static struct tcptimer_policy_index index;
	static struct tcptimer_policy_rule rule;
	uint32_t index_key = bank;
	size_t i;
	int err = 0;

	memset(&index, 0, sizeof(index));

	for (i = 0; !err && i < policy->count; i++) {
		uint32_t key = bank_key(bank, i);

		policy_compile_rule(&policy->rules[i], probe_hz(), &rule);
		policy_compile_index(&rule, (unsigned int)i, &index);
		if (bpf_map_update_elem(bpf_map__fd(e->bpf->maps.policy_rules), &key, &rule,
					BPF_ANY))
			err = enforce_fail(-errno, "can't write rule %zu: %s", i + 1,
					   strerror(errno));
		else
			err = write_counters(e, bank, i, rule.name);
	}
	if (!err && bpf_map_update_elem(bpf_map__fd(e->bpf->maps.policy_index), &index_key, &index,
					BPF_ANY))
		err = enforce_fail(-errno, "can't write the rules' index: %s", strerror(errno));
	return err;
}

static int write_source(struct enforce *e, unsigned int bank, const void *source, size_t size)
{
	uint8_t *value = calloc(1, TCPTIMER_POLICY_SOURCE);
	uint32_t key = bank;
	int err = 0;

	if (!value)
		return enforce_fail(-ENOMEM, "no memory for the policy");
	if (size)
		memcpy(value, source, size);
	if (bpf_map_update_elem(bpf_map__fd(e->bpf->maps.policy_source), &key, value, BPF_ANY))
		err = enforce_fail(-errno, "can't keep the policy's text: %s", strerror(errno));
	free(value);
	return err;
}

static uint64_t boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

/*
 * Sockets tell by it which policy they have taken, so none comes twice: not after a clear that was cut
 * short, and not after maps of another layout, of which only the sockets' is kept.
 */
static uint32_t next_generation(const struct enforce *e)
{
	uint32_t last = e->control->generation;

	if (!last && e->sockets_kept)
		last = (uint32_t)(boottime_ns() >> 20) & 0x3fffffff; /* about a ms */
	/* A daemon killed between the two stores of put_in_force(): never into the bank in force. */
	if (e->control->active && (last & 1) != (e->control->active & 1))
		last++;
	return last < 0x7ffffffe ? last + 1 : 1;
}

/* Bits of the settings that no rule of the policy sets. */
static uint16_t policy_unset(const struct policy *policy)
{
	uint16_t unset = (1u << POLICY_SETTING_COUNT) - 1;
	size_t rule, setting;

	for (rule = 0; rule < policy->count; rule++)
		for (setting = 0; setting < POLICY_SETTING_COUNT; setting++)
			if (policy->rules[rule].settings[setting].set)
				unset &= (uint16_t) ~(1u << setting);
	return unset;
}

static void put_in_force(struct enforce *e, const struct policy *policy, uint32_t generation,
			 size_t source_size)
{
	unsigned int bank = generation & 1;

	e->control->count[bank] = (uint32_t)policy->count;
	e->control->unset[bank] = policy_unset(policy);
	e->control->source_size[bank] = (uint32_t)source_size;
	e->control->applied_ns = boottime_ns();
	e->control->generation = generation;
	__atomic_store_n(&e->control->active, generation << 1 | bank, __ATOMIC_RELEASE);
}

int enforce_apply(struct enforce *e, const struct policy *policy, const void *source,
		  size_t source_size, struct enforce_pass *ret_pass)
{
	uint32_t generation = next_generation(e);
	unsigned int bank = generation & 1; /* banks take turns */
	struct policy *copy = NULL;
	int err;

	if (policy->count > TCPTIMER_POLICY_RULES || source_size > TCPTIMER_POLICY_SOURCE)
		return enforce_fail(-E2BIG, "the policy is too large: %zu rules, %zu bytes",
				    policy->count, source_size);
	err = copy_policy(policy, &copy);
	if (!err)
		err = write_rules(e, policy, bank);
	if (!err)
		err = enforce_cgroups_walk(e, policy, bank);
	if (!err)
		err = write_source(e, bank, source, source_size);
	if (err) {
		if (copy)
			policy_free(copy);
		free(copy);
		return err;
	}
	put_in_force(e, policy, generation, source_size);
	e->links_pending = false;
	if (e->policy) {
		policy_free(e->policy);
		free(e->policy);
	}
	e->policy = copy;
	err = enforce_pins_maps(e); /* also when somebody has removed them */
	if (!err)
		err = enforce_pins_links(e);
	return err ? err : enforce_pass(e, ret_pass);
}

/* ---- existing sockets ---- */

static int pass_record(const void *record, void *arg)
{
	(void)record, (void)arg;
	return 0;
}

static int pass_netns(const struct netns *netns, void *arg)
{
	struct enforce *e = arg;

	(void)netns;
	return iter_records(e->iter, 1, pass_record, NULL);
}

int enforce_pass(struct enforce *e, struct enforce_pass *ret_pass)
{
	struct policy_bpf__bss *bss = e->bpf->bss;
	unsigned int skipped = 0;
	int err;

	memset(&bss->iter_pass, 0, sizeof(bss->iter_pass));
	err = netns_each(pass_netns, e, &skipped);
	*ret_pass = (struct enforce_pass){
		.seen = bss->iter_pass.seen,
		.matched = bss->iter_pass.matched,
		.changed = bss->iter_pass.changed,
		.refused = bss->iter_pass.refused,
		.netns = bss->iter_pass.netns,
		.skipped = skipped,
	};
	return err ? enforce_fail(err, "can't look at existing sockets: %s", strerror(-err)) : 0;
}

/* ---- looking at it ---- */

int enforce_fd(const struct enforce *e)
{
	return ring_buffer__epoll_fd(e->ring);
}

int enforce_dispatch(struct enforce *e)
{
	uint64_t lost;
	int err = ring_buffer__consume(e->ring);

	lost = e->bpf->bss->cgroup_events_lost;
	if (lost != e->cgroup_lost_seen) {
		e->cgroup_lost_seen = lost;
		e->cgroup_rewalk = true;
	}
	if (e->cgroup_rewalk && e->policy)
		return enforce_cgroups_walk(e, e->policy, e->control->active & 1);
	return err < 0 ? enforce_fail(err, "events of cgroups: %s", strerror(-err)) : 0;
}

int enforce_source(struct enforce *e, void **ret_source, size_t *ret_size)
{
	uint8_t *value = calloc(1, TCPTIMER_POLICY_SOURCE);
	uint32_t bank = e->control->active & 1;

	*ret_source = NULL;
	*ret_size = 0;
	if (!value)
		return enforce_fail(-ENOMEM, "no memory for the policy");
	if (!e->control->active || e->control->source_size[bank] > TCPTIMER_POLICY_SOURCE ||
	    bpf_map_lookup_elem(bpf_map__fd(e->bpf->maps.policy_source), &bank, value)) {
		free(value);
		return 0;
	}
	*ret_source = value;
	*ret_size = e->control->source_size[bank];
	return 0;
}

int enforce_rule(struct enforce *e, size_t rule, struct tcptimer_policy_rule *ret_rule)
{
	uint32_t key = bank_key(e->control->active & 1, rule);

	if (!e->control->active || rule >= e->control->count[e->control->active & 1] ||
	    rule >= TCPTIMER_POLICY_RULES)
		return enforce_fail(-ENOENT, "no rule number %zu", rule + 1);
	if (bpf_map_lookup_elem(bpf_map__fd(e->bpf->maps.policy_rules), &key, ret_rule))
		return enforce_fail(-errno, "can't read rule %zu: %s", rule + 1, strerror(errno));
	return 0;
}

int enforce_counters(struct enforce *e, size_t rule, struct tcptimer_policy_counters *ret_counters)
{
	int err = pinned_sum(bpf_map__fd(e->bpf->maps.policy_counters), e->control->active & 1,
			     rule, ret_counters);

	return err ? enforce_fail(err, "can't read counters: %s", strerror(-err)) : 0;
}

int enforce_state(struct enforce *e, struct enforce_state *ret_state)
{
	uint32_t active = e->control->active;

	*ret_state = (struct enforce_state){
		.adopted = e->adopted,
		.generation = active >> 1,
		.rules = active ? e->control->count[active & 1] : 0,
		.applied_ns = e->control->applied_ns,
		.cgroups = e->cgroups,
		.cgroups_max = bpf_map__max_entries(e->bpf->maps.policy_cgroups),
		.cgroup_events_lost = e->bpf->bss->cgroup_events_lost,
		.max_retries_old = !e->bpf->bss->iter_flagless,
	};
	return 0;
}

/* ---- taking it away ---- */

/* An iterator may pass by a socket that moves: again, until there is nothing to do. */
static int clear_sockets(struct enforce *e, struct enforce_pass *ret_pass)
{
	struct enforce_pass more;
	unsigned int i;
	int err = enforce_pass(e, ret_pass);

	for (i = 0; !err && i < 4; i++) {
		err = enforce_pass(e, &more);
		if (err || !more.changed)
			break;
		ret_pass->changed += more.changed;
	}
	return err;
}

int enforce_clear(const struct enforce_options *options, struct enforce_pass *ret_pass,
		  bool *ret_was)
{
	struct enforce *e = calloc(1, sizeof(*e));
	int err;

	memset(ret_pass, 0, sizeof(*ret_pass));
	*ret_was = false;
	if (!e)
		return enforce_fail(-ENOMEM, "no memory");
	err = enforce_pins_prepare(e, options, false);
	if (err || !enforce_pins_any(e)) {
		enforce_close(e);
		return err;
	}
	*ret_was = true;
	err = enforce_load(e, options->cgroups_max);
	if (!err)
		err = enforce_control(e);
	if (!err)
		err = enforce_local(e);
	if (!err) {
		/* New sockets first: none takes a rule from here on, nor does a stall anything. */
		__atomic_store_n(&e->control->active, 0, __ATOMIC_RELEASE);
		enforce_pins_detach(e);
		e->bpf->bss->iter_clear = true;
		err = clear_sockets(e, ret_pass);
	}
	if (err)
		enforce_pins_remove(e); /* at least that */
	else
		err = enforce_pins_remove(e);
	enforce_close(e);
	return err;
}
