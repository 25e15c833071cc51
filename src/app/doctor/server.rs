//! Checks of the server: does it answer, can it resolve, who stands in front of
//! it, and what does it see?

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;
use std::path::Path;

use super::Check;
use super::ask;
use super::ask::Answer;
use super::ask::Who;
use super::ask::who_answers;
use crate::answer;
use crate::app::load;
use crate::app::load::Loaded;
use crate::app::load::Options;
use crate::app::network::Findings;
use crate::app::network::ShownFinding;
use crate::base::Client;
use crate::base::Clock;
use crate::base::Domain;
use crate::base::time::SystemClock;
use crate::device::addresses::Key;
use crate::listen;
use crate::listen::Addresses;
use crate::listen::neighbor::around::Around;
use crate::pipeline;
use crate::pipeline::Storms;
use crate::query::Query;
use crate::query::Rtype;
use crate::query::Transport;
use crate::resolve::Failure;
use crate::resolve::FailureKind;
use crate::resolve::Flaw;
use crate::resolve::Resolver;
use crate::source::local;

/// The RCODE of failures.
const SERVFAIL: u8 = 2;

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// Looks at the server.
pub(super) fn checks(loaded: &Loaded, around: &Around, options: &Options) -> Vec<Check> {
    let answers: Vec<_> =
        loaded.config.listen.dns.iter().map(|at| (*at, who_answers(reachable(*at)))).collect();
    let ours = answers.iter().find(|(_, who)| *who == Who::Sordino).map(|(at, _)| reachable(*at));
    let mut checks: Vec<_> = answers.iter().map(|(at, who)| port(*at, *who, loaded)).collect();
    checks.push(match ours {
        Some(at) => {
            let asked = ask::ask(at, &Domain::root(), Rtype::NS).map_err(|error| Trouble::of(&error));
            let failed = matches!(&asked, Ok(answer) if answer.rcode == SERVFAIL);
            // Why, we are told by resolving ourselves.
            let why = failed.then(|| resolve_here(loaded, options).err()).flatten();
            resolving(why.map_or(asked, Err), loaded)
        }
        None => resolving(resolve_here(loaded, options), loaded),
    });
    checks.extend(around.gateways.iter().map(|gateway| in_front(*gateway, loaded)));
    let runs = ours.is_some() || answers.iter().any(|(at, who)| is_shut(*at, *who, loaded));
    checks.extend(network(loaded, runs));
    checks.push(state(&load::state_dir(options)));
    checks
}

//--- The port

/// Returns an address that leads to what listens on `at`.
fn reachable(at: SocketAddr) -> SocketAddr {
    let ip: IpAddr = match at.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, at.port())
}

/// Returns whether who answers on one of our addresses may be Sordino, which this
/// machine may not ask.
fn is_shut(at: SocketAddr, who: Who, loaded: &Loaded) -> bool {
    // From this machine the asker's address is the one that is asked.
    let asker = reachable(at).ip();
    who == Who::Refusing && !loaded.config.listen.allow.iter().any(|network| network.contains(&asker))
}

/// Says whether queries to one of our addresses are answered, or could be.
fn port(at: SocketAddr, who: Who, loaded: &Loaded) -> Check {
    let stub = Path::new("/run/systemd/resolve/stub-resolv.conf").exists();
    let fix = if stub {
        "systemd-resolved has it: put `[Resolve]` and `DNSStubListener=no` into \
         /etc/systemd/resolved.conf.d/sordino.conf, and `systemctl restart systemd-resolved`"
    } else {
        "stop the other server, or give one of the two another address (`dns` of [listen])"
    };
    match who {
        Who::Sordino => Check::ok("port", format!("Sordino answers on {at}")),
        Who::Refusing if is_shut(at, who, loaded) => Check::warning(
            "port",
            format!("{at} answers nobody on this machine, so that it can't be told whether it is Sordino"),
            "put \"127.0.0.0/8\", \"::1/128\" and the addresses of this machine into `allow` of [listen]",
        ),
        Who::Another | Who::Refusing => {
            Check::wrong("port", format!("another DNS server answers on {at}"), fix)
        }
        Who::Nobody => match listen::bind(Addresses { dns: &[at], tls: &[], https: &[] }, 1) {
            Ok(_) => Check::ok("port", format!("{at} is free; Sordino does not run")),
            Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => Check::skipped(
                "port",
                format!("nobody answers on {at}; whether it is free, only root can tell"),
            ),
            Err(error) => Check::wrong("port", error.to_string(), fix),
        },
    }
}

//--- Resolving

/// Why nothing can be resolved.
struct Trouble {
    /// What happened.
    why: String,
    /// Whether it is the clock, by which signatures are of another time.
    by_clock: bool,
}

impl Trouble {
    /// Returns trouble that has nothing to do with the clock.
    fn of(error: &impl ToString) -> Self {
        Self { why: error.to_string(), by_clock: false }
    }
}

impl From<&Failure> for Trouble {
    fn from(failure: &Failure) -> Self {
        let by_clock = matches!(failure.kind, FailureKind::Bogus(Flaw::Expired | Flaw::NotYetValid));
        Self { why: failure.to_string(), by_clock }
    }
}

