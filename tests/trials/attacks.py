"""Work that strangers try to make a resolver do, and forgeries: how many
packets, how long, how much processor time.  `attacks.py [PEER…]`

KeyTrap (CVE-2023-50387): keys of one tag, and signatures that fit none."""

import os, random, struct, sys, threading, time
import dns.dnssec, dns.flags, dns.message, dns.name, dns.rcode, dns.rdata, dns.rdataclass, dns.rdatatype as T, dns.rrset
from net import Net
from peers import Peer
from zones import IN, Key, Zone

ROOT, TLD, ATTACKER, VICTIM, GOOD, FAILING, SLOW = (f"10.53.0.{n}" for n in range(1, 8))
TRAP, FORGER, DARK = "10.53.0.8", "10.53.0.9", "10.53.9."


def rrset(owner, rtype, *data, ttl=3600):
    return dns.rrset.from_text(owner, ttl, "IN", rtype, *data)


def delegation(reply, zone, *addresses):
    names = [f"ns{n}.{zone}" for n in range(len(addresses))]
    reply.authority.append(rrset(zone, "NS", *names))
    reply.additional += [rrset(name, "A", address) for name, address in zip(names, addresses)]


def answer(server, wire, tcp):
    query = dns.message.from_wire(wire)
    name, rtype = query.question[0].name, query.question[0].rdtype
    text, labels = name.to_text().lower(), name.to_text().lower().rstrip(".").split(".")
    zone = ".".join(labels[-2:]) + "."
    reply = dns.message.make_response(query)
    reply.use_edns(0, dns.flags.DO, 1232)
    aa = lambda *sets: (setattr(reply, "flags", reply.flags | dns.flags.AA), reply.answer.extend(sets))
    nothing = lambda z: (aa(), reply.authority.append(rrset(z, "SOA", "a. a. 1 2 3 4 30", ttl=30)))
    if server == ROOT:
        if text == ".":
            aa(rrset(".", "NS", "a.root."))
            reply.additional.append(rrset("a.root.", "A", ROOT))
        elif labels[-1] in ("trap", "pit"):
            delegation(reply, labels[-1] + ".", TRAP)
        else:
            delegation(reply, "test.", TLD)
    elif server == TLD:
        kind = labels[-2] if len(labels) > 1 else ""
        circle = {"cyca": "cycb", "cycb": "cyca"}.get(kind)
        to = {"attack": ATTACKER, "victim": VICTIM, "good": GOOD, "failing": FAILING, "slow": SLOW, "chain": ATTACKER,
              "forger": FORGER, "flood": FORGER}.get(kind)
        if circle:
            reply.authority.append(rrset(zone, "NS", f"ns1.{circle}.test.", f"ns2.{circle}.test."))
        elif to:
            delegation(reply, zone, to)
        else:
            nothing("test.")
    elif server == TRAP:
        return trap(name, rtype, reply, tcp)
    elif server == FAILING:
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif server == VICTIM:
        reply.set_rcode(dns.rcode.NXDOMAIN), nothing("victim.test.")
    elif server in (GOOD, SLOW):
        aa(rrset(name, "A", "192.0.2.1")) if rtype == T.A else nothing(zone)
        return [(0.2 if server == SLOW else 0.0, reply.to_wire())]
    elif server == FORGER:
        return forged(name, rtype, reply, zone, tcp)
    elif zone == "chain.test.":
        head = labels[0]
        if head.startswith("c") and head[1:].isdigit():
            aa(rrset(text, "CNAME", f"c{int(head[1:]) + 1}.chain.test."))
        elif head.startswith("loop"):
            aa(rrset(text, "CNAME", f"loop{1 - int(head[4:])}.chain.test."))
        else:
            nothing(zone)
    else:
        cut = [n for n, label in enumerate(labels) if label[:2] in ("nx", "gl") and label[2:3].isdigit()]
        if not cut:
            nothing(zone)
        else:
            owner = ".".join(labels[cut[0]:]) + "."
            count, tag = labels[cut[0]][2:].split("-")
            if labels[cut[0]].startswith("nx"):
                reply.authority.append(rrset(owner, "NS", *(f"n{n}-{tag}.victim.test." for n in range(int(count)))))
            else:
                names = [f"n{n}.{owner}" for n in range(int(count))]
                reply.authority.append(rrset(owner, "NS", *names))
                reply.additional += [rrset(x, "A", f"{DARK}{1 + n % 250}") for n, x in enumerate(names)]
    return fit(reply, tcp)


