"""Hours of load with everything changing beneath: is anything lost, does anything
grow?  `endurance.py [--minutes N] [--share PERCENT] [--names N]`

Cached and blocked names are asked for at a share of what the machine can do (80 %
by default), while a list of 100,000 names gets another line every 30 seconds and
the config another value every 60.  The server has one core, the load the other.
What it can do is the median of five tries.  A line a minute, with the time that a
machine beneath this one took; at the end what was lost, and by how much memory
grows in an hour, from a tenth of the time on.  Ends with 1 if a query was lost or
memory grows by more than 1 MB an hour."""

import argparse, os, random, subprocess, struct, sys, threading, time
from net import Net
from peers import Peer, query_for
from siege import load, FOLDER, HERE
from uplink import question, record

ABOVE, SERVER = "10.53.0.53", "10.53.200.1"


def answer(server, query, tcp):
    labels, rtype, asked = question(query)
    return query[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + asked + record(b"\xc0\x0c", 1, 86400, bytes([192, 0, 2, 1]))


def write(path, text):
    """As an editor does: all of it, or nothing."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def slope(points):
    """By how much a value grows in an hour, by least squares."""
    n = len(points)
    if n < 2:
        return float("nan")
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    over = sum((x - mean_x) ** 2 for x, _ in points)
    return 3600 * sum((x - mean_x) * (y - mean_y) for x, y in points) / over


def stolen():
    """Milliseconds in which the machine beneath ran somebody else, of both cores."""
    return 10 * sum(int(line.split()[8]) for line in open("/proc/stat") if line[:4] in ("cpu0", "cpu1"))


def change(peer, names, done, counts):
    """Changes the list and the config, for as long as it goes on.  Whoever asks
    shares a core with this, and goes first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
    listed = "".join(f"b{n}.blocked.test\n" for n in range(names))
    config = open(f"{peer.folder}/conf.toml").read()
    begun, nth = time.monotonic(), 0
    while not done.wait(max(0, begun + 30 * (nth + 1) - time.monotonic())):
        nth += 1
        write(f"{peer.folder}/list.txt", listed + f"more-{nth}.blocked.test\n")
        counts[0] += 1
        if nth % 2 == 0:
            write(f"{peer.folder}/conf.toml", config.replace('ttl = "10s"', f'ttl = "{10 + nth // 2 % 10}s"'))
            counts[1] += 1


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--minutes", type=float, default=60)
    args.add_argument("--share", type=float, default=80)
    args.add_argument("--names", type=int, default=100_000)
    args = args.parse_args()
    subprocess.run(["cc", "-O2", "-o", f"{FOLDER}/load", f"{HERE}/load.c"], check=True)
    os.sched_setaffinity(0, {1})
    Net(answer)
    os.makedirs(f"{FOLDER}/sordino", exist_ok=True)
    write(f"{FOLDER}/sordino/list.txt", "".join(f"b{n}.blocked.test\n" for n in range(args.names)))
    more = """threads = 1
[list.mine]
path = "list.txt"
[policy.open]
lists = ["mine"]
[blocked]
ttl = "10s"
"""
    peer = Peer("sordino", 5300, FOLDER, forward=ABOVE, at=SERVER, more=more, core=0)
    assert peer.ask("b7.blocked.test.")[0] == 3, "nothing is blocked"
    dice = random.Random(1)
    cached = [f"c{n}.test." for n in range(2000)]
    for name in cached:
        assert peer.ask(name)[0] == 0, name
    queries = [
        query_for(f"b{dice.randrange(args.names)}.blocked.test." if dice.random() < 0.15 else dice.choice(cached), 1, False)
        for _ in range(50_000)
    ]
    source = "10.53.201.2"
    # This machine is faster in some seconds than in others.
    most = sorted(int(load(peer, "mix", queries, source, 8, 0, 5).communicate()[0].split()[2]) / 5 for _ in range(5))[2]
    rate = int(most * args.share / 100)
    print(f"at most {most:.0f} a second; asking {rate} a second for {args.minutes:g} minutes", flush=True)
    print("minute      asked    lost  p50 µs  p99 µs  longest ms  stolen ms  MiB", flush=True)
    before, done, counts, memory, lost, begun = stolen(), threading.Event(), [0, 0], [], 0, time.monotonic()
    changing = threading.Thread(target=change, args=(peer, args.names, done, counts))
    changing.start()

    def watch():
        while not done.wait(5):
            memory.append((time.monotonic() - begun, peer.memory()))

    watching = threading.Thread(target=watch)
    watching.start()
    asking = load(peer, "mix", queries, source, 8, rate, args.minutes * 60, every=60)
    for line in asking.stdout:
        at, sent, _, gone, p50, p99, longest = map(int, line.split())
        lost += gone
        if sent:
            before, taken = stolen(), stolen() - before
            print(f"{at / 60:6.1f} {sent:10} {gone:7} {p50:7} {p99:7} {longest / 1000:11.1f} {taken:10} {peer.memory():6.1f}", flush=True)
    done.set()
    changing.join(), watching.join()
    grown = slope([point for point in memory if point[0] > 6 * args.minutes])
    print(f"{lost} lost in {counts[0]} reloads of the list and {counts[1]} of the config; memory grows by {grown:+.2f} MiB an hour, "
          f"{max((m for _, m in memory), default=0):.1f} at most")
    peer.stop()
    sys.exit(lost > 0 or grown > 1)


if __name__ == "__main__":
    main()
