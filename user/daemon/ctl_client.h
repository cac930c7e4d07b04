/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of the control socket: one request, one answer.
 * Receives a request from a command; hands it the daemon's answer.
 */
#ifndef TCPTIMER_DAEMON_CTL_CLIENT_H
#define TCPTIMER_DAEMON_CTL_CLIENT_H

#include "daemon/ctl_proto.h"

/*
 * 0 with the answer's bytes, malloc()ed. -ENOENT or -ECONNREFUSED: no daemon; -EACCES: not root's;
 * -EAGAIN: it did not answer in time; -EBADMSG: what came is no frame.
 */
int ctl_client_call(const char *path, const struct ctl_request *request, char **ret_answer,
		    size_t *ret_size);

#endif
