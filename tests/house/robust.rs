//! What may go wrong with disk, files and memory, and takes no DNS away.

use std::fs;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::House;
use super::in_house;
use super::support::Server;
use super::support::eventually;
use super::support::pause;

/// A house in which something is blocked by a rule, and something by a list that
/// is compiled into the state folder.
pub(super) const CONFIG: &str = "[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n\
	[policy.open]\nlists = [\"mine\"]\n[list.mine]\npath = \"mine.txt\"\n";

/// Runs a command that has to succeed.
fn run(command: &str) {
    let done = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Fails unless the house is answered and filtered as ever.
pub(super) fn assert_well(house: &House) {
    house.dig("echo", "@192.168.178.2 api.amazon.com").assert_resolved();
    let blocked = house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
    assert_eq!(blocked.status, "NXDOMAIN", "{}", blocked.shown);
    assert_eq!(house.dig("laptop", "@192.168.178.2 listed.example.net").status, "NXDOMAIN");
}

/// Fails unless it goes on through a reload and ends well.
fn assert_lives_on(house: &House, server: &mut Server) {
    assert_well(house);
    house.write("mine.txt", "listed.example.net\nmore.example.net\n");
    server.signal("HUP");
    eventually("the reload", || {
        (house.dig("laptop", "@192.168.178.2 more.example.net").error.is_some()).then_some(())
    });
    assert_well(house);
    server.signal("TERM");
    let status = server.wait();
    assert!(status.success(), "{status}: {}", server.log());
}

/// Returns the house with a state folder of its own, and that folder.
pub(super) fn with_state(house: &House) -> (House, PathBuf) {
    let state = house.folder.join("state");
    fs::create_dir_all(&state).unwrap();
    (House { state: state.clone(), ..house.clone() }, state)
}

#[test]
fn a_full_disk_takes_nothing_away_and_is_forgotten_when_there_is_room() {
    in_house("house::robust::a_full_disk_takes_nothing_away_and_is_forgotten_when_there_is_room", |house| {
        let (house, state) = with_state(house);
        house.write("mine.txt", "listed.example.net\n");
        run(&format!(
            "mount -t tmpfs -o size=64k tmpfs {0}; dd if=/dev/zero of={0}/filler 2>/dev/null; true",
            state.display()
        ));
        let mut server = house.sordino(CONFIG);
        assert!(server.log().contains("can't be kept"), "{}", server.log());
        assert_well(&house);
        fs::remove_file(state.join("filler")).unwrap();
        assert_lives_on(&house, &mut server);
        assert!(
            state.join("good/config.toml").is_file() && state.join("cache").is_file(),
            "there was room again"
        );
    });
}

#[test]
fn a_disk_that_can_only_be_read_takes_nothing_away() {
    in_house("house::robust::a_disk_that_can_only_be_read_takes_nothing_away", |house| {
        let (house, state) = with_state(house);
        house.write("mine.txt", "listed.example.net\n");
        run(&format!("mount -t tmpfs tmpfs {0}", state.display()));
        // Empty from the start; and then with all that there was to keep.
        run(&format!("mount -o remount,ro {}", state.display()));
        assert_lives_on(&house, &mut house.sordino(CONFIG));
        run(&format!("mount -o remount,rw {}", state.display()));
        assert_lives_on(&house, &mut house.sordino_again());
        run(&format!("mount -o remount,ro {}", state.display()));
        let mut server = house.sordino_again();
        assert_lives_on(&house, &mut server);
    });
}

/// Lets calls that change a file below `$FAULTS_BELOW` fail with EIO, from the
/// nth on or only the nth; and writes at the end to `$FAULTS_COUNT` how many there
/// were.
const FAULTS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
static atomic_int calls;
__attribute__((destructor)) static void end(void) {
	FILE *out = getenv("FAULTS_COUNT") ? fopen(getenv("FAULTS_COUNT"), "w") : NULL;
	if (out) { fprintf(out, "%d", calls); fclose(out); }
}
static int faulty(const char *path) {
	const char *below = getenv("FAULTS_BELOW"), *at = getenv("FAULTS_AT");
	if (!below || !at || !path || strncmp(path, below, strlen(below))) return 0;
	int nth = ++calls, from = atoi(at);
	if (getenv("FAULTS_ONCE") ? nth != from : nth < from) return 0;
	errno = EIO;
	return 1;
}
static int faulty_fd(int fd) {
	char link[64], path[PATH_MAX + 1];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, PATH_MAX);
	if (length < 0) return 0;
	path[length] = 0;
	return faulty(path);
}
#define REAL(name) ((__typeof__(&name)) dlsym(RTLD_NEXT, #name))
ssize_t write(int fd, const void *data, size_t length) { return faulty_fd(fd) ? -1 : REAL(write)(fd, data, length); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) { return faulty_fd(fd) ? -1 : REAL(pwrite64)(fd, data, length, at); }
int fdatasync(int fd) { return faulty_fd(fd) ? -1 : REAL(fdatasync)(fd); }
int fsync(int fd) { return faulty_fd(fd) ? -1 : REAL(fsync)(fd); }
int ftruncate64(int fd, off64_t length) { return faulty_fd(fd) ? -1 : REAL(ftruncate64)(fd, length); }
int rename(const char *from, const char *to) { return faulty(to) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return faulty(path) ? -1 : REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) { return faulty(path) ? -1 : REAL(mkdir)(path, mode); }
int open64(const char *path, int flags, ...) {
	va_list rest;
	va_start(rest, flags);
	mode_t mode = va_arg(rest, mode_t);
	va_end(rest);
	return (flags & O_CREAT) && faulty(path) ? -1 : REAL(open64)(path, flags, mode);
}
"#;

