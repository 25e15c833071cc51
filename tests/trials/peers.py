"""The resolvers on trial, each started with the same hints and trust anchor,
and what they cost."""

import os, random, resource, signal, socket, struct, subprocess, time

HINTS = ".\t3600\tIN\tNS\ta.root.\na.root.\t3600\tIN\tA\t10.53.0.1\n"
NL = "\n"
TICK = os.sysconf("SC_CLK_TCK")


class Peer:
    """One of them.  It asks from the root down, or with `forward` another
    resolver; `more` goes into its config, and `core` is the only one it may use."""

    def __init__(self, name, port, folder, anchor=None, ipv6=False, forward=None, at="127.0.0.1", more="", core=None):
        self.name, self.at, self.folder = name, (at, port), f"{folder}/{name}"
        self.forward, self.more = forward, more
        os.makedirs(self.folder, exist_ok=True)
        with open(f"{self.folder}/hints", "w") as f:
            f.write(HINTS + ("a.root.\t3600\tIN\tAAAA\tfd53::1\n" if ipv6 else ""))
        if anchor:
            with open(f"{self.folder}/anchor", "w") as f:
                f.write(anchor)
        command = getattr(self, name)(port, anchor, ipv6)
        self.said = open(f"{self.folder}/said", "w")
        pin = [] if core is None else ["taskset", "-c", str(core)]
        self.process = subprocess.Popen(pin + command, stdout=self.said, stderr=self.said)
        for _ in range(100):
            if self.ask("ready.test.", timeout=0.2)[0] is not None:
                return
        raise SystemExit(f"{name} does not answer; see {self.folder}/said")

    def unbound(self, port, anchor, ipv6):
        with open(f"{self.folder}/conf", "w") as f:
            f.write(f"""server:
  directory: "{self.folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "{self.folder}/log"
  interface: {self.at[0]}@{port}
  do-ip6: {"yes" if ipv6 else "no"}
  access-control: 127.0.0.0/8 allow
  access-control: 10.0.0.0/8 allow
  do-not-query-localhost: no
  module-config: "{"validator iterator" if anchor else "iterator"}"
  trust-anchor-signaling: no
  root-hints: "{self.folder}/hints"
  num-threads: 1
  local-zone: "test." nodefault
  {f'trust-anchor-file: "{self.folder}/anchor"' if anchor else ""}
  {self.more}
remote-control:
  control-enable: no
{f'forward-zone:{NL}  name: "."{NL}  forward-addr: {self.forward}' if self.forward else ""}
""")
        return ["/usr/sbin/unbound", "-d", "-c", f"{self.folder}/conf"]

    def sordino(self, port, anchor, ipv6):
        with open(f"{self.folder}/conf.toml", "w") as f:
            f.write(f"""version = 1
[listen]
dns = ["{self.at[0]}:{port}"]
{self.more}
[resolve]
{f'mode = "forward"{NL}forward-to = ["{self.forward}"]' if self.forward else ""}
allow-servers = ["0.0.0.0/0", "::/0"]
ipv6 = {"true" if ipv6 else "false"}
root-hints = "{self.folder}/hints"
dnssec = {"true" if anchor else "false"}
{f'trust-anchor = "{self.folder}/anchor"' if anchor else ""}
[metrics]
listen = "{self.at[0]}:{port + 1}"
[web]
listen = "{self.at[0]}:{port + 2}"
[unlisted]
speakers = "open"
others = "open"
""")
        program = os.environ.get("SORDINO_BIN", "sordino")
        return [program, "run", "--config", f"{self.folder}/conf.toml", "--state-dir", self.folder]

    def ask(self, name, rtype=1, timeout=20.0, dnssec=False):
        """Returns RCODE (none: no answer), AD, the reply, and seconds."""
        query = query_for(name, rtype, dnssec)
        began = time.monotonic()
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(timeout)
                s.sendto(query, self.at)
                reply = s.recv(65535)
                while reply[:2] != query[:2]:
                    reply = s.recv(65535)
            if reply[2] & 2:  # truncated
                with socket.create_connection(self.at, timeout) as s:
                    s.sendall(struct.pack(">H", len(query)) + query)
                    (length,) = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))
                    reply = s.recv(length, socket.MSG_WAITALL)
            return reply[3] & 15, reply[3] >> 5 & 1, reply, time.monotonic() - began
        except (OSError, struct.error):
            return None, 0, b"", time.monotonic() - began

    def cpu(self):
        """Returns the seconds of processor time it has used."""
        words = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        # In ticks of 10 ms; schedstat is exact and counts the threads one by one.
        exact = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                exact += int(open(f"/proc/{self.process.pid}/task/{task}/schedstat").read().split()[0])
            except (OSError, IndexError, ValueError):
                return (int(words[11]) + int(words[12])) / TICK
        return exact / 1e9

    def memory(self):
        """Returns its resident memory in MiB."""
        return int(open(f"/proc/{self.process.pid}/statm").read().split()[1]) * resource.getpagesize() / (1 << 20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def query_for(name, rtype, dnssec):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    wire = struct.pack(">6H", random.randrange(65536), 0x120 if dnssec else 0x100, 1, 0, 0, 1 if dnssec else 0)
    wire += labels + b"\0" + struct.pack(">HH", rtype, 1)
    return wire + b"\0" + struct.pack(">HHIH", 41, 1232, 0x8000, 0) if dnssec else wire
