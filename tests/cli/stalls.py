#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections for test_summary.sh and test_top.sh: a peer, and applications that will stall.

Receives its part: `peer`, or `app NAME…` with what to open; says "ready", then waits for lines on
standard input: `send` data on the connections of `request`; `reset` and `close` one of theirs; `quit`.
"""
import select
import socket
import struct
import sys

PEER = "192.0.2.2"
NOBODY = "192.0.2.40"


def listen(port, rcvbuf=0):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if rcvbuf:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    server.bind(("", port))
    server.listen(16)
    return server


def peer():
    """Reads on port 5433; never on 9092; on 7777 it answers a byte with an RST."""
    held = [listen(9092, 8192), listen(7777), listen(5433)]
    servers = {s.fileno(): s for s in held}
    conns = {}
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select(list(servers) + list(conns) + [0], [], [])
        for fd in ready:
            if fd == 0 and not sys.stdin.readline():
                return
            if fd in servers:
                conn, _ = servers[fd].accept()
                port = conn.getsockname()[1]
                if port == 9092:
                    held.append(conn)
                else:
                    conns[conn.fileno()] = conn
            elif fd in conns:
                conn = conns[fd]
                data = conn.recv(4096)
                if conn.getsockname()[1] == 7777:
                    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    data = b""
                if not data:
                    del conns[fd]
                    conn.close()


def connect(port, host=PEER, block=True):
    sock = socket.socket()
    sock.setblocking(block)
    sock.connect_ex((host, port))
    return sock


def app(words):
    requests, resets, closes, held = [], [], [], []
    for word in words:
        if word == "request":
            requests.append(connect(5433))
        elif word == "impatient":
            requests.append(connect(5433))
            requests[-1].setsockopt(socket.IPPROTO_TCP, 18, 3000)  # TCP_USER_TIMEOUT
        elif word == "stream":
            held.append(connect(9092))
            held[-1].setblocking(False)
            try:
                while True:
                    held[-1].send(b"x" * 4096)
            except BlockingIOError:
                pass
        elif word == "idle":
            held.append(connect(5433))
            for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 60), (socket.TCP_KEEPCNT, 9)):
                held[-1].setsockopt(socket.IPPROTO_TCP, option, value)
            held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        elif word == "syn":
            held.append(connect(443, NOBODY, False))
        elif word == "reset":
            resets.append(connect(7777))
        elif word == "close":
            closes.append(connect(5433))
    print("ready", flush=True)
    for line in sys.stdin:
        if line == "send\n":
            for sock in requests:
                sock.send(b"?")
        elif line == "reset\n":
            held.append(resets.pop())
            held[-1].send(b"?")
        elif line == "close\n":
            closes.pop().close()
        elif line == "quit\n":
            return


if sys.argv[1] == "peer":
    peer()
else:
    with open("/proc/self/comm", "w", encoding="ascii") as file:
        file.write(sys.argv[2])
    app(sys.argv[3:])
