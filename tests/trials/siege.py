"""Clients that take more than their share, and what those beside them feel:
thousands of connections on which nothing comes, one device that asks 50,000
times a second, forged replies, large answers without end, many who ask the same,
and a zone that fails.  `siege.py [--large SECONDS] [PEER…]`

The one on trial has a core for itself; who asks, and the resolver that it asks
in turn, share the other.  So it is the kernel that says when an answer was there:
who asks may have to wait for its turn until it sees it.  Takes a minute and a half for each with the default of
20 seconds of large answers.  At the end all of it as a table."""

import argparse, os, random, select, socket, struct, subprocess, sys, threading, time
from net import Net
from peers import Peer, query_for
from uplink import part, question, record

ABOVE, SERVER, DEVICE = "10.53.0.53", "10.53.200.1", "10.53.201."
HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.environ["TRIAL_FOLDER"]
# Linux; Python has no name for it.
TIMESTAMPNS = 35
# Of unbound's cache; Sordino's is 32 MiB by default, for all of it.
CACHES = "msg-cache-size: 12m\n  rrset-cache-size: 20m"


class Above:
    """The resolver that is asked: what it says depends on the last label."""

    def __init__(self):
        self.asked, self.lock = {}, threading.Lock()
        self.net = Net(self.answer)

    def answer(self, server, query, tcp):
        labels, rtype, asked = question(query)
        labels = labels or [""]
        with self.lock:
            key = labels[-1] if len(labels) < 2 or labels[-1] != "quiet" else ".".join(labels)
            self.asked[key, tcp] = self.asked.get((key, tcp), 0) + 1
        head = lambda flags, answers, id=query[:2]: id + struct.pack(">5H", flags, 1, answers, 0, 0) + asked
        address = record(b"\xc0\x0c", 1, 3600, bytes([192, 0, 2, 1]))
        if labels[-1] == "failing":
            return head(0x8182, 0)
        if labels[-1] == "large":
            # What a datagram holds; every tenth all that a set may be, over TCP.
            if int(labels[0][1:]) % 10 == 0 and not tcp:
                return head(0x8380, 0)
            count, octets = (64, 240) if tcp else (4, 240)
            texts = (record(b"\xc0\x0c", 16, 3600, bytes([octets]) + random.randbytes(octets)) for _ in range(count))
            return head(0x8180, count) + b"".join(texts)
        right = head(0x8180, 1) + address
        if labels[-1] == "forged" and not tcp:
            lie = record(b"\xc0\x0c", 1, 3600, bytes([6, 6, 6, 6]))
            of = struct.unpack(">H", query[:2])[0]
            wrong = [head(0x8180, 1, struct.pack(">H", (of + n) & 0xFFFF)) + lie for n in range(1, 501)]
            return wrong + [(0.05, right)]
        return [(0.2, right)] if labels[-1] == "slow" else right

    def count(self, key, tcp=None):
        with self.lock:
            return sum(n for (of, by), n in self.asked.items() if of == key and tcp in (None, by))


# ---- those who only want an answer ----

def arrived(s):
    """A reply, and when the kernel had it: not when we had time to look."""
    reply, control, _, _ = s.recvmsg(4096, 64)
    seconds, nanoseconds = struct.unpack("qq", control[0][2])
    return reply, seconds + nanoseconds / 1e9


def neighbors(peer, seconds, rate=500, streams=True):
    """Twenty devices that ask for what is in the cache, and new ones that come
    over TCP five times a second: how long that took, and how many got nothing."""
    took, lost, over_tcp, shut_out, done = [], [0], [], [0], threading.Event()

    def come():
        nth = 0
        while not done.wait(0.2):
            nth += 1
            begun = time.perf_counter()
            try:
                with socket.socket() as s:
                    s.settimeout(3)
                    s.bind((f"10.53.202.{nth % 200 + 1}", 0))
                    s.connect(peer.at)
                    query = query_for("hot.test.", 1, False)
                    s.sendall(struct.pack(">H", len(query)) + query)
                    assert len(s.recv(4096)) > 12
                over_tcp.append(time.perf_counter() - begun)
            except (OSError, AssertionError):
                shut_out[0] += 1

    sockets = []
    for nth in range(20):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, TIMESTAMPNS, 1)
        s.bind((f"{DEVICE}{nth + 2}", 0))
        s.connect(peer.at)
        s.setblocking(False)
        sockets.append(s)
    poll, of = select.poll(), {}
    for s in sockets:
        poll.register(s, select.POLLIN)
        of[s.fileno()] = s
    query, sent_at, begun, sent = bytearray(query_for("hot.test.", 1, False)), {}, time.perf_counter(), 0
    thread = threading.Thread(target=come)
    if streams:
        thread.start()
    while (now := time.perf_counter()) < begun + seconds + 1:
        if now < begun + seconds and sent < (now - begun) * rate:
            s = sockets[sent % 20]
            query[:2] = struct.pack(">H", sent & 0xFFFF)
            sent_at[s.fileno(), sent & 0xFFFF] = time.time()
            s.send(query)
            sent += 1
            continue
        for fd, _ in poll.poll(1):
            try:
                reply, came = arrived(of[fd])
            except OSError:
                continue
            asked = sent_at.pop((fd, struct.unpack(">H", reply[:2])[0]), None)
            if asked is not None:
                took.append(came - asked)
    done.set()
    if streams:
        thread.join()
    return part(took, .5), part(took, .99), len(sent_at), sent, over_tcp, shut_out[0]


