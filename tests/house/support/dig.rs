//! What `dig` says, in parts.

use std::process::Command;

/// An answer, as `dig` shows it.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The RCODE.
    pub(crate) status: String,
    /// The header's flags.
    pub(crate) flags: Vec<String>,
    /// The extended DNS error: `15 (Blocked): (text)`.
    pub(crate) error: Option<String>,
    /// The data of the answer section: type and data of each record.
    pub(crate) records: Vec<String>,
    /// All that `dig` said.
    pub(crate) shown: String,
}

impl Answer {
    /// Asks.
    pub(crate) fn ask(host: &str, args: &str) -> Self {
        let mut command = if host == "resolver" {
            Command::new("dig")
        } else {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", host, "dig"]);
            command
        };
        let done = command
            .args(["+time=8", "+tries=1", "+nocookie"])
            .args(args.split_whitespace())
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&done.stdout).into_owned();
        let after = |key: &str| {
            let at = shown.find(key)? + key.len();
            shown[at..].split([',', '\n', ';']).next().map(|text| text.trim().to_owned())
        };
        let line = |key: &str| shown.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
        let records = shown
            .split(";; ANSWER SECTION:\n")
            .nth(1)
            .into_iter()
            .flat_map(|section| section.lines().take_while(|line| !line.is_empty()))
            .map(|line| line.split_whitespace().skip(3).collect::<Vec<_>>().join(" "))
            .collect();
        Self {
            status: after("status: ").unwrap_or_default(),
            flags: after("flags: ").unwrap_or_default().split(' ').map(str::to_owned).collect(),
            error: line("; EDE: "),
            records,
            shown,
        }
    }

    /// Returns whether a flag is set.
    pub(crate) fn flag(&self, flag: &str) -> bool {
        self.flags.iter().any(|own| own == flag)
    }

    /// Fails unless the answer is blocked, on this ground.
    pub(crate) fn assert_blocked(&self, ground: &str) {
        assert_eq!(self.status, "NXDOMAIN", "{}", self.shown);
        let expected = format!("15 (Blocked): ({ground})");
        assert_eq!(self.error.as_deref(), Some(expected.as_str()), "{}", self.shown);
        assert!(self.records.is_empty(), "{}", self.shown);
    }

    /// Fails unless there is an answer.
    pub(crate) fn assert_resolved(&self) {
        assert_eq!(self.status, "NOERROR", "{}", self.shown);
        assert!(!self.records.is_empty(), "{}", self.shown);
        assert_eq!(self.error, None, "{}", self.shown);
    }
}
