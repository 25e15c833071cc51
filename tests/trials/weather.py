"""Bad weather: 60 new zones with one of two servers silent, IPv6 that leads
nowhere, packets lost.  `weather.py [--zones N] [PEER…]`"""

import socket, statistics, struct, sys, os, random, threading
import dns.flags, dns.message, dns.name, dns.rdatatype, dns.rrset
from net import Net
from peers import Peer

ROOT, TLD, GOOD, DEAD = "10.53.0.1", "10.53.0.2", "10.53.0.5", "10.53.0.9"


def six(address):
    """The IPv6 address of the same server."""
    return "fd53::" + ":".join(address.split(".")[2:])


def servers_of(zone):
    """The servers of a zone: its label says what kind it is."""
    kind, nth = zone.split("-")[0], int(zone.split("-")[1])
    new = [f"10.53.{third + nth // 250}.{1 + nth % 250}" for third in (1, 101, 102)]
    return {
        "half": [DEAD, GOOD],  # the same server is silent for all zones, and the same one answers
        "fresh": new[:2],  # others for each zone, of which nothing is known
        "pair": [GOOD, "10.53.0.6"],
        "six": new[1:],
    }[kind]


def rrset(owner, rtype, *data, ttl=3600):
    return dns.rrset.from_text(owner, ttl, "IN", rtype, *data)


def answer(server, query, tcp):
    query = dns.message.from_wire(query)
    name, rtype = query.question[0].name.to_text(), query.question[0].rdtype
    labels = name.lower().rstrip(".").split(".")
    reply = dns.message.make_response(query, recursion_available=False)
    reply.use_edns(0, 0, 1232)
    soa = lambda zone: reply.authority.append(rrset(zone, "SOA", "a. a. 1 2 3 4 30", ttl=30))
    text = dns.rdatatype.to_text(rtype)
    if server.startswith("fd53"):
        server = "10.53." + ".".join(server.removeprefix("fd53::").split(":")) if server.count(":") > 2 else "10.53.0.1"
    if server == ROOT:
        if name == ".":
            reply.flags |= dns.flags.AA
            reply.answer.append(rrset(".", "NS", "a.root."))
            reply.additional.append(rrset("a.root.", "A", ROOT))
        else:
            reply.authority.append(rrset("test.", "NS", "a.nic.test."))
            reply.additional += [rrset("a.nic.test.", "A", TLD), rrset("a.nic.test.", "AAAA", six(TLD))]
    elif server == TLD and len(labels) > 1 and labels[-2] != "nic" and labels[-2] != "ready":
        zone = labels[-2]
        names = [f"ns{i}.{zone}.test." for i in (0, 1)]
        reply.authority.append(rrset(f"{zone}.test.", "NS", *names))
        for owner, address in zip(names, servers_of(zone)):
            reply.additional.append(rrset(owner, "A", address))
            if zone.startswith("six"):
                reply.additional.append(rrset(owner, "AAAA", six(address)))
    else:
        reply.flags |= dns.flags.AA
        if labels[0] == "www" and text == "A":
            reply.answer.append(rrset(name, "A", "192.0.2.1"))
        elif labels[0] in ("ns0", "ns1") and text == "A":
            reply.answer.append(rrset(name, "A", servers_of(labels[-2])[int(labels[0][2])]))
        else:
            soa(labels[-2] + ".test." if server != TLD and len(labels) > 1 else "test.")
    return reply.to_wire()


def silent(server):
    return server == DEAD or server.startswith("10.53.") and 0 < int(server.split(".")[2]) < 100 or (
        server.startswith("fd53") and NET.ipv6_is_dark
    )


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def ask_zones(net, peer, kind, count, first=0, at_once=1):
    """Asks for a name in each of so many new zones."""
    net.reset()
    results, lock, todo = [], threading.Lock(), list(range(first, first + count))

    def work():
        while True:
            with lock:
                if not todo:
                    return
                nth = todo.pop(0)
            result = peer.ask(f"www.{kind}-{nth}.test.", timeout=6)
            with lock:
                results.append(result)

    workers = [threading.Thread(target=work) for _ in range(at_once)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    return results, net.packets() / count


def tell(what, peer, results, packets):
    good = [seconds for code, _, _, seconds in results if code == 0]
    in_2 = sum(seconds < 2 for seconds in good) / len(results)
    all_ = [seconds if code == 0 else 9.999 for code, _, _, seconds in results]
    print(f"{what:36} {peer.name:8} answered {100 * len(good) / len(results):6.2f} %, within 2 s {100 * in_2:6.2f} %"
          f"  p50 {percentile(all_, .5):.3f}  p99 {percentile(all_, .99):.3f} s  {packets:.1f} packets", flush=True)


def main():
    names = [word for word in sys.argv[1:] if not word.startswith("-")] or ["sordino", "unbound"]
    for name in names:
        folder = os.environ["TRIAL_FOLDER"]
        for kind in "half", "fresh":
            NET.ipv6_is_dark, NET.loss, NET.delay = False, 0.0, 0.02
            peer = Peer(name, 5300, f"{folder}/{kind}")
            peer.ask("www.pair-9999.test.")
            what = {"half": "the same in all zones", "fresh": "all servers unknown"}[kind]
            tell(f"1 of 2 silent, {what}", peer, *ask_zones(NET, peer, kind, 60))
            peer.stop()
        NET.ipv6_is_dark = True
        peer = Peer(name, 5300, f"{folder}/six", ipv6=True)
        tell("IPv6 a black hole", peer, *ask_zones(NET, peer, "six", 200))
        tell("  after that", peer, *ask_zones(NET, peer, "six", 200, 1000))
        peer.stop()
        NET.ipv6_is_dark = False
        for loss in 5, 20, 40:
            NET.loss = 0.0
            peer = Peer(name, 5300, f"{folder}/{loss}")
            # So that it is lost in one way or the other.
            NET.loss = 1 - (1 - loss / 100) ** 0.5
            tell(f"{loss} % of exchanges lost", peer, *ask_zones(NET, peer, "pair", 400, 0, 20))
            NET.loss = loss / 100
            tell(f"{loss} % lost each way", peer, *ask_zones(NET, peer, "pair", 400, 1000, 20))
            peer.stop()


NET = Net(answer, silent)
main()
