//! Lists that are downloaded: each in its time, through our own resolver.
//!
//! Downloading never touches the household.  It leaves a new last good copy in
//! the state folder, and then everything is read anew, as for any reload.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::aside::aside;
use super::load;
use super::load::Loaded;
use super::load::Options;
use super::privileges;
use crate::answer::Answer;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Diagnostic;
use crate::base::Domain;
use crate::base::diagnostic::there_are;
use crate::base::time::SystemClock;
use crate::catalog;
use crate::catalog::ForeignList;
use crate::catalog::foreign::About;
use crate::observe::metrics::Download;
use crate::pipeline;
use crate::pipeline::Household;
use crate::pipeline::Storms;
use crate::query::Query;
use crate::query::Rtype;
use crate::query::Transport;
use crate::resolve::Resolver;
use crate::source::fetch::Fetcher;
use crate::source::fetch::Lookup;
use crate::source::fetch::Roots;
use crate::source::fetch::Settings;
use crate::source::refresh::Counts;
use crate::source::refresh::Doubt;
use crate::source::refresh::Outcome;
use crate::source::refresh::Refresher;
use crate::source::refresh::Source;
use crate::source::store::MAX_DOWNLOAD;
use crate::source::store::Store;

/// Downloads of one list.
pub type Lists = Refresher<Counts>;

/// After what time a list is tried again that came to no end.
const AGAIN: Duration = Duration::from_mins(1);

//----------- build ------------------------------------------------------------

/// Makes what downloads the lists of a config.  `state` is the state folder.
pub fn build(
    loaded: &Loaded,
    state: &Path,
    lookup: Arc<dyn Lookup>,
    clock: &Arc<dyn Clock>,
) -> Result<Lists, String> {
    let mut sources = Vec::new();
    let mut abouts = Vec::new();
    for list in &loaded.config.lists {
        let Some(url) = &list.url else { continue };
        let name = Arc::clone(&list.name);
        let family = list.family.as_ref().and_then(|family| loaded.house.catalog.family_named(&family.value));
        let file = Arc::clone(&name);
        abouts.push(About {
            name: Arc::clone(&name),
            file,
            format: list.format,
            family,
            purpose: list.purpose,
        });
        sources.push(Source { name, url: Arc::from(url.value.as_str()), interval: list.refresh });
    }
    let download = &loaded.config.download;
    let roots = match &loaded.ca {
        None => Roots::default(),
        Some(pem) => Roots::from_pem(pem.as_bytes()).map_err(|error| error.to_string())?,
    };
    let settings = Settings {
        allow: Arc::from(download.allow.as_slice()),
        allow_http: download.http,
        roots,
        ..Settings::default()
    };
    let parse = move |index: usize, text: &str| match abouts.get(index) {
        Some(about) => count(about, text),
        None => Err(Diagnostic::of_file("list", "there is no such list")),
    };
    let fetcher = Fetcher::new(settings, lookup, Arc::clone(clock));
    let store = Store::new(state, MAX_DOWNLOAD);
    // So that not all houses ask at the same second.
    let seed = clock.now().unix.unsigned_abs() ^ u64::from(std::process::id());
    let lists = Refresher::new(sources, fetcher, store, Box::new(parse), seed);
    // Copies were read, and complained about, when the household was loaded.
    let read = loaded.house.policies.lists.all().iter();
    let rules = |name: &str| read.clone().find(|list| *list.about.name == *name).map(|list| list.rules);
    for (index, source) in lists.sources().enumerate() {
        if let Some(rules) = rules(&source.name).filter(|rules| *rules > 0) {
            lists.loaded(index, rules, clock.now());
        }
    }
    Ok(lists)
}

/// Counts the rules of a list, as they will count once it is used.
fn count(about: &About, text: &str) -> Result<Counts, Diagnostic> {
    let lists = catalog::Lists::of_texts(&[(about.clone(), text)])?;
    let list = lists.all().first();
    let counts = |list: &ForeignList| Counts { rules: list.rules, not_understood: list.facts.not_understood };
    Ok(list.map(counts).unwrap_or_default())
}

/// Returns what there is to show of each list.
pub fn facts(lists: &Lists) -> Vec<Download> {
    let all = lists.facts();
    all.map(|(source, facts)| Download {
        list: Arc::clone(&source.name),
        last_success: facts.last_success,
        failures: facts.failures_total,
    })
    .collect()
}

/// Says what came of a download.
pub fn describe(outcome: &Outcome<Counts>) -> String {
    match outcome {
        Outcome::Updated { rules, before, unsaved, .. } => {
            let before = before.map_or_else(String::new, |before| format!(", {before} before"));
            let unsaved = unsaved.as_ref().map_or_else(String::new, |why| {
                format!("; it cannot be kept ({why}), so the copy before it stays in use")
            });
            format!("{rules} rules{before}{unsaved}")
        }
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Busy => "is being downloaded already".to_owned(),
        Outcome::Failed(why) => format!("{why}; the rules stay as they are"),
    }
}

//----------- update -----------------------------------------------------------

/// What came of a list's download.
#[derive(Clone, Debug)]
pub struct Updated {
    /// The list.
    pub name: Arc<str>,
    /// Whether it is as fresh as it can be.
    pub fine: bool,
    /// What came of it, for people.
    pub say: String,
}

