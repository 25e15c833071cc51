//! Values of a scenario: what ASSIGN gives a name, and what EVAL makes of them.

use std::collections::HashMap;

/// Values by name.
#[derive(Debug, Default)]
pub(crate) struct Values(HashMap<String, f64>);

impl Values {
    /// Takes `name = value`; `unix` is the time, in seconds since 1970.
    pub(crate) fn assign(&mut self, words: &[String], unix: i64) -> Result<(), String> {
        let [name, sign, value @ ..] = words else { return Err("name = value".to_owned()) };
        if sign != "=" {
            return Err("name = value".to_owned());
        }
        let value = self.eval(&value.join(" "), unix)?;
        self.0.insert(name.clone(), value);
        Ok(())
    }

    /// Returns what `${…}`, in each other if need be, or a number comes to.
    pub(crate) fn eval(&self, text: &str, unix: i64) -> Result<f64, String> {
        let mut text = text.trim().to_owned();
        while let Some(from) = text.rfind("${") {
            let to = text[from..].find('}').ok_or("no }")? + from;
            let value = self.sum(&text[from + 2..to], unix)?;
            text.replace_range(from..=to, &value.to_string());
        }
        self.sum(&text, unix)
    }

    /// Works out values and operators from left to right, as testbound does.
    fn sum(&self, text: &str, unix: i64) -> Result<f64, String> {
        let spaced = text.replace('+', " + ").replace('*', " * ").replace('/', " / ").replace(" -", " - ");
        let mut words = spaced.split_whitespace();
        let mut all = self.value(words.next().ok_or("nothing to work out")?, unix)?;
        while let Some(operator) = words.next() {
            let value = self.value(words.next().ok_or("an operator without a value")?, unix)?;
            all = match operator {
                "+" => all + value,
                "-" => all - value,
                "*" => all * value,
                "/" if value != 0.0 => all / value,
                _ => return Err(format!("not worked out: {text}")),
            };
        }
        Ok(all)
    }

    /// Returns a single value.
    #[expect(clippy::cast_precision_loss, reason = "times are far below 2^52 seconds")]
    fn value(&self, word: &str, unix: i64) -> Result<f64, String> {
        match word.strip_prefix('$') {
            Some(name) => self.0.get(name).copied().ok_or_else(|| format!("no value: {name}")),
            None if word == "time" => Ok(unix as f64),
            None => word.parse().map_err(|_| format!("no value: {word}")),
        }
    }
}

#[test]
fn values_are_worked_out_from_left_to_right() {
    let mut values = Values::default();
    let mut assign =
        |text: &str| values.assign(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), 1_000);
    assign("ttl = 60").unwrap();
    assign("then = ${time + 2*$ttl}").unwrap();
    assert!(assign("x y z").is_err() && assign("x = ${timeout}").is_err() && assign("x = ${1 / 0}").is_err());
    // Ten times (1,002 times 60).
    assert_eq!(values.eval("${ ${$then} * 10 }", 0), Ok(601_200.0));
    assert_eq!(values.eval("${$ttl - 1}", 0), Ok(59.0));
    assert!(values.eval("${", 0).is_err() && values.eval("", 0).is_err());
}