def fit(reply, tcp):
    try:
        return reply.to_wire(max_size=65535 if tcp else 1232)
    except dns.exception.TooBig:
        reply.answer, reply.authority, reply.additional = [], [], []
        reply.flags |= dns.flags.TC
        return reply.to_wire()


# ---- KeyTrap ----

KSK = Key(13, 257)


def colliding(tag, count):
    keys = []
    while len(keys) < count:
        modulus = bytearray(random.randbytes(256))
        modulus[0] |= 0x80
        make = lambda: dns.rdata.from_wire(IN, T.DNSKEY, b"\x01\0\3\x08\x03\1\0\1" + bytes(modulus), 0, 8 + 256)
        modulus[128:130] = b"\0\0"
        need = (tag - dns.dnssec.key_id(make())) % 65536
        for word in range(need - 2, need + 3):
            modulus[128:130] = struct.pack(">H", word % 65536)
            if dns.dnssec.key_id(make()) == tag:
                keys.append(make())
                break
    return keys


def prepare_trap(apex, count):
    zone = Zone(apex, "@ NS ns1\nns1 A " + TRAP, "nsec", (KSK, KSK))
    keys = dns.rrset.from_rdata_list(zone.apex, 300, [KSK.rdata] + colliding(12345, count))
    return zone, keys, dns.rrset.from_rdata(zone.apex, 300, zone.rrsig(keys, KSK))


def trap(name, rtype, reply, tcp):
    zone, keys, signature = TRAPS[name.labels[-2].lower()]
    reply.flags |= dns.flags.AA
    if name == zone.apex and rtype == T.DNSKEY:
        reply.answer += [keys, signature]
    elif rtype == T.A and name != zone.apex and not name.to_text().startswith("ns1"):
        now = int(time.time())
        signatures = [
            dns.rdata.from_wire(IN, T.RRSIG, struct.pack(">HBBIIIH", 1, 8, 2, 300, now + 86400 - n, now - 3600, 12345)
                                + zone.apex.to_wire() + (s := random.randbytes(256)), 0, 18 + len(zone.apex.to_wire()) + 256)
            for n in range(len(keys) * 9 // 10)
        ]
        reply.answer += [rrset(name.to_text(), "A", "192.0.2.7"), dns.rrset.from_rdata_list(name, 300, signatures)]
    else:
        reply.authority += zone.negative(zone.proof(name))
    return fit(reply, tcp)


# ---- forgeries ----

def forged(name, rtype, reply, zone, tcp):
    reply.flags |= dns.flags.AA
    if rtype == T.A:
        reply.answer.append(rrset(name.to_text(), "A", "192.0.2.1"))
    else:
        reply.authority.append(rrset(zone, "SOA", "a. a. 1 2 3 4 30"))
    if zone == "flood.test.":
        bad = bytearray(reply.to_wire())
        out = []
        for n in range(0 if tcp else 2000):
            bad[:2] = struct.pack(">H", n)
            out.append(bytes(bad).replace(bytes([192, 0, 2, 1]), bytes([6, 6, 6, 6])))
        return out + [(0.02, reply.to_wire())]
    lie = "6.6.6.6"
    reply.answer += [rrset("www.victim.test.", "A", lie), rrset("www.good.test.", "A", lie)]
    reply.authority += [rrset("test.", "NS", "ns.forger.test."), rrset("good.test.", "NS", "ns.forger.test."),
                        rrset(".", "NS", "ns.forger.test."), rrset("victim.test.", "NS", "ns.forger.test.")]
    reply.additional += [rrset("ns0.good.test.", "A", lie), rrset("a.root.", "A", lie), rrset("ns0.test.", "A", lie),
                         rrset("ns.forger.test.", "A", lie), rrset("good.test.", "DNAME", "forger.test.")]
    return fit(reply, tcp)


# ---- the trials ----

def settle(net):
    last = -1
    while net.packets() != last:
        last = net.packets()
        time.sleep(1)


def trial(net, peer, what, name, victim=None, timeout=20):
    net.reset()
    before = peer.cpu()
    code, _, _, seconds = peer.ask(name, timeout=timeout)
    settle(net)
    said = "no answer" if code is None else dns.rcode.to_text(code)
    extra = f", {net.packets(victim)} of them to the victim" if victim else ""
    cpu = 1000 * (peer.cpu() - before)
    print(f"{peer.name:8} {what:38} {said} after {seconds:.3f} s, {net.packets()} packets{extra}, {cpu:.0f} ms CPU", flush=True)


def many(net, peer, what, ask, count, at_once, pause=0.0):
    net.reset()
    before, codes, lock, left = peer.cpu(), {}, threading.Lock(), [count]

    def work():
        while True:
            with lock:
                if not left[0]:
                    return
                left[0] -= 1
                nth = left[0]
            code = ask(nth)[0]
            with lock:
                codes[code] = codes.get(code, 0) + 1
            time.sleep(pause)

    began = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(at_once)]
    [w.start() for w in workers], [w.join() for w in workers]
    said = ", ".join(f"{n} {'none' if c is None else dns.rcode.to_text(c)}" for c, n in codes.items())
    print(f"{peer.name:8} {what:38} {said} in {time.monotonic() - began:.1f} s, {net.packets()} packets, "
          f"{1000 * (peer.cpu() - before):.0f} ms CPU", flush=True)


