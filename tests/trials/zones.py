"""Authoritative zones that sign as they answer (RFC 1034 section 4.3.2, RFC 4035
section 3.1, RFC 5155 section 7.2), so that thousands cost nothing until they
are asked."""

import base64, bisect, time
import dns.dnssec, dns.flags, dns.name, dns.rdata, dns.rdataclass, dns.rdatatype as T, dns.rdtypes.ANY.NSEC3
import dns.rrset
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

IN = dns.rdataclass.IN
HASH = {5: hashes.SHA1, 7: hashes.SHA1, 8: hashes.SHA256, 10: hashes.SHA512, 13: hashes.SHA256, 14: hashes.SHA384}


class Key:
    def __init__(self, algorithm, flags=256):
        self.algorithm = algorithm
        if algorithm in (13, 14):
            self.private = ec.generate_private_key(ec.SECP256R1() if algorithm == 13 else ec.SECP384R1())
        elif algorithm == 15:
            self.private = ed25519.Ed25519PrivateKey.generate()
        else:
            self.private = rsa.generate_private_key(65537, 2048)
        real = 13 if algorithm > 100 else algorithm
        if algorithm > 100:  # one that nobody knows
            self.private = ec.generate_private_key(ec.SECP256R1())
        made = dns.dnssec.make_dnskey(self.private.public_key(), real, flags=flags)
        self.rdata = dns.rdata.from_text(IN, T.DNSKEY, f"{flags} 3 {algorithm} " + made.to_text().split(" ", 3)[3])

    def tag(self):
        return dns.dnssec.key_id(self.rdata)

    def with_flags(self, flags):
        other = object.__new__(Key)
        other.algorithm, other.private = self.algorithm, self.private
        other.rdata = dns.rdata.from_text(IN, T.DNSKEY, f"{flags} " + self.rdata.to_text().split(" ", 1)[1])
        return other

    def sign(self, data):
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            size = self.private.key_size // 8
            pair = decode_dss_signature(self.private.sign(data, ec.ECDSA(HASH.get(self.algorithm, hashes.SHA256)())))
            return b"".join(part.to_bytes(size, "big") for part in pair)
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        return self.private.sign(data, padding.PKCS1v15(), HASH[self.algorithm]())


