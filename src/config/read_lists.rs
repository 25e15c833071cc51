//! The tables that are about the house: `[list]`, `[policy]`, `[device]`,
//! `[[exception]]`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::Device;
use super::List;
use super::Written;
use super::read::PolicyNames;
use super::read::Reader;
use super::read::in_order;
use super::read::network;
use super::v1;
use crate::base::ClientId;
use crate::base::MacAddr;
use crate::base::units;
use crate::catalog::Function;
use crate::catalog::Pattern;
use crate::catalog::Purpose;
use crate::catalog::Strength;
use crate::catalog::foreign::Format;
use crate::device::HOUSEHOLD;
use crate::device::PolicyId;
use crate::matcher::MOST_LISTS;
use crate::policy::Action;
use crate::policy::Builtin;
use crate::policy::Exception;
use crate::policy::Policy;
use crate::policy::Scope;

/// Most devices or policies.  A house has tens.
const MOST: usize = 1024;

/// The longest name, in characters.  Names are labels of metrics.
const LONGEST_NAME: usize = 32;

/// Names no device may have, because unlisted ones go by them: an exception for
/// such a device would be one for all of them.  `other` is the last in metrics.
const RESERVED: [&str; 2] = [HOUSEHOLD, "other"];

/// How often a list is downloaded: lists change about once a day.
const REFRESH: Duration = Duration::from_hours(24);

/// The least time between two downloads.
const LEAST_REFRESH: Duration = Duration::from_hours(1);

impl Reader {
    /// Checks the name of a table.
    fn name(&mut self, name: &v1::Text) -> Arc<str> {
        let text = name.get_ref();
        let fine = (1..=LONGEST_NAME).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fine {
            let say =
                format!("a name is 1 to {LONGEST_NAME} of A-Z, a-z, 0-9, - and _, because metrics carry it");
            self.fault(&name.span(), say);
        }
        Arc::from(text.as_str())
    }

    /// Complains if there are too many of something.
    fn bounded<T>(&mut self, tables: &v1::Named<T>, most: usize, what: &str) {
        if let Some(name) = tables.keys().nth(most) {
            self.fault(&name.span(), format!("more than {most} {what}"));
        }
    }

    /// `[list.NAME]`
    pub(super) fn lists(&mut self, spec: v1::Named<v1::List>) -> (Vec<List>, HashMap<Arc<str>, usize>) {
        self.bounded(&spec, MOST_LISTS, "lists");
        let (mut lists, mut names) = (Vec::new(), HashMap::new());
        let formats = Format::ALL.map(|format| (format.as_str(), format));
        let purposes = Purpose::BLOCKABLE.map(|purpose| (purpose.as_str(), purpose));
        for (key, table) in spec {
            let name = self.name(&key);
            match (&table.url, &table.path) {
                (Some(url), Some(_)) => self.fault(&url.span(), "a list has a `url` or a `path`, not both"),
                (None, None) => self.fault(&key.span(), "a list needs a `path` or a `url`"),
                (None, Some(_)) | (Some(_), None) => {}
            }
            let refresh = table.refresh.as_ref().and_then(|text| {
                self.parse(text, |text| match units::duration(text)? {
                    time if time >= LEAST_REFRESH => Ok(time),
                    _ => Err("less than an hour; lists change once a day, and their servers are not ours"),
                })
            });
            let format = table.format.as_ref().and_then(|text| self.word(text, "format", &formats));
            let purpose = table.purpose.as_ref().and_then(|text| self.word(text, "purpose", &purposes));
            names.insert(Arc::clone(&name), lists.len());
            lists.push(List {
                name,
                url: table.url.map(|url| Written { span: url.span(), value: url.into_inner() }),
                refresh: refresh.unwrap_or(REFRESH),
                path: table
                    .path
                    .map(|path| Written { span: path.span(), value: PathBuf::from(path.into_inner()) }),
                format,
                family: table
                    .family
                    .map(|family| Written { span: family.span(), value: family.into_inner() }),
                purpose: purpose.unwrap_or(Purpose::Unknown),
            });
        }
        (lists, names)
    }

    /// The built-in policies, changed and joined by `[policy.NAME]`.
    pub(super) fn policies(
        &mut self,
        spec: v1::Named<v1::Policy>,
        lists: &HashMap<Arc<str>, usize>,
    ) -> (Vec<Policy>, PolicyNames) {
        self.bounded(&spec, MOST, "policies");
        let mut policies: Vec<_> = Builtin::ALL.map(Builtin::policy).into();
        let strengths = Strength::ALL.map(|strength| (strength.as_str(), strength));
        let functions = Function::ALL.map(|function| (function.as_str(), function));
        let purposes = Purpose::BLOCKABLE.map(|purpose| (purpose.as_str(), purpose));
        for (key, table) in spec {
            let name = self.name(&key);
            // A table named like a built-in policy changes it; what it does
            // not mention stays.
            let at = policies.iter().position(|policy| policy.name == name).unwrap_or_else(|| {
                policies.push(Policy { name: Arc::clone(&name), ..Policy::default() });
                policies.len() - 1
            });
            let Some(policy) = policies.get_mut(at) else { continue };
            if let Some(words) = table.block {
                policy.block =
                    words.iter().filter_map(|text| self.word(text, "purpose", &purposes)).collect();
            }
            if let Some(words) = table.off {
                policy.off =
                    words.iter().filter_map(|text| self.word(text, "function", &functions)).collect();
            }
            if let Some(words) = table.lists {
                policy.lists = words.iter().filter_map(|text| self.named(text, "list", lists)).collect();
            }
            if let Some(strength) = table.require.and_then(|text| self.word(&text, "evidence", &strengths)) {
                policy.require = strength;
            }
            policy.disputed = table.disputed.unwrap_or(policy.disputed);
            policy.observe_only = table.observe_only.unwrap_or(policy.observe_only);
        }
        let id = |at| PolicyId(u16::try_from(at).unwrap_or(u16::MAX));
        let names =
            policies.iter().enumerate().map(|(at, policy)| (Arc::clone(&policy.name), id(at))).collect();
        (policies, names)
    }

