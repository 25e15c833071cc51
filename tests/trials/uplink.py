"""The way out of the house is gone for a while: what do those hear who ask for
what was asked before, how much is tried meanwhile, and what happens when it is
back?  `uplink.py [--seconds N] [PEER…]`

Names hold for two seconds, so that each has had its time when the line goes;
that old answers are given for a day is proven in time of the tests' own."""

import os, random, struct, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from net import Net
from peers import Peer

ROOT, TLD, ABOVE = "10.53.0.1", "10.53.0.2", "10.53.0.53"
NAMES, ZONES, TTL, RATE = 200, 40, 2, 50

# unbound as its manual tells those who want old answers (RFC 8767).
EXPIRED = """serve-expired: yes
  serve-expired-ttl: 86400
  serve-expired-client-timeout: 1800
  serve-expired-reply-ttl: 30"""


def name_of(nth):
    return f"n{nth}.z{nth % ZONES}.test."


def question(query):
    """Labels, type, and the octets of the question."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += query[at] + 1
    return labels, struct.unpack(">H", query[at + 1 : at + 3])[0], query[12 : at + 5]


def record(owner, rtype, ttl, data):
    return owner + struct.pack(">HHIH", rtype, 1, ttl, len(data)) + data


def wire(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".") if label) + b"\0"


class World:
    """The servers outside.  The last octet of an address says how often the line
    was back when it was asked for."""

    def __init__(self):
        self.back, self.down, self.heard, self.lock = 1, False, [], threading.Lock()
        self.net = Net(self.answer, self.silent)

    def silent(self, server):
        return self.down

    def answer(self, server, query, tcp):
        labels, rtype, asked = question(query)
        with self.lock:
            self.heard.append((time.monotonic(), ".".join(labels), rtype))
        answer, authority, additional = [], [], []
        flags, pointer = 0x8400, b"\xc0\x0c"
        if server == ABOVE or (labels and labels[-1:] == ["test"] and len(labels) == 3 and server not in (ROOT, TLD)):
            flags = 0x8180 if server == ABOVE else flags
            if rtype == 1:
                answer.append(record(pointer, 1, TTL, bytes([192, 0, 2, self.back])))
        elif server == ROOT:
            flags = 0x8000 if labels else flags
            if labels:
                authority.append(record(wire("test."), 2, 86400, wire("a.nic.test.")))
                additional.append(record(wire("a.nic.test."), 1, 86400, bytes([10, 53, 0, 2])))
            elif rtype == 2:
                answer.append(record(b"\0", 2, 86400, wire("a.root.")))
                additional.append(record(wire("a.root."), 1, 86400, bytes([10, 53, 0, 1])))
        elif server == TLD and len(labels) > 1 and labels[-2][0] == "z":
            zone, flags = labels[-2], 0x8000
            authority.append(record(wire(f"{zone}.test."), 2, 86400, wire(f"ns.{zone}.test.")))
            additional.append(record(wire(f"ns.{zone}.test."), 1, 86400, bytes([10, 53, 1, 1 + int(zone[1:])])))
        if not answer and not authority:
            zone = ".".join(labels[-2:]) if server not in (ROOT, TLD) else "test"
            soa = wire("a.") + wire("a.") + struct.pack(">5I", 1, 2, 3, 4, 30)
            authority.append(record(wire(zone), 6, 30, soa))
        head = query[:2] + struct.pack(">5H", flags, 1, len(answer), len(authority), len(additional))
        return head + asked + b"".join(answer + authority + additional)


def part(values, of):
    return sorted(values)[min(len(values) - 1, int(len(values) * of))] if values else float("nan")


def ask_all_the_time(peer, seconds, said):
    """Asks for names in random order; each answer is noted with when it was asked
    for, how long it took, and how often the line had been back."""
    dice = random.Random(1)

    def one(name):
        asked = time.monotonic()
        code, _, reply, took = peer.ask(name, timeout=5)
        said.append((asked, took, reply[-1] if code == 0 and reply[7] else None))

    with ThreadPoolExecutor(300) as pool:
        begun = time.monotonic()
        for nth in range(int(seconds * RATE)):
            time.sleep(max(0, begun + nth / RATE - time.monotonic()))
            pool.submit(one, name_of(dice.randrange(NAMES)))


def trial(world, peer, what, seconds):
    missing = [nth for nth in range(NAMES) if peer.ask(name_of(nth))[0] != 0]
    assert not missing, f"{peer.name} can't resolve {missing[:3]} with all in order"
    time.sleep(TTL + 1)
    before, said, rest = world.back, [], 12
    world.down, gone = True, time.monotonic()
    asking = threading.Thread(target=ask_all_the_time, args=(peer, seconds + rest, said))
    asking.start()
    # After that everybody may know.
    time.sleep(3)
    world.net.reset()
    time.sleep(seconds - 3)
    tried = world.net.packets() / (seconds - 3)
    with world.lock:
        world.heard.clear()
    world.back, world.down, back = before + 1, False, time.monotonic()
    asking.join()
    while_down = [(asked, took, said_by) for asked, took, said_by in said if asked + took < back]
    old = [(asked, took) for asked, took, said_by in while_down if said_by == before]
    first = min((asked + took for asked, took in old), default=back)
    after = [took for asked, took in old if asked > first]
    fresh = [asked + took - back for asked, took, said_by in said if said_by == before + 1]
    late = [asked - back for asked, _, said_by in said if asked > back and said_by != before + 1]
    heard = [(at - back, name, rtype) for at, name, rtype in world.heard if at - back < 5]
    same = [(name, rtype) for _, name, rtype in heard]
    peak = max((sum(begin <= at < begin + 1 for at, _, _ in heard) for begin, _, _ in heard), default=0)
    cells = (
        f"{100 * len(old) / max(1, len(while_down)):.2f} %", f"{max((took for _, took in old), default=9.9):.2f} s",
        f"{1000 * part(after, .5):.1f} ms", f"{1000 * part(after, .99):.1f} ms", f"{tried:.1f}/s",
        f"{min(fresh, default=9.9):.2f} s", f"{max(late, default=0.0):.2f} s", f"{peak}/s", max(map(same.count, set(same)), default=0),
    )
    print(ROW.format(what, peer.name, *cells), flush=True)


ROW = "{:10} {:8} {:>9} {:>8} {:>10} {:>10} {:>9} {:>8} {:>8} {:>7} {:>7}"
HEAD = ROW.format("", "", "answered", "longest", "p50 then", "p99 then", "tried", "fresh", "all", "peak", "of one")
WORDS = """answered: with what was known, of all that was asked while the line was gone; longest: until then.
then: of those who asked after the first of them was answered; tried: packets, from the third second on.
fresh: after the line is back, the first answer from outside; all: the last one that is not;
peak: most packets in a second then; of one: most of them for one name and type in five seconds."""


def main():
    words = sys.argv[1:]
    seconds = float(words.pop(words.index("--seconds") + 1)) if "--seconds" in words else 30.0
    names = [word for word in words if not word.startswith("-")] or ["sordino", "unbound"]
    world, folder = World(), os.environ["TRIAL_FOLDER"]
    print(f"{NAMES} names asked for {RATE} times a second; the line is gone for {seconds:.0f} s\n{WORDS}\n{HEAD}", flush=True)
    for what, forward in ("recursing", None), ("forwarding", ABOVE):
        for name in names:
            more = EXPIRED if name == "unbound" else ""
            peer = Peer(name, 5300, f"{folder}/{what}", forward=forward, more=more)
            trial(world, peer, what, seconds)
            peer.stop()


if __name__ == "__main__":
    main()
