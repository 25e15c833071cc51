"""Thousands of zones, good ones and ones that are broken in many ways, asked
of Sordino and of unbound: do both say the same?

`differential.py [--zones N] [--seed S] [--only KIND] [--at-once N] [--forward]`

With `--forward` both ask a resolver that checks nothing, in place of the zones'
own servers.

Compared are RCODE, AD and the data of the answer section.  What differs is
asked again later, since either may have given up in a hurry; what differs
still is shown, and fails the trial if it is more than one question in a
thousand, or if Sordino takes for secure what unbound calls bogus."""

import argparse, collections, os, random, signal, sys, threading, time
import dns.edns, dns.exception, dns.flags, dns.message, dns.name, dns.rcode, dns.rdatatype as T, dns.rrset
from net import Net
from peers import Peer
from zones import Key, Zone

PLAIN = """@ NS ns1
@ NS ns2
@ MX 10 mail
@ TXT "text"
ns1 A {0}
ns2 A {1}
www A 192.0.2.1
www A 192.0.2.2
mail A 192.0.2.3
alias CNAME www
dead CNAME nothing
far CNAME www.{2}
*.wild A 192.0.2.4
*.wild TXT "wild"
*.star CNAME www
a.b.c.ent A 192.0.2.5
old DNAME new
x.new A 192.0.2.6
island NS ns1.island
ns1.island A {0}
"""
QUESTIONS = [
    ("www", "A"), ("www", "AAAA"), ("@", "MX"), ("@", "SOA"), ("@", "DNSKEY"), ("@", "DS"), ("nothing", "A"),
    ("x.nothing", "TXT"), ("alias", "A"), ("dead", "A"), ("far", "A"), ("x.wild", "A"), ("x.y.wild", "AAAA"),
    ("y.star", "A"), ("ent", "A"), ("b.c.ent", "A"), ("x.old", "A"), ("z.old", "A"), ("old", "DNAME"),
    ("www.island", "A"), ("below.www", "A"),
]
# What is wrong with the data: bent in `zones.py`, or in the parent.
GOOD = ["", "", "", "csk", "rsa256", "rsa512", "rsa1", "p384", "ed25519", "collision", "two-ds", "sha384", "iterations-20"]
BROKEN = [
    "expired", "future", "backwards", "wrong-ds", "wrong-digest", "no-dnskey", "dnskey-by-zsk", "bad-signature", "labels",
    "signer", "tag", "no-proof", "bitmap", "nsec-elsewhere", "no-closer", "nsec3-algorithm", "soa-unsigned",
    "wildcard-unproven", "unsigned-with-ds", "revoked", "unknown-algorithm", "unknown-digest", "unknown-and-known",
    "no-ds", "iterations-200", "no-signatures", "dnskey-unsigned", "no-zone-flag",
]
# Of these, the data that is signed is signed well.
SOUND = GOOD + ["bitmap", "no-proof", "no-closer", "nsec-elsewhere", "nsec3-algorithm", "wildcard-unproven", "soa-unsigned",
                "iterations-200", "unknown-and-known"]
# Of these, all but addresses.
SOUND_BUT_ADDRESSES = ["labels", "signer", "tag"]
# What is wrong with the servers.
SERVERS = [
    "", "", "", "truncates", "loses-case", "no-edns", "formerr-edns", "one-refuses", "one-lame", "one-silent", "one-servfail",
    "wrong-glue", "all-refuse", "all-lame", "no-aa", "nxdomain-for-ent", "other-question", "extra-records",
    "badvers", "drops-edns",
]

# Servers of which one is of no use, now and then or always.
IMPATIENT = ["badvers", "drops-edns", "one-silent", "one-servfail", "one-lame", "one-refuses", "formerr-edns", "other-question"]


