//! The control socket: what a running Sordino is told, and asked, from the same
//! machine.
//!
//! A Unix socket, `control` in the state folder, and not a part of the HTTP API:
//! the kernel says who is at the other end, so there is no token that has to be
//! made, kept and passed to DHCP hooks, and nothing listens on the network.  Who
//! may: the user Sordino runs as, and root.  A DHCP server on another machine
//! pushes over HTTP (`web/pushes.rs`).
//!
//! One request is one line of JSON, and so is its response.

use std::fs;
use std::fs::Permissions;
use std::io;
use std::io::BufRead;
use std::io::BufReader as StdBufReader;
use std::io::Read;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::UnixListener;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::load::INSTALLED_STATE;
use super::load::Options;
use super::load::own_state_dir;
use super::pushed::Pushed;
use super::state;
use crate::base::Now;
use crate::device::addresses::Shown;
use crate::querylog;
use crate::querylog::Filter;
use crate::querylog::QueryLog;
use crate::querylog::Row;
use crate::web::pushes::Refusal;

/// The socket, in the state folder.
const SOCKET: &str = "control";

/// Longest request, in octets.
const MOST_REQUEST: u64 = 4096;

/// Longest response, in octets: tens of thousands of addresses, or a page of the
/// query log with the longest names.
const MOST_RESPONSE: u64 = 16 << 20;

/// Most connections at once.
const MOST_CONNECTIONS: usize = 16;

/// How long a caller may take for its request, and a response for its way.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an answer may take: a slow disk erases what a house asked in a year.
const LONG_PATIENCE: Duration = Duration::from_mins(2);

//----------- Request, Response ------------------------------------------------

/// What may be asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Request {
    /// Somebody has an address from now on.
    IdentityAdd {
        /// The MAC address.
        mac: String,
        /// The address.
        address: IpAddr,
        /// What to call the device.
        name: Option<String>,
        /// Until when, in seconds since 1970; until something else is said without.
        until: Option<i64>,
    },
    /// Nobody has an address any more.
    IdentityRemove {
        /// The address.
        address: IpAddr,
    },
    /// Who is where?
    Addresses {},
    /// What was asked for?
    LogRows {
        /// Which rows are wanted.
        filter: Filter,
        /// Those after this one.
        after: i64,
    },
    /// What was asked for is to be erased.
    LogErase {
        /// Of which device; of all without.
        device: Option<String>,
    },
}

/// What is answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Response {
    /// It is done.
    Done {},
    /// It is not done, and why.
    Error(String),
    /// Who is where.
    Addresses(Vec<Entry>),
    /// What was asked for, the oldest first: a page of rows.  If it is full, there
    /// may be more.
    Rows(Vec<Row>),
    /// So many rows are erased.
    Erased(u64),
}

/// Who is where, as far as is known.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// The address.
    pub address: IpAddr,
    /// The MAC address behind it.
    pub mac: String,
    /// Who says so.
    pub source: String,
    /// For how long that has been known, in seconds; unknown without.
    pub age: Option<i64>,
    /// How long it holds, in seconds; for ever without.
    pub left: Option<i64>,
    /// What somebody calls the device.
    pub name: Option<String>,
    /// Whether it is in the guest network.
    pub guest: bool,
    /// What the room is called in which it stands, as it says itself.
    pub room: Option<String>,
}

impl Entry {
    /// Makes one of what is known at `now`.
    fn of(Shown { addr, entry, about }: &Shown, now: Now) -> Self {
        Self {
            address: *addr,
            mac: entry.mac.to_string(),
            source: entry.source.to_string(),
            age: Some(now.unix.saturating_sub(entry.since).max(0)),
            left: entry.until.map(|until| until.saturating_sub(now.unix)),
            name: about.name.as_deref().map(str::to_owned),
            guest: about.guest,
            room: about.room.as_deref().map(str::to_owned),
        }
    }
}

//----------- Serving ----------------------------------------------------------

/// Starts answering in a state folder.  Where that can't be, the rest goes on.
pub(super) fn listen(folder: &Path, pushed: Arc<Pushed>, log: Arc<QueryLog>) {
    let answer = move |request| match request {
        Request::IdentityAdd { mac, address, name, until } => {
            done(pushed.add(&mac, address, name.as_deref(), until))
        }
        Request::IdentityRemove { address } => done(pushed.remove(address)),
        Request::Addresses {} => {
            let (all, now) = pushed.addresses();
            Response::Addresses(all.iter().map(|shown| Entry::of(shown, now)).collect())
        }
        Request::LogRows { filter, after } => Response::Rows(log.rows(&filter, after)),
        Request::LogErase { device } => match log.erase(device.as_deref()) {
            Ok(rows) => Response::Erased(rows),
            Err(error) => Response::Error(format!("erased in memory, and not on disk: {error}")),
        },
    };
    match open(folder) {
        Ok(socket) => {
            tokio::spawn(serve(socket, Arc::new(answer)));
        }
        Err(error) => {
            let say = "no control socket: `sordino identity` and `sordino log` can't ask";
            state::complain(folder, &error, say);
        }
    }
}