    /// Remarks on lists that no policy applies, so that nobody relies on one.
    pub(super) fn idle_lists(&mut self, lists: &[List], policies: &[Policy]) {
        for (at, list) in lists.iter().enumerate() {
            let source = list.path.as_ref().map(|path| &path.span);
            let source = source.or_else(|| list.url.as_ref().map(|url| &url.span));
            let idle = !policies.iter().any(|policy| policy.lists.contains(at));
            if let Some(span) = source.filter(|_| idle) {
                let say = format!("list `{}` blocks nothing: no policy has it in its `lists`", list.name);
                let warning = self.text.fault(span, say).warning();
                self.warnings.push(warning);
            }
        }
    }

    /// `[device.NAME]`; where a device `may_say` which one it is, it needs no sign.
    pub(super) fn devices(
        &mut self,
        spec: v1::Named<v1::Device>,
        policies: &PolicyNames,
        may_say: bool,
    ) -> (Vec<Device>, HashMap<Arc<str>, usize>) {
        self.bounded(&spec, MOST, "devices");
        let (mut devices, mut names) = (Vec::new(), HashMap::new());
        for (key, table) in in_order(spec) {
            let name = self.name(&key);
            if RESERVED.contains(&&*name) {
                self.fault(&key.span(), format!("`{name}` stands for devices that are not listed"));
            }
            let none = |items: &Option<Spanned<v1::OneOrMany>>| {
                items.as_ref().is_none_or(|items| items.get_ref().0.is_empty())
            };
            if none(&table.mac) && none(&table.ip) && table.id.is_none() && !may_say {
                self.fault(&key.span(), "a device needs a `mac`, an `ip` or an `id` by which it is known");
            }
            names.insert(Arc::clone(&name), devices.len());
            let macs =
                table.mac.map(|macs| self.parse_many(&macs, str::parse::<MacAddr>)).unwrap_or_default();
            self.made_up(&macs);
            devices.push(Device {
                name,
                place: self.text.place(&key.span()),
                macs,
                id: table.id.and_then(|text| self.parse(&text, client_id)),
                networks: table.ip.map(|networks| self.parse_many(&networks, network)).unwrap_or_default(),
                log: table.log.unwrap_or(true),
                policy: table.policy.and_then(|text| self.named(&text, "policy", policies)),
                family: table
                    .family
                    .map(|family| Written { span: family.span(), value: family.into_inner() }),
            });
        }
        (devices, names)
    }

    /// Remarks on MAC addresses that devices have made up, since they may change.
    fn made_up(&mut self, macs: &[Written<MacAddr>]) {
        for mac in macs.iter().filter(|mac| mac.value.is_locally_administered()) {
            let say = format!(
                "{} is made up, as phones do, and once the device makes up another one it is unknown here; have \
                 it keep its own in this network (\"private address\" off)",
                mac.value
            );
            let warning = self.text.fault(&mac.span, say).warning();
            self.warnings.push(warning);
        }
    }

    /// `[[exception]]`
    pub(super) fn exceptions(
        &mut self,
        spec: Vec<v1::Exception>,
        devices: &HashMap<Arc<str>, usize>,
        policies: &PolicyNames,
    ) -> Vec<Exception> {
        let actions = [("allow", Action::Allow), ("block", Action::Block)];
        let mut exceptions = Vec::new();
        for table in spec {
            let scope = match (table.device, table.policy) {
                (Some(device), Some(policy)) => {
                    let say = "an exception is for a `device` or for a `policy`, not for both";
                    self.fault(&policy.span(), say);
                    self.named(&device, "device", devices);
                    None
                }
                (Some(device), None) => self
                    .named(&device, "device", devices)
                    .map(|_| Scope::Device(Arc::from(device.get_ref().as_str()))),
                (None, Some(policy)) => self.named(&policy, "policy", policies).map(Scope::Policy),
                (None, None) => Some(Scope::House),
            };
            let until = table.until.as_ref().map(|date| {
                let ends = super::read_date::last_second(date.get_ref());
                ends.map_err(|say| self.fault(&date.span(), say)).ok()
            });
            let pattern = self.parse(&table.name, str::parse::<Pattern>);
            let action = self.word(&table.action, "action", &actions);
            if let (Some(scope), Some(pattern), Some(action)) = (scope, pattern, action) {
                let until = until.flatten();
                let place = self.text.place(&table.name.span());
                let because = Arc::from(table.because);
                exceptions.push(Exception { pattern, scope, action, until, because, place });
            }
        }
        exceptions
    }
}

/// Reads the id of a client.
fn client_id(text: &str) -> Result<ClientId, String> {
    ClientId::new(text.as_bytes())
        .ok_or_else(|| format!("not an id; it has 1 to {} visible ASCII characters", ClientId::MOST))
}
