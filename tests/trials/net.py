"""The net between resolvers and authoritative servers: every address of
10.53.0.0/16 and fd53::/64, on the loopback of a namespace of its own.

Counts what arrives, and loses and delays as it is told."""

import heapq, random, select, socket, struct, threading, time

PKTINFO4 = socket.IP_PKTINFO if hasattr(socket, "IP_PKTINFO") else 8
RECVPKTINFO6, PKTINFO6 = 49, 50


class Net:
    """`answer(server, query, tcp)` gives one reply, several, or none, each as
    octets; or as (seconds, octets) to come later.  Servers that are `silent`
    are counted and not asked."""

    def __init__(self, answer, silent=lambda server: False):
        self.answer, self.silent = answer, silent
        self.loss, self.delay, self.dice = 0.0, 0.0, random.Random(1)
        self.lock, self.later, self.count = threading.Lock(), [], {}
        self.sockets = [self.udp(socket.AF_INET), self.udp(socket.AF_INET6)]
        threading.Thread(target=self.loop, daemon=True).start()
        for family in socket.AF_INET, socket.AF_INET6:
            threading.Thread(target=self.listen, args=(family,), daemon=True).start()

    def udp(self, family):
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if family == socket.AF_INET:
            s.setsockopt(socket.IPPROTO_IP, PKTINFO4, 1)
            s.bind(("0.0.0.0", 53))
        else:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.setsockopt(socket.IPPROTO_IPV6, RECVPKTINFO6, 1)
            s.bind(("::", 53))
        s.setblocking(False)
        return s

    def note(self, server, tcp):
        with self.lock:
            self.count[server, tcp] = self.count.get((server, tcp), 0) + 1

    def packets(self, server=None):
        with self.lock:
            return sum(n for (to, _), n in self.count.items() if server in (None, to))

    def reset(self):
        with self.lock:
            self.count.clear()

    def lost(self):
        return self.loss and self.dice.random() < self.loss

    def loop(self):
        while True:
            wait = self.later[0][0] - time.monotonic() if self.later else 1.0
            ready = select.select(self.sockets, [], [], max(0.0, min(wait, 1.0)))[0]
            for s in ready:
                for _ in range(64):
                    try:
                        query, control, _, client = s.recvmsg(4096, 256)
                    except BlockingIOError:
                        break
                    self.take(s, query, control[0], client)
            while self.later and self.later[0][0] <= time.monotonic():
                _, _, s, reply, control, client = heapq.heappop(self.later)
                self.send(s, reply, control, client)

    def take(self, s, query, control, client):
        level, kind, data = control
        if s.family == socket.AF_INET:
            server, control = socket.inet_ntop(s.family, data[8:12]), (level, kind, struct.pack("I", 0) + data[8:12] + data[8:12])
        else:
            server, control = socket.inet_ntop(s.family, data[:16]), (level, PKTINFO6, data[:16] + struct.pack("I", 0))
        self.note(server, False)
        if self.lost() or self.silent(server):
            return
        for reply in self.replies(server, query, False):
            after, reply = reply if isinstance(reply, tuple) else (0.0, reply)
            if self.lost():
                continue
            if after + self.delay:
                entry = (time.monotonic() + after + self.delay, random.random(), s, reply, control, client)
                heapq.heappush(self.later, entry)
            else:
                self.send(s, reply, control, client)

    def send(self, s, reply, control, client):
        try:
            s.sendmsg([reply], [control], 0, client)
        except OSError:
            pass

    def replies(self, server, query, tcp):
        try:
            reply = self.answer(server, query, tcp)
        except Exception as error:  # a resolver may send what we can't read
            print("mock:", server, repr(error), flush=True)
            return []
        return reply if isinstance(reply, list) else [] if reply is None else [reply]

    def listen(self, family):
        s = socket.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 53))
        s.listen(256)
        while True:
            threading.Thread(target=self.stream, args=(s.accept()[0],), daemon=True).start()

    def stream(self, s):
        server = s.getsockname()[0]
        try:
            s.settimeout(10)
            while True:
                head = s.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    return
                query = s.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
                self.note(server, True)
                if self.silent(server):
                    continue
                for reply in self.replies(server, query, True):
                    after, reply = reply if isinstance(reply, tuple) else (0.0, reply)
                    time.sleep(after + self.delay)
                    s.sendall(struct.pack(">H", len(reply)) + reply)
        except OSError:
            pass
        finally:
            s.close()
