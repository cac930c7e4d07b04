#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""metrics_client.py WHERE MANNER…: scrapers of `tcptimer daemon --metrics`, well-behaved and not.

WHERE is PORT of 127.0.0.1 or a socket's path. Exits 0 when the daemon did what it should, else says why.
"""
import socket
import sys
import time

WHERE, MANNER, *REST = sys.argv[1:]


def connect():
    if WHERE.isdigit():
        return socket.create_connection(("127.0.0.1", int(WHERE)), timeout=60)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(60)
    client.connect(WHERE)
    return client


def read_all(client):
    answer = b""
    try:
        while chunk := client.recv(65536):
            answer += chunk
    except ConnectionResetError:  # it closed with some of the request unread
        pass
    return answer


def ask(request):
    client = connect()
    client.sendall(request)
    answer = read_all(client)
    client.close()
    return answer


def scrape(accept="*/*", path="/metrics", method="GET"):
    head, _, body = ask(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode()).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.lower().split(": ", 1) for line in lines[1:])
    return lines[0], fields, body.decode()


def samples():
    _, _, text = scrape()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


def expect(what, right):
    if not right:
        print(f"not as it should be: {what}")
        sys.exit(1)


def formats():
    status, fields, text = scrape()
    expect(status, status == "HTTP/1.1 200 OK")
    expect(fields, fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    expect("the length", int(fields["content-length"]) == len(text.encode()))
    expect("an end of OpenMetrics", "# EOF" not in text)
    status, fields, text = scrape("application/openmetrics-text; version=1.0.0, text/plain;q=0.5")
    expect(fields, fields["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    expect("the end of OpenMetrics", text.endswith("\n# EOF\n"))


def requests():
    status, fields, text = scrape(method="HEAD")
    expect("HEAD", status.endswith("200 OK") and int(fields["content-length"]) > 1000 and not text)
    status, _, text = scrape(path="/health")
    expect("/health", status.endswith("200 OK") and text == "ok\n")
    status, _, _ = scrape(path="/metrics?x=1")
    expect("a query", status.endswith("200 OK"))
    for path in "/", "/metrics/", "/METRICS", "/../metrics", "/metrics%00", "//metrics":
        status, _, _ = scrape(path=path)
        expect((path, status), " 404 " in status or " 400 " in status)
    for method in "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get":
        status, fields, _ = scrape(method=method)
        expect((method, status), " 405 " in status and fields["allow"] == "get, head")


def hostile():
    """What is no request is refused or closed; none of it is waited for."""
    expect("a body is not read", b" 200 " in ask(b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nx"))
    expect("a long path", b" 414 " in ask(b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n")[:20])
    answer = ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X-A: " + b"a" * 1000000 + b"\r\n\r\n")
    expect(answer[:60], b" 431 " in answer[:20] or not answer)
    for junk in b"\0" * 4096, b"\x16\x03\x01" + b"\xff" * 500, b"GET\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"\r\n" * 9000:
        answer = ask(junk + b"\r\n\r\n")
        expect((junk[:20], answer[:60]), b" 200 " not in answer[:20])
    answer = ask(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
    expect("one request a connection", answer.count(b"200 OK") == 1)


def slow():
    """slow N: more clients than places, silent or sending a byte in a while: they go, and the next is served."""
    clients = [connect() for _ in range(int(REST[0]))]
    for i, client in enumerate(clients):
        client.setblocking(False)
        if i % 3:
            client.send(b"GET /metrics HTTP/1.1\r\nX-A: ")
    print("holding", flush=True)
    trickling = [client for i, client in enumerate(clients) if i % 3 == 2]
    while trickling:
        time.sleep(1)
        for client in list(trickling):
            try:
                client.send(b"a")
                if not client.recv(65536):
                    trickling.remove(client)
            except BlockingIOError:
                pass
            except OSError:
                trickling.remove(client)
    expect("served after them", scrape()[0].endswith("200 OK"))


def unread():
    """Clients that ask and never read; and those that go away in the middle."""
    clients = [connect() for _ in range(40)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    for client in clients[::2]:
        client.close()
    expect("served beside them", scrape()[0].endswith("200 OK"))
    for _ in range(20):
        client = connect()
        client.send(b"GET /metrics HTT")
        client.close()
    expect("served after 20 that went in the middle of a word", scrape()[0].endswith("200 OK"))


def has():
    """has SAMPLE VALUE…: of each the value, or '+' for one above 0, or '-' for none."""
    found = samples()
    for name, value in zip(REST[::2], REST[1::2]):
        have = found.get(name)
        right = have is None if value == "-" else have is not None and (have > 0 if value == "+" else have == float(value))
        expect(f"{name} is {have}, not {value}", right)


def bounded():
    """bounded SERIES SOCKETS: of cgroups, and all stalled sockets are in one of them."""
    found = {name: value for name, value in samples().items() if name.startswith("tcptimer_cgroup_stalled")}
    expect(f"{len(found)} series", len(found) == int(REST[0]))
    expect(f"{sum(found.values())} sockets", sum(found.values()) >= int(REST[1]))


globals()[MANNER]()