/// Says whether names of the outside can be resolved.
fn resolving(asked: Result<Answer, Trouble>, loaded: &Loaded) -> Check {
    let forwards = !loaded.config.resolve.forward_to.is_empty();
    let fix = if forwards {
        "are the servers in `forward-to` the right ones, and is there an Internet?"
    } else {
        "is there an Internet?  Where the provider or a firewall lets nobody ask other servers on port 53, use \
         `mode = \"forward\"`"
    };
    match asked {
        Ok(answer) if answer.rcode == 0 && answer.records > 0 => {
            Check::ok("resolve", "the root zone was found")
        }
        Ok(answer) => {
            Check::wrong("resolve", format!("the root zone was not found: RCODE {}", answer.rcode), fix)
        }
        Err(Trouble { why, by_clock: true }) => Check::wrong(
            "resolve",
            format!("by this machine's clock the root's signatures are of another time: {why}"),
            "set the clock, or have it set (`timedatectl set-ntp true`): names of time servers are found even so",
        ),
        Err(Trouble { why, .. }) => {
            Check::wrong("resolve", format!("the root zone was not found: {why}"), fix)
        }
    }
}

/// Resolves without a server.
fn resolve_here(loaded: &Loaded, options: &Options) -> Result<Answer, Trouble> {
    let resolver = Resolver::new(&loaded.config.resolve).map_err(|error| Trouble::of(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::of(&error))?;
    let client = Client::new(Ipv4Addr::LOCALHOST.into());
    let now = SystemClock::new(options.clock_offset).now();
    let query = Query { transport: Transport::Tcp, ..Query::new(client, Domain::root(), Rtype::NS, now) };
    let served = runtime.block_on(pipeline::serve(query, &loaded.house, &resolver, &Storms::default()));
    match served.answer {
        answer::Answer::Failed(failure) => Err(Trouble::from(&failure)),
        _ => Answer::read(&served.response.wire, 0).ok_or_else(|| Trouble::of(&"the answer can't be read")),
    }
}

//--- In front of us

/// Says whether a router asks us, so that all its devices look like it.
fn in_front((gateway, link): Key, loaded: &Loaded) -> Check {
    let at = match gateway {
        IpAddr::V4(v4) => SocketAddr::from((v4, DNS_PORT)),
        IpAddr::V6(v6) => SocketAddrV6::new(v6, DNS_PORT, 0, link).into(),
    };
    let settings = &loaded.config.resolve;
    match who_answers(at) {
        Who::Sordino if settings.forward_to.iter().any(|server| server.address().ip() == gateway) => {
            Check::wrong(
                "loop",
                format!(
                    "the router at {gateway} asks Sordino, and Sordino asks the router: names go round in circles"
                ),
                "give the router another DNS server, or use `mode = \"recurse\"`",
            )
        }
        Who::Sordino => Check::warning(
            "router",
            format!(
                "the router at {gateway} asks Sordino itself: devices that ask the router can't be told apart"
            ),
            "let it hand out this machine as DNS server to devices (DHCP, and router advertisements for IPv6)",
        ),
        Who::Another | Who::Refusing => {
            let says = format!("the router at {gateway} answers queries, and does not ask Sordino for them");
            Check::ok("router", says)
        }
        Who::Nobody => Check::ok("router", format!("the router at {gateway} answers no queries")),
    }
}

//--- What it sees

/// Asks a running Sordino what is wrong with the network.
fn network(loaded: &Loaded, runs: bool) -> Vec<Check> {
    if !runs {
        return vec![Check::skipped("network", "only a running Sordino sees who asks and who is silent")];
    }
    let at = reachable(loaded.config.web.listen);
    let shown = local::get(at, "/api/v1/network").map_err(|error| error.to_string());
    let shown =
        shown.and_then(|body| serde_json::from_slice::<Findings>(&body).map_err(|error| error.to_string()));
    match shown {
        Err(error) => {
            vec![Check::skipped("network", format!("Sordino does not tell at http://{at}: {error}"))]
        }
        Ok(shown) => seen(shown),
    }
}

/// Says what a running Sordino sees.
fn seen(shown: Findings) -> Vec<Check> {
    if shown.findings.is_empty() {
        let says = "no device had asked by the last look, a minute ago at most";
        return vec![if shown.clients == 0 {
            Check::skipped("network", says)
        } else {
            Check::ok("network", "devices are told apart, and no speaker is silent")
        }];
    }
    let check = |found: ShownFinding| {
        Check::wrong("network", format!("{}: {}", found.says, found.about.join(", ")), found.fix)
    };
    shown.findings.into_iter().map(check).collect()
}

/// Says whether anything is kept over a restart.
fn state(folder: &Path) -> Check {
    let shown = folder.display();
    match std::fs::metadata(folder) {
        Ok(there) if there.is_dir() && !there.permissions().readonly() => {
            Check::ok("state", format!("{shown} is there"))
        }
        Ok(_) => Check::warning(
            "state",
            format!("{shown} can't be written: nothing is kept over a restart"),
            "give it to the user that Sordino runs as",
        ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Check::skipped("state", format!("{shown} is not for this user; root may look"))
        }
        Err(error) => Check::warning(
            "state",
            format!("{shown}: {error}"),
            "it is made when Sordino starts; if it runs, name its own with --state-dir",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::device::Finding;
    use crate::device::findings::Problem;

    #[test]
    fn each_problem_is_wrong_and_says_what_to_do() {
        for problem in Problem::ALL {
            let found = Finding { problem, about: vec!["kitchen".to_owned()] };
            let checks = seen(Findings { clients: 1, findings: vec![ShownFinding::of(&found)] });
            let [check] = &checks[..] else { panic!("{checks:?}") };
            assert_eq!((check.check, check.outcome), ("network", Outcome::Wrong));
            assert!(check.says.ends_with(": kitchen") && !check.fix.is_empty(), "{check:?}");
        }
        for (clients, outcome) in [(1, Outcome::Ok), (0, Outcome::Skipped)] {
            let checks = seen(Findings { clients, findings: Vec::new() });
            assert!(matches!(&checks[..], [check] if check.outcome == outcome), "{checks:?}");
        }
    }
}
