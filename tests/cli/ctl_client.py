#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the daemon's control socket that do not do as they should.

Receives a socket and a manner from test_daemon.sh; exits 1 with a line when the daemon does not stand it.
"""
import json
import os
import socket
import struct
import sys
import time

path, manner = sys.argv[1:3]
PATIENCE_S = 60


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)  # waits while more want in than the daemon has taken
    client.settimeout(PATIENCE_S)
    return client


def frame(body):
    return struct.pack(">I", len(body)) + body


def answer(client):
    """The whole answer, or None when the daemon closed without one."""
    data = b""
    while True:
        try:
            more = client.recv(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            break
        data += more
    if len(data) < 4:
        return None
    length = struct.unpack(">I", data[:4])[0]
    assert len(data) == 4 + length, f"{len(data)} bytes in a frame of {length}"
    return json.loads(data[4:])


def refused(data):
    client = connect()
    try:
        client.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass
    said = answer(client)
    assert said is None or said["ok"] is False, said


def status():
    """A well-behaved client is served, at the latest when those who are not have had their time."""
    end = time.monotonic() + PATIENCE_S
    while True:
        client = connect()
        try:
            client.sendall(frame(b'{"command":"status"}'))
        except (BrokenPipeError, ConnectionResetError):
            pass
        said = answer(client)
        if said and said["ok"]:
            return said["result"]
        assert time.monotonic() < end, said
        time.sleep(0.2)


if manner == "garbage":
    for data in (b"\0\0\0\0", b"\xff" * 64, b"GET / HTTP/1.0\r\n\r\n", frame(b"x"), frame(b"[" * 4096),
                 frame(b"[" + b"0," * 100000 + b"0]"), frame(b'{"command":"status","x":1}'),
                 frame(b'{"command":"policy_apply","files":[]}'), frame(b'{"command":"status"}') + b"x",
                 frame(b'{"command":"policy_apply","files":[{"name":"a","content":"' + b"x" * (2 << 20) + b'"}]}'),
                 os.urandom(100000)):
        refused(data)
elif manner == "silent":
    # As many as are served at once, and each says nothing: all are closed, and nobody waits for ever.
    clients = [connect() for _ in range(16)]
    status()
    for client in clients:
        said = answer(client)
        assert said is None, said
elif manner == "slow":
    # Asks, and does not read; announces much, and sends little.
    asks, sends = connect(), connect()
    asks.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    asks.sendall(frame(b'{"command":"policy_show"}'))
    sends.sendall(struct.pack(">I", 1 << 20) + b"{")
    status()
    assert answer(sends) is None
elif manner == "many":
    clients = []
    for _ in range(1000):
        client = connect()
        clients.append(client)
        try:
            client.sendall(frame(b'{"command":"status"}')[:7])
        except BrokenPipeError:  # turned away by now
            pass
    status()
    for client in clients:
        client.close()
elif manner == "gone":
    # Asks and is gone before the answer.
    for _ in range(50):
        client = connect()
        try:
            client.sendall(frame(b'{"command":"policy_show"}'))
        except BrokenPipeError:
            pass
        client.close()
elif manner == "stranger":
    # Not root: the socket's mode keeps it out, and the daemon does where the mode does not.
    mode = os.stat(path).st_mode & 0o777
    assert mode == 0o600, oct(mode)
    os.chmod(path, 0o666)
    os.setgid(65534)
    os.setuid(65534)
    client = connect()
    try:
        client.sendall(frame(b'{"command":"status"}'))
    except BrokenPipeError:
        pass
    said = answer(client)
    assert said and said["ok"] is False and "root" in said["error"], said
else:
    sys.exit(f"no manner {manner}")
status() if manner != "stranger" else None
