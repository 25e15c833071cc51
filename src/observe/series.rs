//! [`Series`]: a family with many series, written as text where they are counted.
//
//  The library keeps every series, and at a scrape looks each one up, copies, sorts and
//  writes it.  Of 255 speakers there are ten thousand, and that took most of ten
//  milliseconds.

use std::fmt::Display;
use std::fmt::Write;

/// A family with `N` labels.
#[derive(Debug)]
pub(super) struct Series<const N: usize> {
    /// Its name, with the prefix.
    name: String,
    /// Its help and type, as they are written before its series.
    head: String,
    /// Its labels.
    labels: [&'static str; N],
}

impl<const N: usize> Series<N> {
    /// Makes a family of a kind that is `counter` or `gauge`.  `help` is one line.
    pub(super) fn new(name: &str, kind: &str, help: &str, labels: [&'static str; N]) -> Self {
        let head = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Self { name: name.to_owned(), head, labels }
    }

    /// Returns its lines for one scrape, of which there is none yet.
    pub(super) fn lines(&self) -> Lines<'_, N> {
        Lines { series: self, text: String::new() }
    }
}

/// What is written of a family at one scrape.
pub(super) struct Lines<'s, const N: usize> {
    /// The family.
    series: &'s Series<N>,
    /// One line for each series.
    text: String,
}

impl<const N: usize> Lines<'_, N> {
    /// Writes a series.  There is one for the same labels once at most.
    pub(super) fn add(&mut self, values: [&str; N], value: impl Display) {
        self.text.push_str(&self.series.name);
        let mut before = '{';
        for (label, value) in self.series.labels.iter().zip(values) {
            self.text.push(before);
            self.text.push_str(label);
            self.text.push_str("=\"");
            push_escaped(&mut self.text, value);
            self.text.push('"');
            before = ',';
        }
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "}} {value}");
    }

    /// Appends the family; nothing, if it has no series.
    pub(super) fn end(self, text: &mut Vec<u8>) {
        if !self.text.is_empty() {
            text.extend_from_slice(self.series.head.as_bytes());
            text.extend_from_slice(self.text.as_bytes());
        }
    }
}

/// Appends the value of a label, which may be what a device calls itself.
fn push_escaped(text: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        let (plain, odd) = rest.split_at(at);
        text.push_str(plain);
        text.push_str(match odd.as_bytes().first() {
            Some(b'\n') => "\\n",
            Some(b'"') => "\\\"",
            _ => "\\\\",
        });
        rest = odd.get(1..).unwrap_or_default();
    }
    text.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::Encoder;
    use prometheus::IntCounterVec;
    use prometheus::Opts;
    use prometheus::Registry;
    use prometheus::TextEncoder;
    use proptest::prelude::*;

    #[test]
    fn a_family_without_series_is_not_written() {
        let mut text = Vec::new();
        Series::new("sordino_x_total", "counter", "X.", ["device"]).lines().end(&mut text);
        assert_eq!(text, b"");
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_library_writes(
            device in "([a-z0-9-]|[\\\\\"\n]|\\PC){0,12}", purpose in "[a-z]{0,8}", count in 0..1u64 << 53,
        ) {
            let registry = Registry::new();
            let opts = Opts::new("sordino_x_total", "What it says.");
            let counters = IntCounterVec::new(opts, &["device", "purpose"]).unwrap();
            counters.with_label_values(&[&device, &purpose]).inc_by(count);
            registry.register(Box::new(counters)).unwrap();
            let mut theirs = Vec::new();
            TextEncoder::new().encode(&registry.gather(), &mut theirs).unwrap();

            let family = Series::new("sordino_x_total", "counter", "What it says.", ["device", "purpose"]);
            let (mut lines, mut ours) = (family.lines(), Vec::new());
            lines.add([&device, &purpose], count);
            lines.end(&mut ours);
            prop_assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
        }
    }
}