#[test]
fn whichever_write_fails_nothing_is_taken_away() {
    in_house("house::robust::whichever_write_fails_nothing_is_taken_away", |house| {
        if Command::new("cc").arg("--version").output().is_err() {
            return eprintln!("skipped: no `cc` (Debian: gcc)");
        }
        let (code, shim) = (house.write("faults.c", FAULTS), house.folder.join("faults.so"));
        run(&format!("cc -shared -fPIC -o {} {} -ldl", shim.display(), code.display()));
        let (house, state) = with_state(house);
        let config = format!("{CONFIG}[query-log]\nstore = \"disk\"\n");
        let count = house.folder.join("count");
        let live = |at: usize, once: bool| {
            let _ = fs::remove_dir_all(&state);
            house.write("mine.txt", "listed.example.net\n");
            let (below, number) = (state.display().to_string(), at.to_string());
            let mut environment = vec![
                ("LD_PRELOAD", shim.to_str().unwrap()),
                ("FAULTS_BELOW", &below),
                ("FAULTS_AT", &number),
                ("FAULTS_COUNT", count.to_str().unwrap()),
            ];
            if once {
                environment.push(("FAULTS_ONCE", "1"));
            }
            assert_lives_on(&house, &mut house.sordino_with(&config, &environment));
            fs::read_to_string(&count).unwrap().parse::<usize>().unwrap()
        };
        let writes = live(usize::MAX >> 33, false);
        assert!(writes > 60, "{writes}: with the query log on disk there are more");
        // All of them with SORDINO_FAULTS=1.
        let pace = if std::env::var_os("SORDINO_FAULTS").is_some() { 1 } else { writes / 4 };
        for at in (1..=writes).step_by(pace) {
            for once in [false, true] {
                live(at, once);
            }
        }
        let mut server = house.sordino_again();
        assert_lives_on(&house, &mut server);
    });
}