def explained(world, question, one, two):
    """Why two may differ; nothing if nobody has said why."""
    zone, owner, rtype = question
    target = zone.far if owner == "far" else zone
    if one[0] == "SERVFAIL" and "revoked" in (zone.kind, target.kind):
        return "a revoked key is used for nothing (RFC 5011 section 2.1); unbound follows a DS record to it"
    if one[0] == "SERVFAIL" and zone.kind == "nsec-elsewhere":
        return "the last NSEC record points to the apex (RFC 4034 section 4.1.1); unbound takes any that points back"
    if one[0] == "SERVFAIL" and zone.kind == "soa-unsigned" and two[2]:
        return "a SOA record has to be signed, behind an alias too; unbound does not look at it there"
    if "badvers" in (zone.server, target.server) and two[:2] == ("NOERROR", 0) and set(two[2]) <= set(one[2]):
        return "unbound takes BADVERS for an empty answer"
    # From here on Sordino says what is in the zone, and takes nothing for secure that is not.
    sound = SOUND if one[2] else SOUND + SOUND_BUT_ADDRESSES
    if one[:3:2] != world.truth(zone, owner, rtype) or one[1] and not {zone.kind, target.kind} <= set(sound):
        return None
    if zone.server == "nxdomain-for-ent" and owner.split(".")[-1] in ("wild", "star", "ent", "old"):
        return "NXDOMAIN for an empty non-terminal says nothing of what is below (RFC 9156 section 2.3); unbound believes it"
    if two[0] == "SERVFAIL" and (zone.server in IMPATIENT or target.server in IMPATIENT):
        return "one server is of no use; unbound gives up, and does not ask the other one"
    return None


