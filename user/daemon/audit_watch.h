/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mode audit in the daemon: what rules that change nothing would have ended, and when.
 * Receives events from trace_watch.c; hands lines to the log, and sums to `status`.
 */
#ifndef TCPTIMER_DAEMON_AUDIT_WATCH_H
#define TCPTIMER_DAEMON_AUDIT_WATCH_H

#include "daemon/daemon_impl.h"
#include "tcptimer/event.h"

struct audit_watch;

/* `look` is called before moments are judged: it hands over all events that wait. 0 or -errno. */
int audit_watch_new(struct daemon *d, void (*look)(void *arg), void *arg,
		    struct audit_watch **ret_watch);
void audit_watch_free(struct audit_watch *watch);
/* The running policy has changed: what was foretold by the one before is dropped. */
void audit_watch_policy(struct audit_watch *watch);
/* Before the policy that it borrows goes. */
void audit_watch_forget(struct audit_watch *watch);
void audit_watch_event(struct audit_watch *watch, const struct tcptimer_event *event,
		       const struct conn *conn);
/* The key "audit" of `status`. */
struct json_object *audit_watch_json(const struct audit_watch *watch);

#endif
