//! The tables that are about the program itself: `[resolve]`, `[cache]`, `[blocked]`, `[metrics]`, `[web]`, and those whose time has not come.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use toml::Spanned;

use super::Download;
use super::Metrics;
use super::Web;
use super::Written;
use super::read::PolicyNames;
use super::read::Reader;
use super::read::in_order;
use super::read::network;
use super::read::socket;
use super::read_listen::DNS_PORT;
use super::v1;
use crate::answer::Blocked;
use crate::answer::BlockedAnswer;
use crate::base::Domain;
use crate::base::units;
use crate::device::Unlisted;
use crate::policy::Builtin;
use crate::resolve::Choice;
use crate::resolve::Mode;
use crate::resolve::Server;
use crate::resolve::Settings;

/// Where Prometheus finds metrics: on this machine only, because they tell
/// when people are at home.
const METRICS: &str = "127.0.0.1:9953";

/// Where the page is: on this machine only, for the same reason.
const WEB: ([u8; 4], u16) = ([127, 0, 0, 1], 8053);

/// How long a blocked answer holds at first, in seconds: short, that a change
/// of policy is felt at once.
const BLOCKED_TTL: u32 = 10;

/// How long for a device that keeps asking, in seconds: an hour, which is what
/// authors of lists have found to calm Echos.
const BLOCKED_MAX_TTL: u32 = 3_600;

/// The longest a blocked answer may hold, in seconds: a day.
const MOST_BLOCKED_TTL: u64 = 86_400;

/// A file named in the config.
type FileName = Option<Written<PathBuf>>;

impl Reader {
    /// `[resolve]` and `[cache]`, and the files they name.
    pub(super) fn resolve(&mut self, spec: v1::Resolve, cache: &v1::Cache) -> (Settings, [FileName; 3]) {
        let default = Settings::default();
        let modes = [("recurse", Mode::Recurse), ("forward", Mode::Forward)];
        let mode =
            spec.mode.as_ref().and_then(|text| self.word(text, "mode", &modes)).unwrap_or(default.mode);
        let forward_to = match &spec.forward_to {
            Some(texts) => self.parse_all(texts.get_ref(), str::parse::<Server>),
            None => Vec::new(),
        };
        let choices = [("parallel", Choice::Parallel), ("strict", Choice::Strict)];
        let choice = spec.forward_choice.as_ref().and_then(|text| self.word(text, "choice", &choices));
        if let (Mode::Forward, true, Some(text)) = (mode, forward_to.is_empty(), &spec.mode) {
            self.fault(&text.span(), "mode `forward` needs `forward-to`, the servers that are asked");
        }
        if let (Mode::Recurse, Some(texts)) = (mode, &spec.forward_to) {
            let say = "nobody is asked here: `forward-to` is for mode `forward`";
            let warning = self.text.fault(&texts.span(), say).warning();
            self.warnings.push(warning);
        }
        let mut named = HashSet::new();
        let settings = Settings {
            mode,
            forward_to,
            choice: choice.unwrap_or(default.choice),
            forward_ca: None,
            zones: self.zones(spec.zone, &mut named),
            stubs: self.zones(spec.stub, &mut named),
            dnssec: spec.dnssec.unwrap_or(default.dnssec),
            root_hints: None,
            trust_anchor: None,
            negative_trust_anchors: self.parse_all(&spec.negative_trust_anchors, str::parse::<Domain>),
            time_names: self.parse_all(&spec.time_names, str::parse::<Domain>),
            allow_servers: self.parse_all(&spec.allow_servers, network),
            qname_minimisation: spec.qname_minimisation.unwrap_or(default.qname_minimisation),
            ipv4: spec.ipv4.unwrap_or(default.ipv4),
            ipv6: spec.ipv6.unwrap_or(default.ipv6),
            cache_size: self.cache(cache).unwrap_or(default.cache_size),
            prefetch: cache.prefetch.unwrap_or(default.prefetch),
            serve_stale: cache.serve_stale.unwrap_or(default.serve_stale),
            designated: None,
        };
        let file = |text: &v1::Text| Written { value: PathBuf::from(text.get_ref()), span: text.span() };
        let files = [spec.root_hints, spec.trust_anchor, spec.forward_ca_file];
        (settings, files.map(|text| text.as_ref().map(file)))
    }