def beside(peer, seconds, streams=True):
    """Those, in a process of their own: it goes before those who are `nice`."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        with os.fdopen(writing, "w") as out:
            out.write(repr(neighbors(peer, seconds, streams=streams)))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        return eval(said.read().replace("nan", "float('nan')"))


# ---- those who want more ----

def slow_connections(peer, count, seconds):
    """Connections from a tenth as many addresses: on some nothing comes, on some
    an octet a second, half a query, or queries whose answers nobody reads."""
    os.nice(10)
    query = query_for("hot.test.", 1, False)
    message = struct.pack(">H", len(query)) + query
    poll, of, free = select.epoll(), {}, list(range(count))
    end, budget, last, tick = time.time() + seconds, 0.0, time.time(), time.time()
    while time.time() < end:
        now = time.time()
        budget, last = min(budget + (now - last) * 2000, 500), now
        while free and budget >= 1:
            nth, s = free.pop(), socket.socket()
            budget -= 1
            s.setblocking(False)
            try:
                s.bind((f"10.53.{210 + nth // 2500}.{nth // 10 % 250 + 1}", 0))
                s.connect_ex(peer.at)
            except OSError:
                s.close()
                free.insert(0, nth)
                break
            of[s.fileno()] = [s, nth, False]
            poll.register(s.fileno(), select.EPOLLOUT)
        for fd, event in poll.poll(0.01, 500):
            s, nth, spoke = of[fd]
            gone = bool(event & (select.EPOLLHUP | select.EPOLLERR))
            try:
                if not gone and not spoke:
                    s.send((b"\0", b"\0", message[:20], message * 200)[nth % 4])
                    of[fd][2] = True
                    poll.modify(fd, 0 if nth % 4 == 3 else select.EPOLLIN)
                elif not gone:
                    gone = s.recv(4096) == b""
            except OSError:
                gone = True
            if gone:
                poll.unregister(fd)
                s.close()
                del of[fd]
                free.insert(0, nth)
        if now > tick + 1:
            tick = now
            for s, nth, spoke in of.values():
                try:
                    spoke and nth % 4 == 1 and s.send(b"\0")
                except OSError:
                    pass


def child(work, *args):
    pid = os.fork()
    if pid == 0:
        try:
            work(*args)
        finally:
            os._exit(0)
    return pid


def load(peer, name, queries, source, sockets, rate, seconds, every=1e6):
    """Starts the load generator, and returns it."""
    path = f"{FOLDER}/{name}.queries"
    with open(path, "wb") as f:
        for query in queries:
            f.write(struct.pack(">H", len(query)) + query)
    words = [f"{FOLDER}/load", peer.at[0], str(peer.at[1]), path, source, str(sockets), str(rate), str(seconds), str(every)]
    return subprocess.Popen(["nice", "-n", "10"] + words, stdout=subprocess.PIPE, text=True)


# ---- the trials ----

TABLE = {}


def say(peer, what, text):
    print(f"{peer.name:8} {what:38} {text}", flush=True)
    TABLE.setdefault(what, {})[peer.name] = text


def feel(now, calm):
    """What the neighbors felt, beside what they feel in calm."""
    _, p99, lost, sent, over_tcp, shut_out = now
    text = f"p99 {1e6 * p99:.0f} µs ({p99 / calm[1]:.2f} ×), {lost} of {sent} lost"
    if over_tcp or shut_out:
        slowest = f"{1000 * max(over_tcp):.0f} ms" if over_tcp else "never"
        text += f"; TCP {len(over_tcp)} of {len(over_tcp) + shut_out}, the slowest {slowest}"
    return text


def besiege(peer, above, large):
    peer.ask("hot.test.")
    beside(peer, 1)
    calm = beside(peer, 6)
    say(peer, "in calm", feel(calm, calm))
    before = peer.memory()

    attacker = child(slow_connections, peer, 5000, 14)
    time.sleep(4)
    now = beside(peer, 8)
    files = len(os.listdir(f"/proc/{peer.process.pid}/fd"))
    say(peer, "5,000 slow connections", feel(now, calm) + f"; {peer.memory() - before:+.1f} MiB, {files} files")
    os.waitpid(attacker, 0)

    for what, queries in (
        ("one asks 50,000 a second, cached", [query_for("hot.test.", 1, False)]),
        ("the same, each for a new name", [query_for(f"n{n}.new.", 1, False) for n in range(400_000)]),
    ):
        flood = load(peer, "flood", queries, f"{DEVICE}99", 1, 50_000, 8)
        time.sleep(1)
        now = beside(peer, 6)
        words = flood.communicate()[0].split()
        say(peer, what, feel(now, calm) + f"; it sent {int(words[1]) / 8000:.0f} k/s, {100 * int(words[2]) / int(words[1]):.0f} % answered")

    at, lines = time.monotonic(), log_lines(peer)
    wrong = sum(peer.ask(f"f{n}.forged.", timeout=5)[2].count(bytes([6, 6, 6, 6])) for n in range(100))
    rate = (log_lines(peer) - lines) / (time.monotonic() - at)
    udp, tcp = above.count("forged", False), above.count("forged", True)
    say(peer, "500 wrong IDs for each of 100 names", f"{wrong} believed, {udp} asked over UDP, {tcp} over TCP; {rate:.1f} log lines a second")

    asking = [threading.Thread(target=peer.ask, args=("same.slow.",)) for _ in range(100)]
    [one.start() for one in asking], [one.join() for one in asking]
    say(peer, "100 ask the same at once", f"{above.count('slow')} packets")

    quiet = [f"q{n}.quiet." for n in range(100)]
    [peer.ask(name) for name in quiet]
    first, before, most, asked = sum(above.count(name[:-1]) for name in quiet), peer.memory(), 0.0, 0
    queries = [query_for(f"n{n}.large.", 16, False) for n in range(min(1_000_000, int(large * 2000)))]
    flood = load(peer, "large", queries, f"{DEVICE}40", 10, 2000, large)
    while flood.poll() is None:
        peer.ask(quiet[asked % 100])
        asked += 1
        most = max(most, peer.memory())
        time.sleep(0.02)
    missed = sum(above.count(name[:-1]) for name in quiet) - first
    words = flood.communicate()[0].split()
    say(peer, f"2,000 large sets a second, {large:.0f} s", f"{before:.1f} MiB before, {most:.1f} at most; "
        f"{100 * (1 - missed / asked):.1f} % of {asked} quiet ones from the cache; {100 * int(words[2]) / int(words[1]):.0f} % answered")


def failing(peer, above):
    """1,000 queries in a minute for what fails."""
    for _ in range(1000):
        threading.Thread(target=peer.ask, args=("www.failing.",), kwargs={"timeout": 5}).start()
        time.sleep(0.0595)
    say(peer, "1,000 in a minute, failing zone", f"{above.count('failing')} packets")


def log_lines(peer):
    return sum(1 for name in ("said", "log") if os.path.exists(f"{peer.folder}/{name}") for _ in open(f"{peer.folder}/{name}", "rb"))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--large", type=float, default=20, metavar="SECONDS")
    options.add_argument("peers", nargs="*", default=["sordino", "unbound"])
    options = options.parse_args()
    names, large = options.peers, options.large
    subprocess.run(["cc", "-O2", "-o", f"{FOLDER}/load", f"{HERE}/load.c"], check=True)
    os.sched_setaffinity(0, {1})
    above = Above()
    for name in names:
        threads = dict(sordino="threads = 1", unbound=CACHES)[name]
        make = lambda folder, port, core: Peer(name, port, f"{FOLDER}/{folder}", forward=ABOVE, at=SERVER, more=threads, core=core)
        # A second one has all the time for what takes a minute.
        aside, peer = make("aside", 5400, 1), make("peer", 5300, 0)
        above.asked.clear()
        minute = threading.Thread(target=failing, args=(aside, above))
        minute.start()
        besiege(peer, above, large)
        minute.join()
        peer.stop(), aside.stop()
    print("\n| | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for what, said in TABLE.items():
        print(f"| {what} | " + " | ".join(said.get(name, "") for name in names) + " |")


if __name__ == "__main__":
    main()
