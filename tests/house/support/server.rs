//! The real program, running in the box.

use std::fs;
use std::fs::File;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::time::Duration;

use super::Answer;
use super::House;
use super::eventually;
use super::pause;

/// A running Sordino; ends with the value.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Its config.
    pub(crate) config: PathBuf,
}

impl Server {
    /// Starts it.
    pub(crate) fn start(house: &House, config: &str, environment: &[(&str, &str)]) -> Self {
        let zones = house.zones.display();
        let internet = format!("root-hints = \"{zones}/root.hints\"\ntrust-anchor = \"{zones}/root.key\"\n");
        let listen = "[listen]\ndns = [\"192.168.178.2\", \"fd00:178::2\", \"127.0.0.1\"]\n";
        let listen = if config.contains("[listen]") { "" } else { listen };
        let config = if config.contains("[resolve]") {
            config.replace("[resolve]", &format!("[resolve]\n{internet}"))
        } else {
            format!("{config}\n[resolve]\n{internet}")
        };
        let config = house.write("config.toml", &format!("{listen}{config}"));
        Self::spawn(house, config, environment, &[])
    }

    /// Starts it with a config that is there, by way of another program that is
    /// given its command line.
    pub(crate) fn spawn(house: &House, config: PathBuf, environment: &[(&str, &str)], by: &[&str]) -> Self {
        let log = house.folder.join("log");
        let line = [by, &[env!("CARGO_BIN_EXE_sordino"), "run", "--config"]].concat();
        let child = Command::new(line[0])
            .args(&line[1..])
            .arg(&config)
            .arg("--state-dir")
            .arg(&house.state)
            .envs(environment.iter().copied())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self { child, log, config };
        eventually("Sordino answers", || {
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("Sordino ended with {status}:\n{}", server.log());
            }
            server.log().contains("\"serving\"").then_some(())
        });
        server
    }

    /// Fails unless the process is there.
    pub(crate) fn assert_runs(&self) {
        assert!(PathBuf::from(format!("/proc/{}/exe", self.pid())).exists(), "{}", self.log());
    }

    /// Returns its log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Returns its metrics as text.
    pub(crate) fn metrics(&self) -> String {
        let done = Command::new("curl").args(["-sf", "http://127.0.0.1:9953/metrics"]).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    /// Returns the sum of all series whose line begins with `name` and has all
    /// of `labels`.
    pub(crate) fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        self.metrics()
            .lines()
            .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    /// Fails unless [`metric`](Self::metric) is this.  What took the slow road is
    /// counted after its answer has left, so it may be a moment until it is.
    pub(crate) fn assert_metric(&self, name: &str, labels: &[&str], expected: u64) {
        let mut counted = 0;
        for _ in 0..100 {
            counted = self.metric(name, labels);
            if counted == expected {
                return;
            }
            pause(Duration::from_millis(50));
        }
        panic!("{name} of {labels:?} is {counted} and not {expected}");
    }

    /// Returns how much memory it holds, in KiB (VmRSS).
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Fails unless it still answers.
    pub(crate) fn assert_alive(&self) {
        let answer = Answer::ask("resolver", "@127.0.0.1 localhost");
        assert_eq!(answer.status, "NOERROR", "{}\n{}", answer.shown, self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
