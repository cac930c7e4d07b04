#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""stalled_in_cgroups.py ADDRESS DIRECTORY COUNT: a connection that nobody answers, from each of COUNT
cgroups below DIRECTORY, all held by this process. Says "ready" and waits.

A child is made in the cgroup and shares this process's descriptors (clone3): moving a process there
and back takes a grace period of the kernel each time.
"""
import ctypes
import os
import resource
import signal
import socket
import struct
import sys

ADDRESS, DIRECTORY, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
SYS_CLONE3 = 435
CLONE_FILES, CLONE_INTO_CGROUP = 0x400, 0x200000000
libc = ctypes.CDLL(None, use_errno=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (COUNT + 64, max(COUNT + 64, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
for i in range(COUNT):
    path = f"{DIRECTORY}/{i}"
    os.mkdir(path)
    cgroup = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    args = struct.pack("11Q", CLONE_FILES | CLONE_INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, cgroup)
    pid = libc.syscall(SYS_CLONE3, args, len(args))
    if pid == 0:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((ADDRESS, 7070))
        client.detach()
        os._exit(0)
    if pid < 0 or os.waitpid(pid, 0)[1]:
        sys.exit(f"clone3: {os.strerror(ctypes.get_errno())}")
    os.close(cgroup)
print("ready", flush=True)
signal.pause()