/// Downloads lists now, for `sordino lists update`; all of them, or those
/// named.  Returns what came of each.  With `doubt` waived a list that fell or
/// rose a lot is taken all the same.
///
/// Before each, `progress` is told its name, its place and how many there are.
pub fn update(
    options: &Options,
    names: &[String],
    doubt: Doubt,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Vec<Updated>, Vec<Diagnostic>> {
    let fault = |say: String| vec![Diagnostic::of_file("sordino", say)];
    let loaded = load::load(options)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(options.clock_offset));
    let resolver = Resolver::new(&loaded.config.resolve).map_err(|error| fault(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| fault(error.to_string()))?;
    let (house, resolver) = (Arc::clone(&loaded.house), Arc::new(resolver));
    let home = move || (Arc::clone(&house), Arc::clone(&resolver));
    let lookup = OwnLookup { home, clock: Arc::clone(&clock), runtime: runtime.handle().clone() };
    let state = privileges::enter(&load::state_dir(options)).map_err(|error| fault(error.to_string()))?;
    let lists = build(&loaded, &state, Arc::new(lookup), &clock).map_err(fault)?;
    let known: Vec<_> = lists.sources().map(|source| Arc::clone(&source.name)).collect();
    if let Some(unknown) = names.iter().find(|name| known.iter().all(|known| **known != *name.as_str())) {
        let known = there_are(known.iter().map(|name| &**name));
        return Err(fault(format!("no list with a url is named `{unknown}`{known}")));
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    let all: Vec<_> = known.into_iter().enumerate().filter(|(_, name)| wanted(name)).collect();
    let count = all.len();
    let mut updated = Vec::new();
    for (nth, (index, name)) in (1..).zip(all) {
        progress(&name, nth, count);
        let outcome = lists.refresh(index, clock.now(), doubt);
        let fine = !matches!(outcome, Outcome::Failed(_));
        updated.push(Updated { name, fine, say: describe(&outcome) });
    }
    Ok(updated)
}

//----------- keep_fresh -------------------------------------------------------

/// Downloads what is due, for ever, and sends a word when there is something
/// new.
pub async fn keep_fresh(lists: Arc<Lists>, clock: Arc<dyn Clock>, news: mpsc::Sender<()>) {
    loop {
        let Some(wait) = lists.wait(clock.now()) else {
            return;
        };
        tokio::time::sleep(wait).await;
        let now = clock.now();
        let mut updated = false;
        for index in lists.due(now) {
            let this = Arc::clone(&lists);
            let refreshed = match aside("refresh", move || this.refresh(index, now, Doubt::Refuse)) {
                Ok(refreshed) => refreshed.await.ok(),
                Err(_) => None,
            };
            let Some(outcome) = refreshed else {
                // It stays due, and is not tried all the time.
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            let list = lists.sources().nth(index).map(|source| Arc::clone(&source.name)).unwrap_or_default();
            let say = describe(&outcome);
            if matches!(outcome, Outcome::Failed(_)) {
                tracing::warn!(%list, "list not refreshed: {say}");
            } else {
                tracing::info!(%list, "list refreshed: {say}");
            }
            updated |= matches!(outcome, Outcome::Updated { unsaved: None, .. });
        }
        if updated && news.send(()).await.is_err() {
            return;
        }
    }
}

//----------- OwnLookup --------------------------------------------------------

/// Finds list servers by the road that every query of the house takes, so that
/// no name is asked for anywhere else.
pub struct OwnLookup<F> {
    /// Gives what queries meet at present.
    pub home: F,
    /// Tells when the query is made.
    pub clock: Arc<dyn Clock>,
    /// Where to wait for the answer.
    pub runtime: Handle,
}

impl<F: Fn() -> (Arc<Household>, Arc<Resolver>)> OwnLookup<F> {
    /// Asks for the addresses of one family.
    fn ask(&self, name: &Domain, qtype: Rtype) -> io::Result<Vec<IpAddr>> {
        let (house, resolver) = (self.home)();
        let client = Client::new(IpAddr::from([127, 0, 0, 1]));
        let query = Query::new(client, name.clone(), qtype, self.clock.now());
        let query = Query { transport: Transport::Tcp, ..query };
        let served = self.runtime.block_on(pipeline::serve(query, &house, &*resolver, &Storms::default()));
        match served.answer {
            Answer::Resolved(resolved) => Ok(resolved.data.addresses()),
            Answer::Blocked(ground) => Err(io::Error::other(format!("the name is blocked: {ground}"))),
            Answer::Failed(failure) => Err(io::Error::other(failure.to_string())),
        }
    }
}

impl<F: Fn() -> (Arc<Household>, Arc<Resolver>) + Send + Sync> Lookup for OwnLookup<F> {
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let name: Domain = host.parse().map_err(io::Error::other)?;
        let v4 = self.ask(&name, Rtype::A);
        match (v4, self.ask(&name, Rtype::AAAA)) {
            (Err(error), Err(_)) => Err(error),
            (v4, v6) => Ok(v4.into_iter().chain(v6).flatten().collect()),
        }
    }
}

impl<F> fmt::Debug for OwnLookup<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnLookup")
    }
}
