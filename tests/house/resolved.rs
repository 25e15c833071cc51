//! systemd-resolved asks us over TLS, as a Linux desktop does, and the policy of its
//! machine holds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use super::House;
use super::encrypted;
use super::in_house;
use super::support::eventually;
use super::support::source;

/// Ends with the value.
struct Resolved(Child);

impl Drop for Resolved {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where the program may be: installed, or where `tests/run` unpacks it.
fn program() -> Option<PathBuf> {
    let unpacked = source("target/peers/lib/systemd/systemd-resolved");
    [PathBuf::from("/usr/lib/systemd/systemd-resolved"), unpacked]
        .into_iter()
        .find(|path| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0))
}

/// Starts it on one of the hosts, with what it needs of a system.
fn start(house: &House, program: &std::path::Path) -> Resolved {
    house.write(
        "resolved.conf",
        "[Resolve]\nDNS=192.168.178.2#dns.home.example\nDNSOverTLS=yes\nDNSSEC=no\nFallbackDNS=\nCache=no\n",
    );
    // The user that it wants to be.
    house.write("passwd", "root:x:0:0::/:/bin/sh\nsystemd-resolve:x:0:0::/:/bin/sh\n");
    house.write("group", "root:x:0:\nsystemd-resolve:x:0:\n");
    let folder = house.folder.display();
    let script = format!(
        "set -e; mount --bind {folder}/passwd /etc/passwd; mount --bind {folder}/group /etc/group
        mount -t tmpfs tmpfs /etc/systemd; cp {folder}/resolved.conf /etc/systemd/
        mkdir -p /run/systemd/resolve
        export SSL_CERT_FILE={folder}/dns.home.example.ca.pem
        export LD_LIBRARY_PATH=$(dirname \"$(find /usr/lib -name 'libsystemd-shared-*.so' | head -n 1)\")
        exec {}",
        program.display()
    );
    let log = fs::File::create(house.folder.join("resolved.log")).unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", "echo", "sh", "-c", &script]);
    Resolved(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
}

#[test]
fn a_desktop_asks_over_tls() {
    in_house("house::resolved::a_desktop_asks_over_tls", |house| {
        let Some(program) = program() else {
            return eprintln!(
                "skipped: no `systemd-resolved` (Debian: systemd-resolved; tests/run unpacks it)"
            );
        };
        let server = encrypted::start(house);
        let _resolved = start(house, &program);
        eventually("an answer", || {
            let answer = house.dig("echo", "+time=1 @127.0.0.53 avs-alexa-14-eu.amazon.com");
            (answer.status == "NOERROR").then_some(())
        });
        for _ in 0..3 {
            house.dig("echo", "@127.0.0.53 avs-alexa-14-eu.amazon.com").assert_resolved();
            let blocked = house.dig("echo", "@127.0.0.53 device-metrics-us.amazon.com");
            assert_eq!(blocked.status, "NXDOMAIN", "{}", blocked.shown);
        }
        assert!(
            server.metric("sordino_responses_total", &["transport=\"dot\""]) >= 6,
            "{}",
            server.metrics()
        );
        assert_eq!(server.metric("sordino_responses_total", &["transport=\"udp\"", "device=\"kitchen\""]), 0);
    });
}
