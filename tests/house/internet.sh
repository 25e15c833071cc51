#!/bin/bash
# Makes the zones of the test Internet in the folder $1: root, com and org
# signed; below them what the tests ask for.  Keys are made anew each time.
# Needs dnssec-keygen and dnssec-signzone (Debian: bind9-utils).
set -euo pipefail
mkdir -p "$1"; cd "$1"
soa='@ 300 IN SOA ns hostmaster 1 3600 900 86400 60'

zone() { printf '$TTL 300\n%s\n' "$soa" > "$1.zone"; cat >> "$1.zone"; }

sign() {
	local name=$1; shift
	dnssec-keygen -q -a ECDSAP256SHA256 -f KSK "$name" > /dev/null
	dnssec-keygen -q -a ECDSAP256SHA256 "$name" > /dev/null
	dnssec-signzone -q -S "$@" -o "$name" -f "$name.zone.signed" "$name.zone" > /dev/null 2>&1
}

# What an Echo asks for.  `avs-alexa-…` is an alias into another zone, which
# another server has, as in the real Internet.
zone amazon.com <<'X'
@ NS ns
ns A 205.251.192.1
device-metrics-us A 203.0.113.10
device-metrics-us AAAA 2001:4860::10
device-metrics-us TXT "metrics"
device-metrics-us HTTPS 1 . alpn=h2
avs-alexa-14-eu CNAME avs-alexa-14-eu.eu.gateway.devices.a2z.com.
api A 203.0.113.12
X
for n in $(seq 200); do echo "load-$n A 203.0.113.13"; done >> amazon.com.zone
zone a2z.com <<'X'
@ NS ns
ns A 205.251.192.2
avs-alexa-14-eu.eu.gateway.devices A 203.0.113.20
avs-alexa-14-eu.eu.gateway.devices AAAA 2001:4860::20
avs-alexa-14-eu.eu.gateway.devices TXT "voice"
avs-alexa-14-eu.eu.gateway.devices HTTPS 1 . alpn=h2
minerva.devices A 203.0.113.21
X
zone amazon-adsystem.com <<'X'
@ NS ns
ns A 205.251.192.1
aax-eu A 203.0.113.30
X
# Names that lead elsewhere: to an advertisement, and into the house.
zone innocent.com <<'X'
@ NS ns
ns A 205.251.192.1
www CNAME aax-eu.amazon-adsystem.com.
svc HTTPS 1 aax-eu.amazon-adsystem.com.
rebind A 192.168.178.1
plain A 203.0.113.40
X
zone signed.org <<'X'
@ NS ns
ns A 205.251.192.1
www A 203.0.113.50
alias CNAME www
*.wild A 203.0.113.51
X
cp signed.org.zone bogus.org.zone
sign signed.org
sign bogus.org

zone com <<'X'
@ NS ns.nic.com.
ns.nic A 192.5.6.30
amazon NS ns.amazon
ns.amazon A 205.251.192.1
a2z NS ns.a2z
ns.a2z A 205.251.192.2
amazon-adsystem NS ns.amazon-adsystem
ns.amazon-adsystem A 205.251.192.1
innocent NS ns.innocent
ns.innocent A 205.251.192.1
X
zone org <<'X'
@ NS ns.nic.org.
ns.nic A 192.5.6.30
signed NS ns.signed
ns.signed A 205.251.192.1
bogus NS ns.bogus
ns.bogus A 205.251.192.1
X
cat dsset-signed.org. >> org.zone
# The digest of another key: what bogus.org signs can't be right.
sed 's/\(.*DS.*\) 2 .*/\1 2 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF/' dsset-bogus.org. >> org.zone
sign com -3 - -H 0 -A
sign org

zone root <<'X'
@ NS a.root-servers.net.
a.root-servers.net. A 198.41.0.4
com. NS ns.nic.com.
ns.nic.com. A 192.5.6.30
org. NS ns.nic.org.
ns.nic.org. A 192.5.6.30
X
cat dsset-com. dsset-org. >> root.zone
dnssec-keygen -q -a ECDSAP256SHA256 -f KSK . > /dev/null
dnssec-keygen -q -a ECDSAP256SHA256 . > /dev/null
dnssec-signzone -q -S -o . -f root.zone.signed root.zone > /dev/null 2>&1
grep -h 'DNSKEY 257' K.+*.key > root.key
printf '. 300 IN NS a.root-servers.net.\na.root-servers.net. 300 IN A 198.41.0.4\n' > root.hints

server() {
	local name=$1 address=$2; shift 2
	{
		printf 'server:\n ip-address: %s\n port: 53\n username: ""\n chroot: ""\n zonesdir: "%s"\n' "$address" "$PWD"
		printf ' database: ""\n pidfile: ""\n xfrdfile: ""\n zonelistfile: ""\n logfile: "/dev/null"\n'
		printf ' xfrdir: "%s"\n rrl-ratelimit: 0\n server-count: 1\nremote-control:\n control-enable: no\n' "$PWD"
		for zone in "$@"; do
			local file=$zone.zone
			[ "$zone" = . ] && file=root.zone
			[ -e "$file.signed" ] && file=$file.signed
			printf 'zone:\n name: "%s"\n zonefile: "%s"\n' "$zone" "$file"
		done
	} > "$name.conf"
	nsd-checkconf "$name.conf"
}
# A server answers from its most specific zone, so parent and child have
# servers of their own.
server root 198.41.0.4 .
server tld 192.5.6.30 com org
server leaf 205.251.192.1 amazon.com amazon-adsystem.com innocent.com signed.org bogus.org
server a2z 205.251.192.2 a2z.com
touch done
