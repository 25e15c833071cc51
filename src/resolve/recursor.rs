//! Asking down from the root, with hickory's recursor.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_resolver::recursor::DnssecPolicy;
use hickory_resolver::recursor::QNameMinimization;
use hickory_resolver::recursor::Recursor;
use hickory_resolver::recursor::RecursorOptions;
use ipnet::IpNet;

use super::file;
use super::library::Runtime;
use super::library::Wire;
use super::settings::Settings;
use super::settings::SettingsError;
use super::stats::Counters;

/// How many replies the recursor keeps for itself: delegations, addresses of
/// name servers, keys.  Answers are kept in the answer cache.
const REPLIES: u64 = 2_048;

/// How deep delegations may be nested.  The recursor counts every label without
/// a zone, so a PTR name of IPv6 needs 34; its own default is 24.
const DEPTH: u8 = 64;

/// Networks no name server of the outside is in, besides those that the
/// recursor knows: benchmarks, multicast, NAT64, and all of link-local.
const DENIED: [&str; 5] = ["198.18.0.0/15", "224.0.0.0/4", "64:ff9b::/96", "fe80::/10", "::ffff:0:0/96"];

/// Makes a recursor.  It does not validate; that is done around it.
pub(super) fn recursor(
    settings: &Settings,
    counters: Arc<Counters>,
) -> Result<Recursor<Wire>, SettingsError> {
    let roots = roots(settings)?;
    let RecursorOptions { mut deny_server, .. } = RecursorOptions::default();
    deny_server.extend(DENIED.iter().filter_map(|net| net.parse::<IpNet>().ok()));
    let options = RecursorOptions {
        response_cache_size: REPLIES,
        recursion_limit: DEPTH,
        ns_recursion_limit: DEPTH,
        deny_server,
        allow_server: settings.allow_servers.clone(),
        // It always minimises.  `Relaxed` goes on where a broken server says
        // NXDOMAIN to an empty non-terminal (RFC 9156 section 2.3).
        qname_minimization: QNameMinimization::Relaxed,
        ..RecursorOptions::default()
    };
    let wire = Wire {
        ipv4: settings.ipv4,
        ipv6: settings.ipv6,
        counters,
        late: Arc::default(),
        runtime: Runtime::default(),
    };
    Recursor::new(&roots, DnssecPolicy::ValidationDisabled, None, options, wire)
        .map_err(|error| SettingsError::Setting(format!("resolve: {error}")))
}

/// Returns the addresses of the root servers that may be asked.
fn roots(settings: &Settings) -> Result<Vec<IpAddr>, SettingsError> {
    let all = match &settings.root_hints {
        Some(file) => file::root_hints(file)?,
        None => file::ROOT_SERVERS.iter().filter_map(|text| text.parse().ok()).collect(),
    };
    let wanted = |ip: &IpAddr| if ip.is_ipv4() { settings.ipv4 } else { settings.ipv6 };
    let roots: Vec<_> = all.into_iter().filter(wanted).collect();
    if roots.is_empty() {
        let say = "resolve: with `ipv4` and `ipv6` as they are, no root server can be reached";
        return Err(SettingsError::Setting(say.to_owned()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::file::File;

    #[test]
    fn the_denied_networks_are_networks() {
        assert!(DENIED.iter().all(|net| net.parse::<IpNet>().is_ok()));
    }

    #[test]
    fn one_family_is_enough_and_none_is_a_fault() {
        let of = |ipv4, ipv6| roots(&Settings { ipv4, ipv6, ..Settings::default() });
        assert_eq!(of(true, true).unwrap().len(), 26);
        assert!(of(true, false).unwrap().iter().all(IpAddr::is_ipv4));
        assert!(of(false, true).unwrap().iter().all(IpAddr::is_ipv6));
        assert!(matches!(of(false, false), Err(SettingsError::Setting(_))));
    }

    #[test]
    fn hints_take_the_place_of_the_built_in_servers() {
        let hints = File { name: "hints".into(), text: "a. A 198.41.0.4".to_owned() };
        let settings = Settings { root_hints: Some(hints), ..Settings::default() };
        assert_eq!(roots(&settings).unwrap(), ["198.41.0.4".parse::<IpAddr>().unwrap()]);
        assert!(recursor(&settings, Arc::default()).is_ok());
    }
}