/// Returns the processor time of a process, in hundredths of a second.
fn processor(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime and stime, fields 14 and 15 of proc_pid_stat(5).
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn without_file_descriptors_it_waits_and_does_not_spin() {
    in_house("house::robust::without_file_descriptors_it_waits_and_does_not_spin", |house| {
        let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
        house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        let open = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
        run(&format!("prlimit --pid {} --nofile={}", server.pid(), open + 4));
        let streams: Vec<_> = (0..64).filter_map(|_| TcpStream::connect("192.168.178.2:53").ok()).collect();
        pause(Duration::from_millis(200));
        let before = processor(server.pid());
        pause(Duration::from_secs(2));
        let took = processor(server.pid()) - before;
        assert!(took <= 40, "{took} of 200 hundredths of a second, for nothing");
        // What is at hand and what is blocked needs none.
        house.dig("laptop", "@192.168.178.2 api.amazon.com").assert_resolved();
        assert_eq!(house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com").status, "NXDOMAIN");
        drop(streams);
        eventually("streams again", || {
            (house.dig("laptop", "+tcp +time=1 @192.168.178.2 api.amazon.com").status == "NOERROR")
                .then_some(())
        });
        server.assert_alive();
    });
}

/// Makes a control group with a limit of memory, in MiB; `None` where we may not.
fn control_group(limit: u64) -> Option<PathBuf> {
    let name = format!("sordino-test-{}", std::process::id());
    for (root, file) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
    {
        let group = Path::new(root).join(&name);
        if fs::create_dir(&group).is_ok() {
            if fs::write(group.join(file), (limit << 20).to_string()).is_ok() {
                return Some(group);
            }
            let _ = fs::remove_dir(&group);
        }
    }
    None
}

#[test]
fn it_lives_within_a_limit_of_memory() {
    in_house("house::robust::it_lives_within_a_limit_of_memory", |house| {
        let Some(group) = control_group(64) else {
            return eprintln!("skipped: no control group may be made here");
        };
        let names: Vec<_> = (0..100_000).map(|nth| format!("n{nth}.example.net\n")).collect();
        let names = names.concat();
        house.write("mine.txt", &names);
        let mut server = house.sordino_with(CONFIG, &[]);
        if fs::write(group.join("cgroup.procs"), server.pid().to_string()).is_err() {
            let _ = fs::remove_dir(group);
            return eprintln!("skipped: nobody may be put into a control group here");
        }
        let socket = UdpSocket::bind("192.168.178.3:0").unwrap();
        socket.connect("192.168.178.2:53").unwrap();
        socket.set_nonblocking(true).unwrap();
        let mut room = [0; 1500];
        for round in 0..10u16 {
            house.write("mine.txt", &format!("{names}round-{round}.example.net\n"));
            server.signal("HUP");
            for number in 0..2000u16 {
                let mut query = number.to_be_bytes().to_vec();
                query.extend(b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00");
                let label = format!("r{round}-{number}");
                query.push(u8::try_from(label.len()).unwrap());
                query.extend(label.as_bytes());
                query.extend(b"\x06amazon\x03com\x00\x00\x01\x00\x01");
                let _ = socket.send(&query);
                while socket.recv(&mut room).is_ok() {}
            }
            pause(Duration::from_millis(200));
        }
        server.assert_alive();
        server.signal("TERM");
        assert!(server.wait().success());
        let _ = fs::remove_dir(group);
    });
}

#[test]
fn a_flood_fills_no_log_and_neither_log_nor_metrics_tell_who_asked_what() {
    in_house(
        "house::robust::a_flood_fills_no_log_and_neither_log_nor_metrics_tell_who_asked_what",
        |house| {
            let server = house.sordino("[device.kitchen]\nmac = \"44:65:0d:12:34:56\"\n");
            let lines = || server.log().lines().count();
            let before = lines();
            let socket = UdpSocket::bind("192.168.178.3:0").unwrap();
            socket.connect("192.168.178.2:53").unwrap();
            // SERVFAIL, nonsense, and answers to nothing.
            for number in 0..3000u16 {
                let mut query = number.to_be_bytes().to_vec();
                query.extend(
                    b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x05bogus\x03org\x00\x00\x01\x00\x01",
                );
                if number % 3 == 1 {
                    query.truncate(20);
                } else if number % 3 == 2 {
                    query[2] |= 0x80;
                }
                let _ = socket.send(&query);
            }
            house.dig("laptop", "@192.168.178.2 www.bogus.org");
            house.dig("echo", "@192.168.178.2 device-metrics-us.amazon.com");
            house.dig("echo", "@192.168.178.2 api.amazon.com");
            assert!(lines() - before < 30, "{} lines:\n{}", lines() - before, server.log());
            for (what, text) in [("metrics", server.metrics()), ("log", server.log())] {
                for secret in [
                    "bogus.org",
                    "amazon.com",
                    "192.168.178.20",
                    "192.168.178.30",
                    "44:65:0d:12:34:56",
                    "fd00:178::20",
                ] {
                    assert!(!text.contains(secret), "the {what} tells {secret}:\n{text}");
                }
            }
        },
    );
}
