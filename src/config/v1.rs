//! The config file as typed, version 1.
//!
//! Every field that refers to something else, or is read further, is
//! [`Spanned`], so that a complaint about it names line and column.
//
//  No `tag`, `untagged` or `flatten` anywhere in here: each makes serde buffer
//  the table first, and with that every position is lost (toml-rs issue 535).
//  What may be one text or several is told apart by a visitor of ours.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use toml::Spanned;
use toml::value::Datetime;

/// Text with its position.
pub(super) type Text = Spanned<String>;

/// Tables by their names.
pub(super) type Named<T> = BTreeMap<Text, T>;

//----------- Spec -------------------------------------------------------------

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Spec {
    /// Read before everything else, and here so that it is not unknown.
    #[serde(rename = "version")]
    pub(super) _version: Option<de::IgnoredAny>,
    pub(super) listen: Listen,
    pub(super) resolve: Resolve,
    pub(super) cache: Cache,
    pub(super) policy: Named<Policy>,
    pub(super) device: Named<Device>,
    pub(super) unlisted: Unlisted,
    pub(super) exception: Vec<Exception>,
    pub(super) blocked: Blocked,
    pub(super) list: Named<List>,
    pub(super) download: Download,
    pub(super) identify: Identify,
    pub(super) query_log: QueryLog,
    pub(super) metrics: Metrics,
    pub(super) web: Web,
}

/// `[listen]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Listen {
    pub(super) dns: Option<Spanned<Vec<Text>>>,
    pub(super) allow: Option<Vec<Text>>,
    pub(super) threads: Option<Spanned<u16>>,
    pub(super) rate_limit: Option<u32>,
    pub(super) tls: Option<Spanned<Vec<Text>>>,
    pub(super) https: Option<Spanned<Vec<Text>>>,
    pub(super) name: Option<Text>,
    pub(super) certificate: Option<Text>,
    pub(super) key: Option<Text>,
    pub(super) nsid: Option<Text>,
    pub(super) proxy_protocol_from: Vec<Text>,
}

/// `[resolve]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Resolve {
    pub(super) mode: Option<Text>,
    pub(super) forward_to: Option<Spanned<Vec<Text>>>,
    pub(super) forward_choice: Option<Text>,
    pub(super) forward_ca_file: Option<Text>,
    pub(super) dnssec: Option<bool>,
    pub(super) root_hints: Option<Text>,
    pub(super) trust_anchor: Option<Text>,
    pub(super) negative_trust_anchors: Vec<Text>,
    pub(super) time_names: Vec<Text>,
    pub(super) allow_servers: Vec<Text>,
    pub(super) qname_minimisation: Option<bool>,
    pub(super) ipv4: Option<bool>,
    pub(super) ipv6: Option<bool>,
    pub(super) zone: Named<Spanned<OneOrMany>>,
    pub(super) stub: Named<Spanned<OneOrMany>>,
}

/// `[cache]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Cache {
    pub(super) size: Option<Text>,
    pub(super) serve_stale: Option<bool>,
    pub(super) prefetch: Option<bool>,
}

/// `[policy.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Policy {
    pub(super) block: Option<Vec<Text>>,
    pub(super) require: Option<Text>,
    pub(super) disputed: Option<bool>,
    pub(super) off: Option<Vec<Text>>,
    pub(super) lists: Option<Vec<Text>>,
    pub(super) observe_only: Option<bool>,
}

/// `[device.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Device {
    pub(super) mac: Option<Spanned<OneOrMany>>,
    pub(super) id: Option<Text>,
    pub(super) ip: Option<Spanned<OneOrMany>>,
    pub(super) family: Option<Text>,
    pub(super) policy: Option<Text>,
    pub(super) log: Option<bool>,
}

/// `[unlisted]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Unlisted {
    pub(super) speakers: Option<Text>,
    pub(super) others: Option<Text>,
}

/// `[[exception]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exception {
    pub(super) name: Text,
    pub(super) action: Text,
    pub(super) device: Option<Text>,
    pub(super) policy: Option<Text>,
    pub(super) until: Option<Spanned<Datetime>>,
    #[serde(default)]
    pub(super) because: String,
}

/// `[blocked]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Blocked {
    pub(super) answer: Option<Text>,
    pub(super) ttl: Option<Text>,
    pub(super) max_ttl: Option<Text>,
}

/// `[list.NAME]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct List {
    pub(super) url: Option<Text>,
    pub(super) path: Option<Text>,
    pub(super) format: Option<Text>,
    pub(super) family: Option<Text>,
    pub(super) purpose: Option<Text>,
    pub(super) refresh: Option<Text>,
}

/// `[download]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Download {
    pub(super) allow: Vec<Text>,
    pub(super) http: Option<bool>,
    pub(super) ca_file: Option<Text>,
}

/// `[identify]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Identify {
    pub(super) trusted_forwarders: Vec<Text>,
    pub(super) leases: Vec<Text>,
    pub(super) push_token_file: Option<Text>,
    pub(super) names_from: Option<Text>,
    pub(super) wait: Option<Text>,
    pub(super) fritzbox: Option<FritzBox>,
}

/// `[identify.fritzbox]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FritzBox {
    pub(super) address: Text,
    pub(super) user: Text,
    pub(super) password_file: Text,
    #[serde(default)]
    pub(super) every: Option<Text>,
}

/// `[query-log]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct QueryLog {
    pub(super) keep: Option<Text>,
    pub(super) store: Option<Text>,
    pub(super) level: Option<Text>,
    pub(super) memory: Option<Text>,
}

/// `[metrics]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Metrics {
    pub(super) listen: Option<Text>,
}

/// `[web]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct Web {
    pub(super) listen: Option<Text>,
}

//----------- OneOrMany --------------------------------------------------------

/// `"a"` or `["a", "b"]`.
#[derive(Debug, Default)]
pub(super) struct OneOrMany(pub(super) Vec<Item>);

/// A text, with its position if it stood in a list; else that of the whole counts.
pub(super) type Item = (String, Option<std::ops::Range<usize>>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![(text.to_owned(), None)]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Text>()? {
                    let span = item.span();
                    items.push((item.into_inner(), Some(span)));
                }
                Ok(OneOrMany(items))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}
