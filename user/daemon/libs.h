/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The libraries that only the daemon needs: loaded as it starts, not linked, since they bring some
 * twenty others, which took `list` longer than anything else before it read its first socket.
 * Receives nothing; hands their functions, under their own names, to user/daemon/.
 */
#ifndef TCPTIMER_DAEMON_LIBS_H
#define TCPTIMER_DAEMON_LIBS_H

#define SD_JOURNAL_SUPPRESS_LOCATION /* else it takes names of functions for itself */
#include <stdbool.h>
#include <microhttpd.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>

/* Each before the first call of one of its functions, and before confine(). False after a line on stderr. */
bool libs_load_systemd(void);
bool libs_load_microhttpd(void);

#define LIBS_SYSTEMD(X)                                                                            \
	X(sd_event_add_inotify)                                                                    \
	X(sd_event_add_io)                                                                         \
	X(sd_event_add_signal)                                                                     \
	X(sd_event_add_time)                                                                       \
	X(sd_event_add_time_relative)                                                              \
	X(sd_event_exit)                                                                           \
	X(sd_event_loop)                                                                           \
	X(sd_event_new)                                                                            \
	X(sd_event_now)                                                                            \
	X(sd_event_set_watchdog)                                                                   \
	X(sd_event_source_disable_unref)                                                           \
	X(sd_event_source_get_enabled)                                                             \
	X(sd_event_source_set_enabled)                                                             \
	X(sd_event_source_set_io_events)                                                           \
	X(sd_event_source_set_priority)                                                            \
	X(sd_event_source_set_time)                                                                \
	X(sd_event_source_set_time_relative)                                                       \
	X(sd_event_source_unref)                                                                   \
	X(sd_event_unref)                                                                          \
	X(sd_journal_sendv)                                                                        \
	X(sd_notify)                                                                               \
	X(sd_notifyf)

#define LIBS_MICROHTTPD(X)                                                                         \
	X(MHD_add_response_header)                                                                 \
	X(MHD_create_response_from_buffer)                                                         \
	X(MHD_destroy_response)                                                                    \
	X(MHD_get_connection_info)                                                                 \
	X(MHD_get_daemon_info)                                                                     \
	X(MHD_get_timeout)                                                                         \
	X(MHD_lookup_connection_value)                                                             \
	X(MHD_queue_response)                                                                      \
	X(MHD_run)                                                                                 \
	X(MHD_start_daemon)                                                                        \
	X(MHD_stop_daemon)

/* Their types are those of the headers: what changes there is seen by the compiler. */
#define LIBS_POINTER(name) typeof(&name) name;
struct libs {
	LIBS_SYSTEMD(LIBS_POINTER)
	LIBS_MICROHTTPD(LIBS_POINTER)
};
#undef LIBS_POINTER
extern struct libs libs;

/* One that is missing here is an undefined symbol for the linker. */
#define sd_event_add_inotify libs.sd_event_add_inotify
#define sd_event_add_io libs.sd_event_add_io
#define sd_event_add_signal libs.sd_event_add_signal
#define sd_event_add_time libs.sd_event_add_time
#define sd_event_add_time_relative libs.sd_event_add_time_relative
#define sd_event_exit libs.sd_event_exit
#define sd_event_loop libs.sd_event_loop
#define sd_event_new libs.sd_event_new
#define sd_event_now libs.sd_event_now
#define sd_event_set_watchdog libs.sd_event_set_watchdog
#define sd_event_source_disable_unref libs.sd_event_source_disable_unref
#define sd_event_source_get_enabled libs.sd_event_source_get_enabled
#define sd_event_source_set_enabled libs.sd_event_source_set_enabled
#define sd_event_source_set_io_events libs.sd_event_source_set_io_events
#define sd_event_source_set_priority libs.sd_event_source_set_priority
#define sd_event_source_set_time libs.sd_event_source_set_time
#define sd_event_source_set_time_relative libs.sd_event_source_set_time_relative
#define sd_event_source_unref libs.sd_event_source_unref
#define sd_event_unref libs.sd_event_unref
#define sd_journal_sendv libs.sd_journal_sendv
#define sd_notify libs.sd_notify
#define sd_notifyf libs.sd_notifyf

#define MHD_add_response_header libs.MHD_add_response_header
#define MHD_create_response_from_buffer libs.MHD_create_response_from_buffer
#define MHD_destroy_response libs.MHD_destroy_response
#define MHD_get_connection_info libs.MHD_get_connection_info
#define MHD_get_daemon_info libs.MHD_get_daemon_info
#define MHD_get_timeout libs.MHD_get_timeout
#define MHD_lookup_connection_value libs.MHD_lookup_connection_value
#define MHD_queue_response libs.MHD_queue_response
#define MHD_run libs.MHD_run
#define MHD_start_daemon libs.MHD_start_daemon
#define MHD_stop_daemon libs.MHD_stop_daemon

#endif
