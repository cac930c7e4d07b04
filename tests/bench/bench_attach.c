// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_attach OBJECT: its BPF programs, attached until standard input ends.
 * Receives an object file; hands "ready" to stdout once they are attached.
 */
#include <stdio.h>
#include <unistd.h>
#include <bpf/libbpf.h>

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *prog;
	char byte;

	if (argc != 2)
		return 2;
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(prog, object)
		if (!bpf_program__attach(prog))
			return 1;
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
