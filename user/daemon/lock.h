/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One daemon at a time: a lock beside its socket, and one on the directory of its pins.
 * Receives paths; hands descriptors that hold the lock, or who holds it.
 */
#ifndef TCPTIMER_DAEMON_LOCK_H
#define TCPTIMER_DAEMON_LOCK_H

/*
 * All: a descriptor to keep open; -EWOULDBLOCK with *ret_holder, the pid (0: not known); -errno.
 */
/* The file daemon.lock in the socket's directory, which is made when it is missing. Writes the pid. */
int lock_beside(const char *socket_path, int *ret_holder);
/* The directory itself, made when it is missing; -ENODEV when it does not lie on a bpffs. */
int lock_directory(const char *path, int *ret_holder);
/* The pid that holds the directory's lock; 0: nobody, or no such directory. */
int lock_holder(const char *path);

#endif
