// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tcptimer: finds the command and runs it.
 * Receives the command line; hands it to the command's row.
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/commands.h"

const struct command commands[] = {
	{ "list", "[OPTION]… [FILTER]",
	  "every TCP socket of the host, its timers and when they fire",
	  "  --stalled        only stalled connections\n"
	  "  -p, --processes  who holds the socket\n"
	  "  -4, -6           one family\n"
	  "  -N, --netns NS   one network namespace: its name under /run/netns, or inode number\n"
	  "  --json           an array of objects; see tcptimer-events(5)\n"
	  "  --no-header      without the line of titles\n",
	  list_run },
	{ "trace", "[OPTION]… [FILTER]",
	  "stalled connections live, a line for each timer that fires",
	  "  -a, --all        every TCP timer of every connection\n"
	  "  -d SECONDS       stop after this long\n"
	  "  -c COUNT         stop after this many events\n"
	  "  --json           an object a line; see tcptimer-events(5)\n"
	  "  --ring-size N    bytes of the event buffer, a power of two (default: grows as needed)\n",
	  trace_run },
	{ "summary", "[INTERVAL [COUNT]] [OPTION]… [FILTER]",
	  "connections by cgroup: stalled how and since when, what ended them",
	  "  INTERVAL         every so often: 5, 0.5, 1min; without, once\n"
	  "  --by GROUP       cgroup, netns, remote, process or rule\n"
	  "  --histogram      RTO, age of stalls and deadlines as bars\n"
	  "  --full           cgroups by their paths\n"
	  "  --json           an object a line; see tcptimer-summary(8)\n",
	  summary_run },
	{ "top", "[-d SECONDS] [FILTER]",
	  "stalled connections on a live screen, with the time each has left",
	  "  -d SECONDS       between looks (default 1)\n"
	  "  keys: F1 help, F4 filter, F5 tree, F6 sort, F8 freeze, Enter explain, F10 quit\n",
	  top_run },
	{ "explain", "[OPTION]… SOCKET",
	  "one live connection: what is coming, what ends it, and why",
	  "  SOCKET               ADDR:PORT or :PORT of either end, LOCAL REMOTE, or a cookie (list --json)\n"
	  "  --what-if KEY=VALUE  and with this setting; may be repeated\n"
	  "  --peer ASSUMPTION    auto, silent, zero_window, acks, unreachable, resets\n"
	  "  --json               an object\n"
	  "  --svg FILE           the timeline as a picture; - is stdout\n"
	  "  --save FILE          the socket's snapshot, for `simulate --snapshot FILE`\n"
	  "  --settings           the KEYs, what they take, and the kernel that brought them\n",
	  explain_run },
	{ "simulate", "[KEY=VALUE]… [OPTION]…",
	  "the same from nothing, for any kernel; needs no root",
	  "  kernel=6.12          a profile, or several with --compare: 6.1,6.12,7.2\n"
	  "  state=established    or syn_sent, syn_recv, fin_wait1, fin_wait2, time_wait, close_wait,\n"
	  "                       last_ack, closing\n"
	  "  peer=silent          or zero_window, acks, unreachable, resets, auto\n"
	  "  data=sent            or blocked (by a closed window), none (idle), received (ACK delayed)\n"
	  "  hz=250  jiffies=N    CONFIG_HZ; exact times from this jiffy on, else ranges\n"
	  "  SETTING=VALUE        rto=300ms user_timeout=20s keepalive=60s/10s/5 tcp_retries2=8 …\n"
	  "  --settings           all of these\n"
	  "  --compare            kernels side by side\n"
	  "  --snapshot FILE      the socket that `explain --save` or a conformance test wrote\n"
	  "  --json               an object; an array with --compare\n"
	  "  --svg FILE           a picture; - is stdout\n",
	  simulate_run },
	{ "policy", "check|preview|apply|show|clear [OPTION]… [FILE…]",
	  "check policy files; put a policy in force, show it, take it away",
	  "  check            what is wrong with them: file:line:column, a sentence, a timeline\n"
	  "  --kernel VERSION for this kernel (6.12, 6.6.40), not the running one\n"
	  "  --strict         warnings fail as well\n"
	  "  preview          the live sockets that would change, old and new options and deadlines\n"
	  "  apply            check FILE…, and put them in force through the daemon\n"
	  "  show             the rules in force and what each has done\n"
	  "  clear            detach everything and put all sockets back as they were\n"
	  "  --socket PATH    of the daemon (default /run/tcptimer/ctl.sock, or $TCPTIMER_SOCKET)\n"
	  "  --pin-dir DIR    of the pins, when no daemon runs (default /sys/fs/bpf/tcptimer)\n"
	  "  --json           of check, preview and show: an object; see tcptimer-policy(8)\n",
	  policy_run },
	{ "daemon", "[OPTION]…", "keep the policy of /etc/tcptimer in force, for every cgroup",
	  "  --policy PATH    a file, or a directory of *.yaml, instead; may be repeated\n"
	  "  --audit          change nothing, tell what the policy would do\n"
	  "  --detach-on-exit take everything away at the end; else the policy stays in force\n"
	  "  --cgroup PATH    act on this cgroup and those below it only\n"
	  "  --socket PATH    (default /run/tcptimer/ctl.sock, or $TCPTIMER_SOCKET)\n"
	  "  --pin-dir DIR    on a bpffs (default /sys/fs/bpf/tcptimer)\n"
	  "  --metrics WHERE  for Prometheus: PORT of loopback, ADDRESS:PORT or unix:PATH\n"
	  "  --metrics-cgroup GLOB   these have series of their own as well; may be repeated\n"
	  "  --metrics-cgroups-max N so many at most (default 512); the rest is `other`\n",
	  daemon_command_run },
	{ "status", "[OPTION]…", "what the daemon does, and how well",
	  "  --socket PATH    of the daemon (default /run/tcptimer/ctl.sock, or $TCPTIMER_SOCKET)\n"
	  "  --json           an object; see tcptimer-status(8)\n",
	  status_run },
	{ "record", "[OPTION]… FILE",
	  "sockets and timer events into a file, for `replay`; - is stdout",
	  "  -a, --all        every TCP timer of every connection, not only stalled ones\n"
	  "  -d SECONDS       stop after this long\n"
	  "  -c COUNT         stop after this many events\n"
	  "  --ring-size N    bytes of the event buffer, a power of two (default: grows as needed)\n",
	  record_run },
	{ "replay", "[OPTION]… FILE [FILTER]",
	  "a recording as `trace` would have shown it; needs no root",
	  "  --explain        for each connection that stalled, its timeline\n"
	  "  --kernel VERSION and the deadlines that this kernel (6.12, 6.6.40) would have given\n"
	  "  --policy FILE    and which rule would have ended which connection, when; may be repeated\n"
	  "  --json           an object a line; see tcptimer-replay(8)\n",
	  replay_run },
	{ "kill", "[OPTION]… FILTER", "show connections, ask, and destroy them",
	  "  -n, --dry-run    only show them\n"
	  "  -y, --yes        do not ask\n",
	  kill_run },
	{ "doctor", "[--json]", "what this kernel and these privileges allow, hook by hook",
	  "  --json           an object; see tcptimer-doctor(8)\n", doctor_run },
};
const size_t command_count = sizeof(commands) / sizeof(commands[0]);

static void main_help(FILE *out)
{
	size_t i;

	fputs("usage: tcptimer COMMAND [OPTION]…\n\n"
	      "Shows when and why the kernel will give up on each TCP connection.\n\n",
	      out);
	for (i = 0; i < command_count; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n`tcptimer COMMAND -h` tells a command's options; tcptimer(8) the rest.\n", out);
}

int main(int argc, char **argv)
{
	static char buffer[65536]; /* 4096 of the C library's own are a write() every few lines */
	size_t i;

	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		main_help(stderr);
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
		main_help(stdout);
		return cli_flush();
	}
	if (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")) {
		puts("tcptimer " TCPTIMER_VERSION);
		return cli_flush();
	}
	if (!strcmp(argv[1], "--completion"))
		return completion_print();
	for (i = 0; i < command_count; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(&commands[i], argc - 1, argv + 1);
	fprintf(stderr, "tcptimer: no command '%s'; `tcptimer help` lists them\n", argv[1]);
	return CLI_USAGE;
}
