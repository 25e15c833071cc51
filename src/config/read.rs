//! From [`Spec`](super::v1::Spec), as typed, to [`Config`], as used.
//!
//! [`Reader`] collects what is wrong on the way and goes on, so that a user
//! sees all faults at once.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use ipnet::IpNet;
use toml::Spanned;

use super::Config;
use super::ConfigText;
use super::Written;
use super::v1::Named;
use super::v1::OneOrMany;
use super::v1::Spec;
use super::v1::Text;
use crate::base::Diagnostic;
use crate::base::diagnostic::there_are;
use crate::device::PolicyId;

//----------- Reader -----------------------------------------------------------

/// Reads values and collects complaints.
pub(super) struct Reader {
    /// The text, for positions.
    pub(super) text: Arc<ConfigText>,
    /// What is wrong.
    pub(super) faults: Vec<Diagnostic>,
    /// What is odd.
    pub(super) warnings: Vec<Diagnostic>,
}

impl Reader {
    /// Complains.
    pub(super) fn fault(&mut self, span: &Range<usize>, say: impl Into<String>) {
        let fault = self.text.fault(span, say);
        self.faults.push(fault);
    }

    /// Reads a text by a function, or complains with the function's error.
    pub(super) fn parse<T, E: Display>(
        &mut self,
        text: &Text,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.parse_at(text.get_ref(), &text.span(), read)
    }

    /// Reads a text that stands at `span`.
    pub(super) fn parse_at<T, E: Display>(
        &mut self,
        text: &str,
        span: &Range<usize>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        read(text).map_err(|error| self.fault(span, error.to_string())).ok()
    }

    /// Reads texts, leaving out those that are wrong.
    pub(super) fn parse_all<T, E: Display>(
        &mut self,
        texts: &[Text],
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        texts.iter().filter_map(|text| self.parse(text, &read)).collect()
    }

    /// Reads one text or several, each with its position.
    pub(super) fn parse_many<T, E: Display>(
        &mut self,
        items: &Spanned<OneOrMany>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<Written<T>> {
        let mut values = Vec::new();
        for (text, span) in &items.get_ref().0 {
            let span = span.clone().unwrap_or_else(|| items.span());
            if let Some(value) = self.parse_at(text, &span, &read) {
                values.push(Written { value, span });
            }
        }
        values
    }

    /// Picks a word out of a closed list, or names the list.
    pub(super) fn word<T: Copy>(&mut self, text: &Text, what: &str, all: &[(&'static str, T)]) -> Option<T> {
        let found = all.iter().find(|(word, _)| word == text.get_ref());
        if found.is_none() {
            let known = there_are(all.iter().map(|(word, _)| *word));
            self.fault(&text.span(), format!("`{}` is no {what}{known}", text.get_ref()));
        }
        found.map(|(_, value)| *value)
    }

    /// Finds something by its name, or names what there is.
    pub(super) fn named<T: Copy>(
        &mut self,
        text: &Text,
        what: &str,
        all: &HashMap<Arc<str>, T>,
    ) -> Option<T> {
        let found = all.get(text.get_ref().as_str()).copied();
        if found.is_none() {
            let known = if all.is_empty() {
                "; there are none".to_owned()
            } else {
                there_are(all.keys().map(|name| &**name))
            };
            self.fault(&text.span(), format!("no {what} is named `{}`{known}", text.get_ref()));
        }
        found
    }
}

/// Reads an address with a port; without one it is `port`.
pub(super) fn socket(text: &str, port: u16) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse().or_else(|_| bare.parse::<IpAddr>().map(|addr| SocketAddr::new(addr, port))).map_err(|_| {
        format!("not an address; write one like \"192.168.178.1:{port}\" or \"[fd00::1]:{port}\"")
    })
}

/// Reads a network, or an address as the network of one.  An IPv4-mapped
/// address is the IPv4 address that clients are known by.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .or_else(|_| text.parse::<IpAddr>().map(|addr| IpNet::from(addr.to_canonical())))
        .map_err(|_| {
            "not an address or network; write one like \"192.168.178.20\" or \"192.168.20.0/24\"".to_owned()
        })
}

/// Returns tables in the order of the file, so that of two that clash the
/// second is complained of.
pub(super) fn in_order<T>(tables: Named<T>) -> Vec<(Text, T)> {
    let mut tables: Vec<_> = tables.into_iter().collect();
    tables.sort_by_key(|(name, _)| name.span().start);
    tables
}

//----------- config -----------------------------------------------------------

/// Reads the whole file.
//
//  Lists come before policies and policies before devices and exceptions,
//  because each names those before it.
pub(super) fn config(text: &Arc<ConfigText>, spec: Spec) -> Result<Config, Vec<Diagnostic>> {
    let mut reader = Reader { text: Arc::clone(text), faults: Vec::new(), warnings: Vec::new() };
    let (lists, list_names) = reader.lists(spec.list);
    let (policies, policy_names) = reader.policies(spec.policy, &list_names);
    reader.idle_lists(&lists, &policies);
    // Over TLS and HTTPS a device can say which one it is, and needs no other sign.
    let some =
        |texts: &Option<Spanned<Vec<Text>>>| texts.as_ref().is_some_and(|texts| !texts.get_ref().is_empty());
    let may_say = some(&spec.listen.tls) || some(&spec.listen.https);
    let (devices, device_names) = reader.devices(spec.device, &policy_names, may_say);
    let exceptions = reader.exceptions(spec.exception, &device_names, &policy_names);
    let unlisted = reader.unlisted(&spec.unlisted, &policy_names);
    let listen = reader.listen(&spec.listen);
    let (resolve, [root_hints, trust_anchor, forward_ca]) = reader.resolve(spec.resolve, &spec.cache);
    let blocked = reader.blocked(&spec.blocked);
    let download = reader.download(&spec.download);
    let metrics = reader.metrics(&spec.metrics);
    let query_log = reader.query_log(&spec.query_log);
    let web = reader.web(&spec.web);
    let identify = reader.identify(&spec.identify);
    if !reader.faults.is_empty() {
        // In the order of the file, as people mend it.
        reader.faults.sort_by_key(|fault| (fault.line, fault.column));
        return Err(reader.faults);
    }
    Ok(Config {
        text: reader.text,
        warnings: reader.warnings,
        listen,
        resolve,
        root_hints,
        trust_anchor,
        forward_ca,
        policies,
        devices,
        unlisted,
        exceptions,
        blocked,
        lists,
        download,
        identify,
        metrics,
        query_log,
        web,
    })
}

/// Policies by name.
pub(super) type PolicyNames = HashMap<Arc<str>, PolicyId>;