    /// `[resolve.zone]` and `[resolve.stub]`; `named` are the names that have servers
    /// of their own already.
    fn zones(
        &mut self,
        spec: v1::Named<Spanned<v1::OneOrMany>>,
        named: &mut HashSet<Domain>,
    ) -> Vec<(Domain, Vec<SocketAddr>)> {
        let mut zones = Vec::new();
        for (name, servers) in in_order(spec) {
            let zone = self.parse(&name, str::parse::<Domain>);
            let found = self.parse_many(&servers, |text| socket(text, DNS_PORT));
            if servers.get_ref().0.is_empty() {
                self.fault(&name.span(), "a zone needs at least one server");
            }
            if let Some(zone) = zone {
                // Case makes no difference to names, and does to the keys of TOML.
                if !named.insert(zone.clone()) {
                    self.fault(&name.span(), format!("`{zone}` is there twice"));
                }
                zones.push((zone, found.into_iter().map(|server| server.value).collect()));
            }
        }
        zones
    }

    /// `[cache]`
    fn cache(&mut self, spec: &v1::Cache) -> Option<u64> {
        spec.size.as_ref().and_then(|text| self.parse(text, units::size))
    }

    /// `[unlisted]`
    pub(super) fn unlisted(&mut self, spec: &v1::Unlisted, policies: &PolicyNames) -> Unlisted {
        let mut pick = |text: &Option<v1::Text>, default: Builtin| {
            text.as_ref()
                .and_then(|text| self.named(text, "policy", policies))
                .or_else(|| policies.get(default.as_str()).copied())
                .unwrap_or(crate::device::PolicyId(0))
        };
        Unlisted {
            speakers: pick(&spec.speakers, Builtin::Balanced),
            others: pick(&spec.others, Builtin::Open),
        }
    }

    /// `[blocked]`
    pub(super) fn blocked(&mut self, spec: &v1::Blocked) -> Blocked {
        let answers = [
            ("zero-address", BlockedAnswer::ZeroAddress),
            ("nxdomain", BlockedAnswer::NxDomain),
            ("nodata", BlockedAnswer::NoData),
            ("refused", BlockedAnswer::Refused),
        ];
        let answer = spec.answer.as_ref().and_then(|text| self.word(text, "answer", &answers));
        let mut read = |text: &v1::Text| {
            let seconds = self.parse(text, |text| match units::duration(text)?.as_secs() {
                seconds @ 0..=MOST_BLOCKED_TTL => Ok(seconds),
                _ => Err("longer than a day; a change of policy would not be felt"),
            })?;
            u32::try_from(seconds).ok()
        };
        let ttl = spec.ttl.as_ref().and_then(&mut read).unwrap_or(BLOCKED_TTL);
        let max_ttl = spec.max_ttl.as_ref().and_then(&mut read);
        if let Some(text) = spec.max_ttl.as_ref().filter(|_| max_ttl.is_some_and(|max| max < ttl)) {
            self.fault(&text.span(), "less than `ttl`, which it rises from");
        }
        Blocked {
            answer: answer.unwrap_or_default(),
            ttl,
            max_ttl: max_ttl.unwrap_or_else(|| BLOCKED_MAX_TTL.max(ttl)),
        }
    }

    /// `[download]`
    pub(super) fn download(&mut self, spec: &v1::Download) -> Download {
        let file = |text: &v1::Text| Written { value: PathBuf::from(text.get_ref()), span: text.span() };
        Download {
            allow: self.parse_all(&spec.allow, network),
            http: spec.http.unwrap_or(false),
            ca_file: spec.ca_file.as_ref().map(file),
        }
    }

    /// `[metrics]`
    pub(super) fn metrics(&mut self, spec: &v1::Metrics) -> Metrics {
        let default = SocketAddr::from(([127, 0, 0, 1], 9953));
        debug_assert_eq!(default.to_string(), METRICS);
        let listen =
            spec.listen.as_ref().and_then(|text| self.parse(text, |text| socket(text, default.port())));
        Metrics { listen: listen.unwrap_or(default) }
    }

    /// `[web]`
    pub(super) fn web(&mut self, spec: &v1::Web) -> Web {
        let default = SocketAddr::from(WEB);
        let listen =
            spec.listen.as_ref().and_then(|text| self.parse(text, |text| socket(text, default.port())));
        Web { listen: listen.unwrap_or(default) }
    }
}
