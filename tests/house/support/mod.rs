//! Building the box, running Sordino in it, and asking it with `dig`.

mod dig;
mod server;

use std::env;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

pub(crate) use dig::Answer;
pub(crate) use server::Server;

/// The programs the box is built with, and the Debian package of each.
const TOOLS: [(&str, &str); 6] = [
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("nsd", "nsd"),
    ("dig", "bind9-dnsutils"),
    ("dnssec-signzone", "bind9-utils"),
    ("curl", "curl"),
];

/// Set inside the box: the folder of zones.
const INSIDE: &str = "SORDINO_TEST_HOUSE";

/// The folder of a test, inside the box: whatever the machine calls it, and wherever
/// it has room for files that do not last.
const FOLDER: &str = "/run/house";

/// A box to test in.
#[derive(Clone)]
pub(crate) struct House {
    /// The folder of zones, with root hints and keys.
    pub(crate) zones: PathBuf,
    /// A folder for this test alone.
    pub(crate) folder: PathBuf,
    /// The state folder of Sordino.
    pub(crate) state: PathBuf,
}

/// Runs a test in a box of its own.  `name` is the test's full name.
pub(crate) fn in_house(name: &str, test: impl Fn(&House)) {
    if let Some(zones) = env::var_os(INSIDE) {
        let folder = PathBuf::from(FOLDER);
        test(&House { zones: PathBuf::from(zones), state: folder.clone(), folder });
        return;
    }
    if let Some(why) = missing() {
        eprintln!("skipped: {name}: {why}");
        return;
    }
    let zones = zones();
    let folder = env::temp_dir().join(format!("sordino-{}-{}", std::process::id(), name.replace("::", "-")));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "set -e; . '{}' '{}'; mkdir {FOLDER}; mount --bind '{}' {FOLDER}; cd '{}'
        exec '{}' --exact '{name}' --nocapture --test-threads 1",
        source("tests/house/up.sh").display(),
        zones.display(),
        folder.display(),
        source("").display(),
        env::current_exe().unwrap().display(),
    );
    let run =
        boxed().args(["bash", "-c", &script, "up.sh"]).arg(&zones).env(INSIDE, &zones).output().unwrap();
    let _ = fs::remove_dir_all(folder);
    let shown = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && shown.contains("1 passed"), "in the box:\n{shown}");
    // Figures a test wants to have seen.
    eprint!("{}", String::from_utf8_lossy(&run.stderr));
}