class Zone:
    """`text` has lines `owner TYPE data`, relative to the apex.  `denial` is
    none (unsigned), `nsec`, `nsec3` or `optout`.  `bent` changes signatures and
    proofs; see `differential.py` for what can be bent."""

    def __init__(self, apex, text, denial=None, keys=(), bent=None, iterations=0, salt=b""):
        self.apex, self.denial, self.bent = dns.name.from_text(apex), denial, bent or ""
        self.ksk, self.zsk = keys or (None, None)
        self.iterations, self.salt, self.cache, self.data = iterations, salt, {}, {}
        soa = "@ SOA ns1 host 1 3600 600 86400 60\n"
        for line in (soa + text).splitlines():
            if line.strip():
                owner, rtype, data = line.split(None, 2)
                self.add(owner, rtype, data)
        if denial and self.bent != "no-dnskey":
            published = {key.rdata for key in (self.ksk, self.zsk)}
            self.data[self.apex][T.DNSKEY] = dns.rrset.from_rdata_list(self.apex, 3600, published)
        self.chain = None

    def add(self, owner, rtype, data):
        owner = dns.name.from_text(owner, self.apex)
        kind = T.from_text(rtype)
        rdata = dns.rdata.from_text(IN, kind, data, self.apex, False)
        sets = self.data.setdefault(owner, {})
        if kind in sets:
            sets[kind].add(rdata)
        else:
            sets[kind] = dns.rrset.from_rdata(owner, 300, rdata)
        self.chain = None

    def ds(self, digest="SHA256"):
        return dns.dnssec.make_ds(self.apex, self.ksk.rdata, digest).to_text()

    # ---- what exists ----

    def cut_above(self, name):
        """The delegation at or above a name."""
        found = None
        while name != self.apex and name.is_subdomain(self.apex):
            if T.NS in self.data.get(name, ()):
                found = name
            name = name.parent()
        return found

    def names(self):
        """Names in canonical order, empty non-terminals too, and which of them
        own something."""
        if self.chain is None:
            own = {name for name in self.data if self.cut_above(name) in (None, name)}
            all_ = set(own)
            for name in own:
                while name != self.apex:
                    name = name.parent()
                    all_.add(name)
            owners = sorted(own)
            hashed = []
            if self.denial in ("nsec3", "optout"):
                secure = lambda n: T.NS not in self.data.get(n, ()) or n == self.apex or T.DS in self.data[n]
                kept = {n for n in own if self.denial == "nsec3" or secure(n)}
                for name in list(kept):
                    while name != self.apex:
                        name = name.parent()
                        kept.add(name)
                hashed = sorted((self.hash(name), name) for name in kept)
            self.chain = all_, owners, hashed, [h for h, _ in hashed]
        return self.chain

    def hash(self, name):
        return dns.dnssec.nsec3_hash(name, self.salt.hex() or None, self.iterations, 1)

    # ---- signatures ----

    def sign(self, rrset):
        """The signatures over a set, or none if the zone has none."""
        if not self.denial:
            return []
        place = (rrset.name, rrset.rdtype)
        if place not in self.cache:
            signers = [self.ksk if rrset.rdtype == T.DNSKEY else self.zsk]
            if self.bent == "dnskey-by-zsk" and rrset.rdtype == T.DNSKEY:
                signers = [self.zsk]
            self.cache[place] = dns.rrset.from_rdata_list(rrset.name, rrset.ttl, [self.rrsig(rrset, k) for k in signers])
        return [self.cache[place]]

    def rrsig(self, rrset, key):
        now, bent = int(time.time()), self.bent
        begin, end = now - 86400, now + 20 * 86400
        if bent == "expired":
            begin, end = now - 40 * 86400, now - 10 * 86400
        if bent == "future":
            begin, end = now + 10 * 86400, now + 40 * 86400
        if bent == "backwards":
            begin, end = end, begin
        labels = len(rrset.name) - 1 - rrset.name.is_wild()
        if bent == "labels" and rrset.rdtype == T.A and labels > 2:
            labels -= 1
        signer = self.apex.parent() if bent == "signer" and rrset.rdtype == T.A else self.apex
        tag = key.tag() ^ (bent == "tag" and rrset.rdtype == T.A)
        make = lambda signature: dns.rdata.from_text(
            IN, T.RRSIG, f"{T.to_text(rrset.rdtype)} {key.algorithm} {labels} {rrset.ttl} {stamp(end)} {stamp(begin)} {tag} {signer} "
            + base64.b64encode(signature).decode(), dns.name.root, False)
        empty = make(b"\0" * 64)
        signature = bytearray(key.sign(dns.dnssec._make_rrsig_signature_data(rrset, empty)))
        if bent == "bad-signature" and rrset.rdtype in (T.A, T.SOA):
            signature[20] ^= 1
        return make(bytes(signature))

    def signed(self, rrset):
        return [rrset] + self.sign(rrset)

    # ---- proofs ----

    def nsec(self, name):
        """The NSEC record at a name, or the one that covers it."""
        owners = self.names()[1]
        at = bisect.bisect_right(owners, name) - 1
        owner, after = owners[at], owners[(at + 1) % len(owners)]
        types = set(self.data[owner]) | {T.RRSIG, T.NSEC}
        if owner != self.apex and T.NS in types:
            types &= {T.NS, T.DS, T.RRSIG, T.NSEC}
        if self.bent == "bitmap":
            types |= {T.AAAA, T.TXT}
        if self.bent == "nsec-elsewhere":
            after = owner.parent() if owner != self.apex else dns.name.from_text("aaa", self.apex)
        rrset = dns.rrset.from_text(owner, 60, "IN", "NSEC", after.to_text() + " " + " ".join(map(T.to_text, sorted(types))))
        return self.signed(rrset)

    def nsec3(self, name):
        """The NSEC3 record that matches a name or covers it."""
        _, _, hashed, only = self.names()
        at = bisect.bisect_right(only, self.hash(name)) - 1
        own, owner = hashed[at]
        after = only[(at + 1) % len(only)]
        sets = self.data.get(owner, {})
        types = set(sets) | ({T.RRSIG} if sets and (T.NS not in sets or owner == self.apex or T.DS in sets) else set())
        if owner != self.apex and T.NS in types:
            types &= {T.NS, T.DS, T.RRSIG}
        if self.bent == "bitmap":
            types |= {T.AAAA, T.TXT}
        salt = self.salt.hex() or "-"
        flag = 1 if self.denial == "optout" else 0
        text = f"1 {flag} {self.iterations} {salt} {after} " + " ".join(map(T.to_text, sorted(types)))
        if self.bent == "nsec3-algorithm":
            text = "2" + text[1:]
        return self.signed(dns.rrset.from_text(dns.name.from_text(own, self.apex), 60, "IN", "NSEC3", text))

    def encloser(self, name):
        """The closest encloser and the next closer name."""
        exists = self.names()[0]
        closer = name
        while name not in exists:
            closer, name = name, name.parent()
        return name, closer

    def proof(self, *names):
        if not self.denial or self.bent == "no-proof":
            return []
        one, seen = self.nsec3 if self.denial != "nsec" else self.nsec, {}
        for name in names:
            for rrset in one(name):
                seen[rrset.name, rrset.rdtype, getattr(rrset[0], "type_covered", 0)] = rrset
        return list(seen.values())

    def missing(self, name, wildcard_too):
        """Proof that a name does not exist; and that no wildcard stands for it."""
        if not self.denial:
            return []
        encloser, closer = self.encloser(name)
        star = dns.name.from_text("*", encloser)
        if self.denial == "nsec":
            return self.proof(name, *[star] * wildcard_too)
        if self.bent == "no-closer":
            return self.proof(encloser, star)
        return self.proof(*[encloser] * wildcard_too, closer, *[star] * wildcard_too)

    def no_ds(self, cut):
        """Proof that a delegation is not signed (RFC 5155 section 7.2.7 for those
        that opted out: the closest provable encloser)."""
        return self.missing(cut, False) + self.proof(cut.parent()) if self.denial == "optout" else self.proof(cut)

    def negative(self, *proofs):
        soa = self.data[self.apex][T.SOA]
        soa = dns.rrset.from_rdata_list(self.apex, 60, soa)
        return (self.signed(soa) if self.bent != "soa-unsigned" else [soa]) + [r for p in proofs for r in p]

    # ---- answers ----

    def answer(self, name, rtype, depth=0):
        """RCODE, whether with authority, and the three sections."""
        cut = self.cut_above(name)
        if cut and not (cut == name and rtype == T.DS):
            return self.referral(cut)
        above = name
        while above != self.apex:
            above = above.parent()
            if T.DNAME in self.data.get(above, ()):
                dname = self.data[above][T.DNAME]
                target = name.relativize(above).concatenate(dname[0].target)
                alias = dns.rrset.from_text(name, dname.ttl, "IN", "CNAME", target.to_text())
                return self.follow(self.signed(dname) + [alias], target, rtype, depth)
        exists = self.names()[0]
        if name in exists:
            sets = self.data.get(name, {})
            if rtype in sets:
                return 0, True, self.signed(sets[rtype]), [], []
            if T.CNAME in sets:
                return self.follow(self.signed(sets[T.CNAME]), sets[T.CNAME][0].target, rtype, depth)
            return 0, True, [], self.negative(self.no_ds(name) if name == cut else self.proof(name)), []
        encloser, _ = self.encloser(name)
        star = dns.name.from_text("*", encloser)
        if star not in self.data:
            return 3, True, [], self.negative(self.missing(name, True)), []
        sets = self.data[star]
        if self.bent == "wildcard-unproven":
            proof = []
        else:
            proof = self.missing(name, False)
        made = lambda rrset: [dns.rrset.from_rdata_list(name, r.ttl, r) for r in self.signed(rrset)]
        if rtype in sets:
            return 0, True, made(sets[rtype]), proof, []
        if T.CNAME in sets:
            code, aa, answer, authority, more = self.follow(made(sets[T.CNAME]), sets[T.CNAME][0].target, rtype, depth)
            return code, aa, answer, authority + proof, more
        proofs = self.proof(star), proof, self.proof(encloser) if self.denial in ("nsec3", "optout") else []
        return 0, True, [], self.negative(*proofs), []

    def follow(self, answer, target, rtype, depth):
        if depth > 8 or not target.is_subdomain(self.apex) or self.cut_above(target):
            return 0, True, answer, [], []
        code, _, more, authority, _ = self.answer(target, rtype, depth + 1)
        return code, True, answer + more, authority, []

    def referral(self, cut):
        sets = self.data[cut]
        authority = [sets[T.NS]]
        if T.DS in sets:
            authority += self.signed(sets[T.DS])
        else:
            authority += self.no_ds(cut)
        glue = [s for ns in sets[T.NS] for t, s in self.data.get(ns.target, {}).items() if t in (T.A, T.AAAA)]
        return 0, False, [], authority, glue


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%S", time.gmtime(seconds))
