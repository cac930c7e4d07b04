// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks the engine what becomes of a connection that a rule has set up.
 * Receives a rule and a scene; hands timelines to the lint, and evidence to findings. Pure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "policy/policy_lint_impl.h"
#include "simulation.h"

static const struct {
	const char *words[3]; /* of `simulate` */
	const char *said;
} scenes[] = {
	[SCENE_DATA] = { { "state=established", "data=sent", "peer=silent" },
			 "established, a segment in flight; the peer answers nothing" },
	[SCENE_IDLE] = { { "state=established", "data=none", "peer=silent" },
			 "established, idle; the peer answers nothing" },
	[SCENE_SYN] = { { "state=syn_sent", "peer=silent" },
			"connect(), a SYN in flight; the peer answers nothing" },
	[SCENE_ZERO_WINDOW] = { { "state=established", "data=blocked", "peer=zero_window" },
				"established, data waits on a closed window; the peer answers "
				"every probe" },
	[SCENE_RETRACTED] = { { "state=established", "data=sent", "peer=zero_window" },
			      "established, a segment in flight; the peer has closed its window "
			      "meanwhile" },
};

static bool scene_setting(struct simulation *sim, const struct policy_setting *row, int64_t value)
{
	char word[64], err[256];

	if (row->kind == POLICY_KIND_SPAN)
		snprintf(word, sizeof(word), "%s=%lldus", row->word, (long long)value);
	else if (row->kind == POLICY_KIND_BOOL)
		snprintf(word, sizeof(word), "%s=%s", row->word, value ? "on" : "off");
	else
		snprintf(word, sizeof(word), "%s=%lld", row->word, (long long)value);
	return !simulation_parse(sim, word, err, sizeof(err));
}

bool scene_run(const struct lint *lint, const struct policy_rule *rule, enum scene scene,
	       uint32_t mask, const char *extra, struct timeline_view *view)
{
	struct simulation sim;
	unsigned int left_out;
	char err[256];
	bool known = true;

	simulation_init(&sim);
	sim.kernels[0] = lint->profile;
	sim.hz = lint->hz;
	for (size_t i = 0; i < 3 && scenes[scene].words[i]; i++)
		known &= !simulation_parse(&sim, scenes[scene].words[i], err, sizeof(err));
	for (unsigned int id = 0; id < POLICY_SETTING_COUNT; id++)
		if (lint_has(rule, id) && policy_settings[id].word && mask >> id & 1)
			known &=
				scene_setting(&sim, &policy_settings[id], rule->settings[id].value);
	if (extra)
		known &= !simulation_parse(&sim, extra, err, sizeof(err));
	if (!known || simulation_run(&sim, 0, view, &left_out, err, sizeof(err)))
		return false;
	/* a storm of retransmissions is longer than the engine follows, and shown for what it is */
	return !view->error || (scene == SCENE_RETRACTED && view->error == TCPTIMER_ENGINE_ELONG);
}

bool scene_run_both(struct lint *lint, const struct policy_rule *rule, enum scene scene,
		    uint32_t mask)
{
	return scene_run(lint, rule, scene, SETTINGS_ALL, NULL, &lint->with) &&
	       scene_run(lint, rule, scene, SETTINGS_ALL & ~mask, NULL, &lint->without);
}

/* The first events and the last: between them a timeline repeats itself. */
static void evidence_events(struct policy_evidence *evidence, const struct timeline_view *view)
{
	size_t count = view->timeline.count, i;

	if (count <= POLICY_EVIDENCE_EVENTS) {
		memcpy(evidence->events, view->events, count * sizeof(evidence->events[0]));
		evidence->event_count = (uint8_t)count;
		return;
	}
	for (i = 0; i + 1 < POLICY_EVIDENCE_EVENTS; i++)
		evidence->events[i] = view->events[i];
	evidence->events[i] = view->events[count - 1];
	evidence->event_count = POLICY_EVIDENCE_EVENTS;
	evidence->gap = POLICY_EVIDENCE_EVENTS - 1;
}

void scene_evidence(struct lint *lint, struct policy_finding *finding, enum scene scene,
		    const char *with_label, const char *without_label)
{
	struct policy_evidence *evidence;

	if (!finding)
		return;
	evidence = calloc(1, sizeof(*evidence));
	if (!evidence) {
		lint->report->no_memory = true;
		return;
	}
	evidence->scene = scenes[scene].said;
	evidence->with = lint->with.timeline.deadline;
	evidence->without = lint->without.timeline.deadline;
	snprintf(evidence->with_label, sizeof(evidence->with_label), "%s", with_label);
	snprintf(evidence->without_label, sizeof(evidence->without_label), "%s", without_label);
	evidence_events(evidence, &lint->with);
	finding->evidence = evidence;
}