def main():
    net = Net(answer, lambda server: server.startswith(DARK))
    folder = os.environ["TRIAL_FOLDER"]
    for name in sys.argv[1:] or ["sordino", "unbound"]:
        peer = Peer(name, 5300, f"{folder}/plain")
        peer.ask("www.good.test.")
        trial(net, peer, "NXNS: 1,500 names to look up", "nx1500-a.attack.test.", VICTIM)
        trial(net, peer, "NXNS: 50", "nx50-a.attack.test.", VICTIM)
        trial(net, peer, "600 servers with silent addresses", "gl600-a.attack.test.", timeout=70)
        trial(net, peer, "endless chain of aliases", "c0.chain.test.")
        trial(net, peer, "two aliases of each other", "loop0.chain.test.")
        trial(net, peer, "delegations in a circle", "www.cyca.test.")
        many(net, peer, "1,000 queries in 60 s, failing zone", lambda _: peer.ask("www.failing.test."), 1000, 1, 0.0595)
        many(net, peer, "the same, each for another name", lambda n: peer.ask(f"w{n}.failing.test."), 300, 1)
        many(net, peer, "100 at once for the same", lambda _: peer.ask("www.slow.test."), 100, 100)
        net.reset()
        trial(net, peer, "2,000 replies with a wrong ID", "www.flood.test.")
        wrong = peer.ask("www.flood.test.")[2].count(bytes([6, 6, 6, 6]))
        peer.ask("www.forger.test.")
        for victim in ("www.victim.test.", "www.good.test.", "ns0.good.test.", "x.good.test.", "a.root.", "ns.good.test."):
            wrong += peer.ask(victim)[2].count(bytes([6, 6, 6, 6]))
        print(f"{peer.name:8} {'forged answers believed':38} {wrong}", flush=True)
        peer.stop()
        anchor = "".join(f"{zone}. 3600 IN DNSKEY {KSK.rdata.to_text()}\n" for zone in ("trap", "pit"))
        peer = Peer(name, 5300, f"{folder}/trap", anchor)
        for zone, keys in ("trap", 200), ("pit", 100):
            peer.ask(f"{zone}.", T.SOA)
            trial(net, peer, f"KeyTrap, {keys} keys, {keys * 9 // 10} signatures", f"w.{zone}.", timeout=60)
            many(net, peer, "  50 names of it", lambda n: peer.ask(f"v{n}.{zone}.", timeout=30), 50, 1)
        peer.stop()


TRAPS = {apex: prepare_trap(apex.decode() + ".", count) for apex, count in ((b"trap", 200), (b"pit", 100))}
main()
