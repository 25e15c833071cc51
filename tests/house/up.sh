#!/bin/bash
# Inside a network namespace of its own: an Internet of name servers on `lo`,
# and a house of three hosts on a bridge.  $1 is the folder of the zones.
#
#   resolver  192.168.178.2  fd00:178::2    this namespace; also .3 and ::3
#   echo      192.168.178.20 fd00:178::20   44:65:0d:12:34:56, an Amazon prefix
#   laptop    192.168.178.30 fd00:178::30   00:00:5e:00:53:30
set -euo pipefail
mount -t tmpfs tmpfs /run
mkdir -p /run/netns
ip link set lo up
for address in 198.41.0.4 192.5.6.30 205.251.192.1 205.251.192.2; do ip addr add "$address/32" dev lo; done
ip link add house type bridge
ip link set house up
for host in 2 3; do
	ip addr add "192.168.178.$host/24" dev house
	ip -6 addr add "fd00:178::$host/64" dev house nodad
done
join() {
	local name=$1 mac=$2 host=$3
	ip netns add "$name"
	ip link add "to-$name" type veth peer name eth0 netns "$name" address "$mac"
	ip link set "to-$name" master house up
	ip -n "$name" link set lo up
	ip -n "$name" link set eth0 up
	ip -n "$name" addr add "192.168.178.$host/24" dev eth0
	ip -n "$name" -6 addr add "fd00:178::$host/64" dev eth0 nodad
}
join echo 44:65:0d:12:34:56 20
join laptop 00:00:5e:00:53:30 30
cd "$1"
for server in root tld leaf a2z; do nsd -d -c "$server.conf" > /dev/null 2>&1 & done
# Each server answers before anything else starts.
for address in 198.41.0.4 192.5.6.30 205.251.192.1 205.251.192.2; do
	for try in $(seq 100); do
		dig +time=1 +tries=1 +norec @"$address" . SOA > /dev/null 2>&1 && break
		sleep 0.1
	done
done