class World:
    def __init__(self, count, seed, only):
        self.dice = random.Random(seed)
        pool = {a: [Key(a) for _ in range(6 if a in (8, 10, 5) else 30)] for a in (13, 8, 10, 5, 14, 15, 213)}
        self.pool, self.by_name, self.by_server, self.said = pool, {}, {}, {}
        tlds = {"nsec.": "nsec", "nsec3.": "nsec3", "optout.": "optout", "plain.": None}
        texts = {tld: "@ NS a.nic\na.nic A 10.53.0.2\n" for tld in tlds}
        self.zones = []
        for nth in range(count):
            tld = self.dice.choice(list(tlds))
            self.zones.append(self.make(nth, tld, only))
            texts[tld] += self.zones[-1].delegation
        self.root_keys = self.keys(13)
        root = "@ NS a.root.\na.root. A 10.53.0.1\n"
        self.tlds = {}
        for tld, denial in tlds.items():
            zone = self.tlds[tld] = Zone(tld, texts[tld], denial, self.keys(13) if denial else ())
            root += f"{tld} NS a.nic.{tld}\na.nic.{tld} A 10.53.0.2\n" + (f"{tld} DS {zone.ds()}\n" if denial else "")
        self.root = Zone(".", root, "nsec", self.root_keys)

    def keys(self, algorithm, flags=257):
        ksk, zsk = self.dice.sample(self.pool[algorithm], 2)
        return ksk.with_flags(flags), zsk

    def make(self, nth, tld, only):
        dice = self.dice
        kind = only or dice.choice(GOOD + BROKEN)
        server = dice.choice(SERVERS) if not only or only in SERVERS else ""
        if only in SERVERS:
            kind = dice.choice(GOOD)
        denial = dice.choice(["nsec", "nsec3", "optout"]) if kind or dice.random() < 0.7 else None
        denial = {"nsec-elsewhere": "nsec", "no-closer": "nsec3", "nsec3-algorithm": "nsec3", "iterations-20": "nsec3", "iterations-200": "nsec3"}.get(kind, denial)
        algorithm = {"rsa256": 8, "rsa512": 10, "rsa1": 5, "p384": 14, "ed25519": 15, "unknown-algorithm": 213}.get(kind, 13)
        keys = self.keys(algorithm, {"revoked": 257 | 128, "no-zone-flag": 1}.get(kind, 257))
        if kind == "csk":
            keys = (keys[0], keys[0])
        one, two = (f"10.53.{1 + n // 250}.{1 + n % 250}" for n in (2 * nth, 2 * nth + 1))
        far = dice.choice(self.zones) if self.zones else None
        text = PLAIN.format(one, two, far.apex.to_text() if far else "plain.")
        iterations = int(kind.split("-")[1]) if kind.startswith("iterations") else 0
        signed = denial if kind != "unsigned-with-ds" else None
        zone = Zone(f"z{nth}.{tld}", text, signed, keys if denial else (), kind, iterations, b"\x5a" if dice.random() < 0.5 else b"")
        zone.ksk, zone.far = zone.ksk or keys[0], far or zone
        zone.kind, zone.server, zone.servers, zone.nth = kind, server, (one, two), nth
        ds = [zone.ds("SHA384" if kind == "sha384" else "SHA256")] if denial and kind != "no-ds" else []
        if kind == "wrong-ds":
            zone.ksk, kept = self.keys(13)[0], zone.ksk
            ds, zone.ksk = [zone.ds()], kept
        if kind == "wrong-digest":
            ds = [ds[0][:-4] + ("0000" if ds[0][-4:] != "0000" else "1111")]
        if kind == "unknown-digest":
            ds = [" ".join(ds[0].split()[:2]) + " 99 " + "ab" * 32]
        if kind in ("two-ds", "unknown-and-known"):
            other = dice.choice(self.pool[13 if kind == "two-ds" else 213])
            ds.append(f"{other.tag()} {other.algorithm} 2 " + "cd" * 32)
        owner = f"z{nth}"
        glue = ("10.53.250.1", "10.53.250.2") if server == "wrong-glue" else (one, two)
        zone.delegation = "".join(f"{owner} NS ns{i}.{owner}\nns{i}.{owner} A {a}\n" for i, a in zip((1, 2), glue))
        if tld != "plain.":
            zone.delegation += "".join(f"{owner} DS {d}\n" for d in ds)
        self.by_name[zone.apex] = zone
        self.by_server[one], self.by_server[two] = (zone, 0), (zone, 1)
        return zone

    def anchor(self):
        return f". 3600 IN DNSKEY {self.root_keys[0].rdata.to_text()}\n"

    def truth(self, zone, owner, rtype):
        """The RCODE and data that a zone has, whatever its servers say."""
        name = zone.apex if owner == "@" else dns.name.from_text(owner, zone.apex)
        if (owner, rtype) == ("@", "DS"):
            zone = self.tlds[zone.apex.split(2)[1].to_text()]
        code, _, answer, _, _ = self.of_zone(zone, name, T.from_text(rtype))
        data = [f"{r.name} {T.to_text(r.rdtype)} {d}".lower() for r in answer if r.rdtype != T.RRSIG for d in r]
        if owner == "far":
            data += self.truth(zone.far, "www", "A")[1]
        return dns.rcode.to_text(code), tuple(sorted(set(data)))

    # ---- what servers say ----

    def answer(self, server, wire, tcp):
        """What a server says, made once for all who ask the same in the same way."""
        end = wire.index(0, 12) + 5
        zone = self.by_server.get(server, (None,))[0]
        place = server, tcp, wire[2:12], wire[12:end].lower(), wire[end:]
        question, reply = self.said.get(place, (None, None))
        if question is None or zone and zone.server == "loses-case":
            question, reply = wire[12:end], self.make_answer(server, wire, tcp)
            self.said[place] = question, reply
        if reply is None:
            return None
        return wire[:2] + reply[2:12] + (wire[12:end] if reply[12:end] == question else reply[12:end]) + reply[end:]

    def make_answer(self, server, wire, tcp):
        query = dns.message.from_wire(wire)
        name, rtype = query.question[0].name, query.question[0].rdtype
        lower = dns.name.Name(label.lower() for label in name.labels)
        zone, which, behavior = self.root, 0, ""
        if server == "10.53.0.2":
            zone = self.tlds.get(lower.split(2)[1].to_text()) if len(lower) > 1 else None
        elif server != "10.53.0.1":
            zone, which = self.by_server.get(server, (None, 0))
            behavior = zone.server if zone else ""
        edns = query.edns >= 0
        if behavior == "one-silent" and which == 0 or behavior == "drops-edns" and edns and which == 0:
            return None
        reply = dns.message.make_response(query, our_payload=1232)
        if edns and behavior != "no-edns":
            reply.use_edns(0, dns.flags.DO, 1232)
        else:
            reply.use_edns(-1)
        if behavior == "badvers" and edns and which == 0:
            reply.set_rcode(dns.rcode.BADVERS)
            return reply.to_wire()
        if behavior == "formerr-edns" and edns:
            reply.use_edns(-1)
            reply.set_rcode(dns.rcode.FORMERR)
            return reply.to_wire()
        bad = which == 0 and behavior.startswith("one-") and behavior[4:] or behavior.startswith("all-") and behavior[4:]
        if zone is None or not lower.is_subdomain(zone.apex) or bad in ("refuses", "refuse", "servfail"):
            reply.set_rcode(dns.rcode.SERVFAIL if bad == "servfail" else dns.rcode.REFUSED)
            return reply.to_wire()
        if bad == "lame":
            reply.authority.append(dns.rrset.from_text(zone.apex.parent(), 300, "IN", "NS", f"a.nic.{zone.apex.parent()}"))
            return reply.to_wire()
        code, aa, *sections = self.of_zone(zone, lower, rtype)
        if behavior == "nxdomain-for-ent" and code == 0 and not sections[0] and lower not in zone.data:
            code = 3
        wants = edns and query.ednsflags & dns.flags.DO and behavior != "no-edns"
        if zone.bent == "no-signatures" and server in zone.servers:
            wants = False
        secret = {T.RRSIG, T.NSEC, T.NSEC3}
        for to, section in zip((reply.answer, reply.authority, reply.additional), sections):
            for rrset in section:
                if wants or rrset.rdtype not in secret or rrset.rdtype == rtype:
                    if zone.bent == "dnskey-unsigned" and rrset.rdtype == T.RRSIG and rtype == T.DNSKEY:
                        continue
                    to.append(rrset)
        reply.set_rcode(code)
        if aa and behavior != "no-aa":
            reply.flags |= dns.flags.AA
        if behavior == "extra-records":
            reply.additional.append(dns.rrset.from_text("www.victim.plain.", 300, "IN", "A", "6.6.6.6"))
            reply.authority.append(dns.rrset.from_text("plain.", 300, "IN", "NS", "evil.plain."))
        if behavior == "other-question" and which == 0 and not tcp:
            reply.question = [dns.rrset.from_text("other." + zone.apex.to_text(), 0, "IN", "A")]
        if behavior == "loses-case":
            reply.question = [dns.rrset.RRset(lower, 1, rtype)]
        if behavior == "truncates" and not tcp:
            reply.flags |= dns.flags.TC
            reply.answer, reply.authority, reply.additional = [], [], []
        size = 65535 if tcp else max(query.payload, 512) if edns else 512
        try:
            out = reply.to_wire(max_size=size)
        except dns.exception.TooBig:
            reply.flags |= dns.flags.TC
            reply.answer, reply.authority, reply.additional = [], [], []
            out = reply.to_wire()
        return out

    def of_zone(self, zone, name, rtype):
        # The unsigned zone below each, on the same servers.
        island = dns.name.from_text("island", zone.apex)
        if name.is_subdomain(island) and zone.apex in self.by_name and not (name == island and rtype == T.DS):
            inner = getattr(zone, "island", None)
            if inner is None:
                inner = zone.island = Zone(island.to_text(), f"@ NS ns1\nns1 A {zone.servers[0]}\nwww A 192.0.2.7\n")
            return inner.answer(name, rtype)
        return zone.answer(name, rtype)


