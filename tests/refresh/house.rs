//! A house with a state folder and one list, and what is asserted of it.

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sordino::base::Clock;
use sordino::base::Diagnostic;
use sordino::base::Now;
use sordino::base::time::SystemClock;
use sordino::source::fetch::Fetcher;
use sordino::source::fetch::Lookup;
use sordino::source::fetch::Settings;
use sordino::source::refresh::Counts;
use sordino::source::refresh::DEFAULT_INTERVAL;
use sordino::source::refresh::Doubt;
use sordino::source::refresh::Outcome;
use sordino::source::refresh::Parsed;
use sordino::source::refresh::Refresher;
use sordino::source::refresh::Source;
use sordino::source::store::Store;

use super::server::HOST;
use super::server::Reply;
use super::server::Server;

/// How many rules the last good copy has.
pub(super) const RULES: usize = 1_000;

/// A list of domains; a line with a space in it is not understood.
pub(super) struct Domains(pub(super) Counts);

impl Parsed for Domains {
    fn counts(&self) -> Counts {
        self.0
    }
}

/// See [`Domains`].
#[expect(clippy::unnecessary_wraps, reason = "a list can be spoiled; ours cannot")]
pub(super) fn parse(_: usize, text: &str) -> Result<Domains, Diagnostic> {
    let lines = || text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let not_understood = lines().filter(|line| line.contains(' ')).count() as u64;
    Ok(Domains(Counts { rules: lines().count() as u64 - not_understood, not_understood }))
}

/// Leads the test's hosts where the test wants, and writes down who was asked for.
#[derive(Default)]
pub(super) struct Names(pub(super) Mutex<Vec<String>>);

impl Lookup for Names {
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().push(host.to_owned());
        match host {
            HOST | "other.test" => Ok(vec![[127, 0, 0, 1].into()]),
            "router.test" => Ok(vec![[192, 168, 178, 1].into(), [0xfe80, 0, 0, 0, 0, 0, 0, 1].into()]),
            _ => Err(io::Error::other("there is no such name")),
        }
    }
}

/// A house with a state folder, removed with it.
pub(super) struct House {
    pub(super) state: PathBuf,
    pub(super) names: Arc<Names>,
    pub(super) settings: Settings,
}

impl House {
    pub(super) fn new(name: &str) -> Self {
        let state = std::env::temp_dir().join(format!("sordino-lists-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&state);
        let settings = Settings {
            allow: Arc::new(["127.0.0.0/8".parse().unwrap()]),
            allow_http: true,
            most_wire: 256 << 10,
            most_decoded: 1 << 20,
            most_time: Duration::from_secs(10),
            ..Settings::default()
        };
        Self { state, names: Arc::default(), settings }
    }

    pub(super) fn store(&self) -> Store {
        Store::new(&self.state, self.settings.most_decoded)
    }

    pub(super) fn refresher(&self, urls: &[&str]) -> Refresher<Domains> {
        let clock = Arc::new(SystemClock::default());
        let names = Arc::clone(&self.names) as Arc<dyn Lookup>;
        let fetcher = Fetcher::new(self.settings.clone(), names, clock);
        let source = |(number, url): (usize, &&str)| Source {
            name: format!("list-{number}").into(),
            url: (*url).into(),
            interval: DEFAULT_INTERVAL,
        };
        let sources = urls.iter().enumerate().map(source).collect();
        let refresher = Refresher::new(sources, fetcher, self.store(), Box::new(parse), 1);
        for index in 0..urls.len() {
            assert_eq!(refresher.load(index, now()).complaint, None);
        }
        refresher
    }

    /// Returns the text of the last good copy of the first list.
    pub(super) fn copy(&self) -> Option<String> {
        self.store().load("list-0").unwrap().map(|saved| saved.text)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

pub(super) fn now() -> Now {
    SystemClock::default().now()
}

/// Returns a list of so many rules.
pub(super) fn list(rules: usize) -> String {
    let lines: Vec<_> = (0..rules).map(|number| format!("ads-{number}.example\n")).collect();
    lines.concat()
}

/// Returns a response with these header lines.
pub(super) fn response(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let headers = [headers, &[""]].concat().join("\r\n");
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub(super) fn redirect(location: &str) -> Vec<u8> {
    response("302 Found", &[&format!("Location: {location}")], "")
}

pub(super) fn gzip(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Downloads a good list.
pub(super) fn assert_good(house: &House, server: &Server) {
    server.says(Reply::Whole(response("200 OK", &["ETag: \"good\""], list(RULES))));
    let outcome = house.refresher(&[&server.url()]).refresh(0, now(), Doubt::Waive);
    assert!(matches!(outcome, Outcome::Updated { rules: 1_000, .. }));
    assert_eq!(house.copy(), Some(list(RULES)));
}

/// Asserts that a refresh from `url` changes nothing but the complaint.
pub(super) fn assert_fails(house: &House, url: &str, complaint: &str) {
    let refresher = house.refresher(&[url]);
    let before = refresher.facts().next().unwrap().1;
    let copy = house.copy();
    match refresher.refresh(0, now(), Doubt::Refuse) {
        Outcome::Failed(why) => {
            assert!(why.to_string().contains(complaint), "`{why}` says not `{complaint}`");
        }
        _ => panic!("no failure: {complaint}"),
    }
    assert_eq!(house.copy(), copy, "{complaint}");
    let after = refresher.facts().next().unwrap().1;
    assert_eq!((after.rules, after.last_success), (before.rules, before.last_success), "{complaint}");
    assert_eq!((after.failures_total, after.failures_in_row), (1, 1), "{complaint}");
    assert!(after.last_failure.is_some() && refresher.due(now()).is_empty(), "{complaint}");
}

/// Makes `server` say `reply` to a house that has a good copy, and asserts that
/// it stays.
pub(super) fn assert_stays(house: &House, server: &Server, reply: Reply, complaint: &str) {
    assert_good(house, server);
    server.says(reply);
    assert_fails(house, &server.url(), complaint);
    assert_eq!(house.copy(), Some(list(RULES)), "{complaint}");
}