/// Returns a command that runs others in namespaces of their own.
fn boxed() -> Command {
    let mut command = foreign("unshare");
    command.args(["--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
}

/// Returns a command of others, which finds the programs of root whoever we are, and
/// says what it has to say in English.
fn foreign(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("PATH", env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin");
    command.env("LC_ALL", "C.UTF-8").env_remove("LANGUAGE");
    command
}

/// Says what keeps us from building a box.
fn missing() -> Option<String> {
    for (tool, package) in TOOLS {
        let found = foreign("sh").args(["-c", &format!("command -v {tool}")]).output();
        if !found.is_ok_and(|found| found.status.success()) {
            return Some(format!("no `{tool}` (Debian: {package})"));
        }
    }
    let allowed = boxed().arg("true").output();
    if allowed.is_ok_and(|done| done.status.success()) {
        None
    } else {
        Some("user namespaces are not allowed here".to_owned())
    }
}

/// Makes the zones, once for all tests of a run.
fn zones() -> PathBuf {
    use std::sync::OnceLock;
    static ZONES: OnceLock<PathBuf> = OnceLock::new();
    let made = ZONES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("internet-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let done = foreign("bash").arg(source("tests/house/internet.sh")).arg(&folder).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        forget_at_the_end(&folder);
        folder
    });
    made.clone()
}

/// Has a folder removed when this program has ended, however it ends: whoever waits
/// for that reads a pipe that closes then.
fn forget_at_the_end(folder: &Path) {
    let mut command = foreign("sh");
    command.args(["-c", "trap '' INT; read -r _; rm -rf \"$1\"", "sh"]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Its end of the pipe is ours for as long as we run.
    std::mem::forget(command.spawn().unwrap());
}

/// Returns where a program of others is to be run from in a box; none, and a word about
/// it, if there is no such program here.
///
/// A copy in the test's folder: AppArmor knows programs by their paths, and where it is
/// in force unbound, Kea and dhcpd of Debian may read nothing of ours.
pub(crate) fn peer(house: &House, program: &str) -> Option<PathBuf> {
    let found = foreign("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        eprintln!("skipped: no `{program}`");
        return None;
    }
    let copy = house.folder.join(program);
    if !copy.exists() {
        fs::copy(String::from_utf8(found.stdout).unwrap().trim(), &copy).unwrap();
    }
    Some(copy)
}

/// Runs a program that has to succeed.
pub(crate) fn run(command: &[&str]) {
    let done = Command::new(command[0]).args(&command[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {said}", command.join(" "));
}

/// Runs `ip`.
pub(crate) fn ip(args: &str) {
    run(&["ip"].into_iter().chain(args.split_whitespace()).collect::<Vec<_>>());
}

/// Has a validator of others ask Sordino, and returns what it says.
pub(crate) fn delv(house: &House, args: &[&str]) -> String {
    let key = fs::read_to_string(house.zones.join("root.key")).unwrap();
    let words: Vec<_> = key.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "DNSKEY").unwrap();
    let (head, data) = (words[at + 1..at + 4].join(" "), words[at + 4..].concat());
    let anchor = house.write("anchor", &format!("trust-anchors {{ . static-key {head} \"{data}\"; }};\n"));
    let mut command = Command::new("delv");
    let done = command.args(["@192.168.178.2", "+root=.", "-a"]).arg(anchor).args(args).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

/// Runs another command of Sordino with the house's config and state, and
/// returns what it printed.
pub(crate) fn sordino(house: &House, args: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_sordino"))
        .args(args)
        .arg("--config")
        .arg(house.folder.join("config.toml"))
        .arg("--state-dir")
        .arg(&house.folder)
        .output()
        .unwrap();
    String::from_utf8(done.stdout).unwrap()
}

/// Returns the path of a file of the project.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Waits for a program that is not ours.
#[expect(clippy::disallowed_methods, reason = "other programs have no clock of ours")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// A program of others, in a host's namespace; ends with the value.
pub(crate) struct Program(Child);

impl Program {
    /// Starts it.  None, and a word about it, if there is no such program here.
    pub(crate) fn start(house: &House, host: &str, program: &str, args: &str) -> Option<Self> {
        let path = peer(house, program)?;
        let log = File::create(house.folder.join(format!("{program}.log"))).unwrap();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", host]).arg(path).args(args.split_whitespace());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Some(Self(command.spawn().unwrap()))
    }
}

impl Program {
    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.0.id().to_string()).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Tries until it works, for half a minute at least.
pub(crate) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(done) = attempt() {
            return done;
        }
        pause(Duration::from_millis(100));
    }
    panic!("{what}: not within half a minute");
}

impl House {
    /// Starts Sordino with a config, to which where to find the Internet is
    /// added, and waits until it answers.
    pub(crate) fn sordino(&self, config: &str) -> Server {
        Server::start(self, config, &[])
    }

    /// Starts Sordino like `sordino`, with variables in its environment.
    pub(crate) fn sordino_with(&self, config: &str, environment: &[(&str, &str)]) -> Server {
        Server::start(self, config, environment)
    }

    /// Starts Sordino once more, with the config as it is now.
    pub(crate) fn sordino_again(&self) -> Server {
        Server::spawn(self, self.folder.join("config.toml"), &[], &[])
    }

    /// Writes a file into the test's folder.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Asks with `dig` from one of the hosts: `echo`, `laptop` or `resolver`.
    pub(crate) fn dig(&self, host: &str, args: &str) -> Answer {
        Answer::ask(host, args)
    }
}