/// Says whether what was pushed was taken in.
fn done(taken: Result<(), Refusal>) -> Response {
    taken.map_or_else(|refusal| Response::Error(refusal.say().to_owned()), |()| Response::Done {})
}

/// Opens the socket in a state folder.
fn open(state: &Path) -> io::Result<UnixListener> {
    let path = state.join(SOCKET);
    // What is there is of a run before this one.  Whoever lives there keeps it.
    if StdUnixStream::connect(&path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another Sordino uses this state folder"));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = UnixListener::bind(&path)?;
    // Whoever connected before is asked who they are all the same.
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(socket)
}

/// What answers requests.
type Answer = Arc<dyn Fn(Request) -> Response + Send + Sync>;

/// Answers requests, for ever.
async fn serve(listener: UnixListener, answer: Answer) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let answer = Arc::clone(&answer);
        tokio::spawn(async move {
            if let Err(error) = converse(stream, answer).await {
                tracing::debug!(%error, "the control socket");
            }
            drop(place);
        });
    }
}

/// Answers one request.
async fn converse(mut stream: UnixStream, answer: Answer) -> io::Result<()> {
    let caller = stream.peer_cred()?.uid();
    let response = if caller == 0 || caller == nix::unistd::geteuid().as_raw() {
        let mut line = String::new();
        let mut request = BufReader::new((&mut stream).take(MOST_REQUEST));
        timeout(PATIENCE, request.read_line(&mut line)).await??;
        match serde_json::from_str(&line) {
            // The disk may be asked for it.
            Ok(request) => tokio::task::spawn_blocking(move || answer(request)).await?,
            Err(error) => Response::Error(format!("not a request: {error}")),
        }
    } else {
        Response::Error("only root and the user Sordino runs as may do this".to_owned())
    };
    let mut line = serde_json::to_vec(&response)?;
    line.push(b'\n');
    timeout(PATIENCE, stream.write_all(&line)).await??;
    stream.shutdown().await
}

//----------- Calling ----------------------------------------------------------

/// Asks a running Sordino.
pub fn call(options: &Options, request: &Request) -> io::Result<Response> {
    let mut stream = connect(options)?;
    stream.set_read_timeout(Some(LONG_PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut response = String::new();
    StdBufReader::new(stream.take(MOST_RESPONSE)).read_line(&mut response)?;
    Ok(serde_json::from_str(&response)?)
}

/// Returns the state folders in which a Sordino may be found: the one that was
/// named, or else that of an installed one and this user's own.
fn folders(options: &Options) -> Vec<PathBuf> {
    match &options.state_dir {
        Some(named) => vec![named.clone()],
        None => vec![PathBuf::from(INSTALLED_STATE), own_state_dir()],
    }
}

/// Returns the first of them in which one has left a query log.
pub fn with_log(options: &Options) -> Option<PathBuf> {
    folders(options).into_iter().find(|folder| querylog::is_left(folder))
}

/// Finds a running Sordino.
fn connect(options: &Options) -> io::Result<StdUnixStream> {
    let mut failed = None;
    for folder in folders(options) {
        match StdUnixStream::connect(folder.join(SOCKET)) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(error),
        }
    }
    let why = failed.map_or_else(String::new, |error| error.to_string());
    Err(io::Error::new(io::ErrorKind::NotConnected, format!("no running Sordino is found: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_look_as_documented() {
        let request: Request =
            serde_json::from_str(r#"{"identity-add":{"mac":"44:65:0d:12:34:56","address":"192.0.2.1"}}"#)
                .unwrap();
        let address = "192.0.2.1".parse().unwrap();
        let mac = "44:65:0d:12:34:56".to_owned();
        assert_eq!(request, Request::IdentityAdd { mac, address, name: None, until: None });
        for wrong in [r#"{"identity-add":{}}"#, r#"{"addresses":{"x":1}}"#, r#""addresses""#, "{}", "", "[["]
        {
            assert!(serde_json::from_str::<Request>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_request_or_not(text in "\\PC{0,200}") {
            let _ = serde_json::from_str::<Request>(&text);
        }
    }
}
