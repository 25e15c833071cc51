//! `[identify]`: how it is found out who asks.

use std::path::PathBuf;
use std::time::Duration;

use super::FritzBox;
use super::Identify;
use super::Written;
use super::read::Reader;
use super::read::network;
use super::read::socket;
use super::v1;
use crate::base::units;

/// How long a first query waits for its client: a speaker answers in a few
/// milliseconds, and people do not notice thirty.
const WAIT: Duration = Duration::from_millis(30);

/// The longest it may be told to wait; then clients ask again.
const MOST_WAIT: Duration = Duration::from_secs(1);

/// The port of DNS.
const DNS_PORT: u16 = 53;

/// The port on which a FRITZ!Box speaks TR-064.
const TR064: u16 = 49_000;

/// How often a FRITZ!Box is asked: it has no way to tell by itself.
const EVERY: Duration = Duration::from_mins(1);

/// How often it may be asked.
const LEAST_EVERY: Duration = Duration::from_secs(10);

impl Reader {
    /// `[identify]`
    pub(super) fn identify(&mut self, spec: &v1::Identify) -> Identify {
        let wait = spec.wait.as_ref().and_then(|text| {
            self.parse(text, |text| match units::duration(text)? {
                wait if wait <= MOST_WAIT => Ok(wait),
                _ => Err("longer than a second; clients ask again by then"),
            })
        });
        let file = |text: &v1::Text| Written { value: PathBuf::from(text.get_ref()), span: text.span() };
        Identify {
            forwarders: self.parse_all(&spec.trusted_forwarders, network),
            wait: wait.unwrap_or(WAIT),
            leases: spec.leases.iter().map(file).collect(),
            push_token: spec.push_token_file.as_ref().map(file),
            names_from: spec
                .names_from
                .as_ref()
                .and_then(|text| self.parse(text, |text| socket(text, DNS_PORT))),
            fritzbox: spec.fritzbox.as_ref().and_then(|spec| self.fritzbox(spec)),
        }
    }

    /// `[identify.fritzbox]`
    fn fritzbox(&mut self, spec: &v1::FritzBox) -> Option<FritzBox> {
        let every = spec.every.as_ref().and_then(|text| {
            self.parse(text, |text| match units::duration(text)? {
                every if every >= LEAST_EVERY => Ok(every),
                _ => Err("less than ten seconds; the box has other things to do"),
            })
        });
        Some(FritzBox {
            address: self.parse(&spec.address, |text| socket(text, TR064))?,
            user: spec.user.get_ref().clone(),
            password_file: PathBuf::from(spec.password_file.get_ref()),
            every: every.unwrap_or(EVERY),
        })
    }
}