def outcome(peer, name, rtype):
    code, ad, wire, _ = peer.ask(name, T.from_text(rtype), timeout=9, dnssec=True)
    if code is None:
        return Outcome(("SERVFAIL", 0, ()), "no answer")
    try:
        reply = dns.message.from_wire(wire, ignore_trailing=True)
    except Exception as error:
        return Outcome(("unreadable", 0, (repr(error),)))
    said = " ".join(o.text or str(int(o.code)) for o in reply.options if o.otype == dns.edns.OptionType.EDE)
    data = sorted(f"{r.name} {T.to_text(r.rdtype)} {d}".lower() for r in reply.answer if r.rdtype != T.RRSIG for d in r)
    return Outcome((dns.rcode.to_text(reply.rcode()), ad, tuple(data) if code in (0, 3) else ()), said)


class Outcome(tuple):
    """RCODE, AD, data; and what the extended error says, which is not compared."""

    def __new__(cls, outcome, said=""):
        made = super().__new__(cls, outcome)
        made.said = said
        return made

    def __str__(self):
        return f"{super().__repr__()} {self.said}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--zones", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only")
    options.add_argument("--at-once", type=int, default=48)
    options.add_argument("--questions", type=int, default=8, help="about each zone")
    options.add_argument("--ask", nargs="*", help="nothing but these (NAME:TYPE)")
    options.add_argument("--show", type=int, default=40)
    options.add_argument("--forward", action="store_true")
    options = options.parse_args()
    world = World(options.zones, options.seed, options.only)
    if os.fork() == 0:  # a process of its own, and a processor, if there are two
        Net(world.answer)
        while True:
            signal.pause()
    folder = os.environ["TRIAL_FOLDER"]
    middle = Peer("unbound", 5500, folder + "/middle") if options.forward else None
    ours, theirs = (
        Peer(name, port, folder, world.anchor(), forward=middle and f"127.0.0.1{mark}5500")
        for name, port, mark in (("sordino", 5300, ":"), ("unbound", 5400, "@"))
    )
    for name in options.ask or ():
        for peer in ours, theirs:
            print(f"{name} {peer.name:8}", outcome(peer, *name.split(":")), flush=True)
    if options.ask:
        return
    some = min(options.questions, len(QUESTIONS))
    todo = [(zone, o, t) for zone in world.zones for o, t in world.dice.sample(QUESTIONS, some)]
    world.dice.shuffle(todo)
    lock, total, differ = threading.Lock(), collections.Counter(), []
    outcomes = collections.defaultdict(collections.Counter)
    began = time.monotonic()

    def both(zone, owner, rtype):
        name = zone.apex.to_text() if owner == "@" else f"{owner}.{zone.apex}"
        return outcome(ours, name, rtype), outcome(theirs, name, rtype)

    def work(todo, found):
        while True:
            with lock:
                if not todo:
                    return
                question = todo.pop()
            one, two = both(*question)
            with lock:
                total["asked"] += 1
                outcomes[question[0].kind or ("unsigned" if not question[0].denial else "signed")][two[0], two[1]] += 1
                if one != two:
                    found.append((question, one, two))
                if total["asked"] % 10000 == 0:
                    print(f"{total['asked']} questions, {len(found)} differ, {time.monotonic() - began:.0f} s", flush=True)

    def run(todo):
        found = []
        workers = [threading.Thread(target=work, args=(todo, found)) for _ in range(options.at_once)]
        [w.start() for w in workers]
        [w.join() for w in workers]
        return found

    asked = len(todo)
    differ = run(todo)
    print(f"{asked} questions about {len(world.zones)} zones in {time.monotonic() - began:.0f} s; {len(differ)} differ at first", flush=True)
    for pause in (6, 61, 61):
        if not differ:
            break
        time.sleep(pause)  # what failed is remembered for 5 s by us; what is bogus for a minute by both
        differ = run([question for question, _, _ in differ])
    worse = sum(one[1] == 1 and two[0] == "SERVFAIL" and not explained(world, q, one, two) for q, one, two in differ)
    reasons = collections.Counter(explained(world, *d) for d in differ)
    differ = [d for d in differ if not explained(world, *d)]
    for (zone, owner, rtype), one, two in differ[: options.show]:
        print(f"{owner}.{zone.apex} {rtype} [{zone.kind} {zone.denial} {zone.server}]\n   sordino {one}\n   unbound {two}")
    for reason, count in reasons.items():
        print(f"{count} differ ({100 * count / asked:.3f} %): {reason or 'not explained'}")
    print("what unbound said, by kind:")
    for kind, counts in sorted(outcomes.items()):
        print(f"  {kind:20}", ", ".join(f"{code}{' AD' if ad else ''} {n}" for (code, ad), n in counts.most_common()))
    print(f"{len(differ)} of {asked} differ ({100 * len(differ) / asked:.3f} %); {worse} that only we take for secure; "
          f"CPU {ours.cpu():.1f} s, unbound {theirs.cpu():.1f} s")
    for peer in (ours, theirs, middle):
        if peer:
            peer.stop()
    sys.exit(1 if worse or len(differ) * 1000 > asked else 0)


main()
