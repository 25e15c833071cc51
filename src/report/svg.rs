//! [`Svg`]: a picture in the making; and [`Escaped`], through which every text
//! goes.

use std::fmt;
use std::fmt::Write;

/// The width of a picture on a wide screen, in its own units.
pub(super) const WIDE: f64 = 720.0;

/// The width of a picture on a phone.
pub(super) const NARROW: f64 = 350.0;

/// The size of small text.
pub(super) const SMALL: f64 = 12.0;

//----------- Escaped ----------------------------------------------------------

/// Text that can't be taken for markup, in elements and in attributes.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars().map(plain) {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Returns a character, or another one for what commands a terminal, is no XML,
/// is not seen, or turns text around.
pub(super) fn plain(c: char) -> char {
    match c {
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{ffff}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

/// Returns a text that has room; of a longer one the middle is left out, since a
/// name is told by both ends.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let half = (room / size - 1.0) / 2.0;
    let end = |chars: &mut dyn Iterator<Item = char>| -> String {
        let mut left = half;
        chars
            .take_while(|c| {
                left -= width_of(*c);
                left >= 0.0
            })
            .collect()
    };
    let head = end(&mut text.chars());
    let tail: String = end(&mut text.chars().rev()).chars().rev().collect();
    format!("{head}…{tail}")
}

/// Returns about how wide a text is.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(width_of).sum::<f64>() * size
}

/// Returns about how wide a character is, as a part of the size of the text.
fn width_of(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | '-' | ' ' | '\'' | '|' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.95,
        'A'..='Z' => 0.7,
        '…' => 1.0,
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'.. => 1.1,
        _ => 0.64,
    }
}

//----------- Svg --------------------------------------------------------------

/// Which end of a text its place is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Svg {
    /// What is drawn so far.
    body: String,
    /// How wide it is.
    pub(super) width: f64,
    /// How far down.
    pub(super) height: f64,
}

impl Svg {
    /// Returns an empty picture.
    pub(super) fn new(width: f64) -> Self {
        Self { body: String::new(), width, height: 0.0 }
    }

    /// Returns whether there is room for words that can do without.
    pub(super) fn is_wide(&self) -> bool {
        self.width >= WIDE
    }

    /// Draws a rectangle.
    pub(super) fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\"/>"
        );
    }

    /// Draws a rectangle that one sees through, with what it stands for.  Phones
    /// have no pointer that could ask for that.
    pub(super) fn mark(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        class: &str,
        opacity: f64,
        about: &str,
    ) {
        let _ = write!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\""
        );
        if opacity < 1.0 {
            let _ = write!(self.body, " opacity=\"{opacity:.2}\"");
        }
        let _ = if self.is_wide() {
            write!(self.body, "><title>{}</title></rect>", Escaped(about))
        } else {
            write!(self.body, "/>")
        };
    }

    /// Writes a text.
    pub(super) fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let _ = write!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
            Escaped(text)
        );
    }

    /// Draws a line across.
    pub(super) fn line(&mut self, y: f64) {
        let _ = write!(self.body, "<path d=\"M0 {y:.1}H{:.1}\" class=\"line\"/>", self.width);
    }

    /// Draws a line from above.
    pub(super) fn upright(&mut self, x: f64, (from, to): (f64, f64), class: &str) {
        let _ = write!(self.body, "<path d=\"M{x:.1} {from:.1}V{to:.1}\" class=\"{class}\"/>");
    }

    /// Draws a band from one place to another: from x and the upper edge to the
    /// same, as wide as `width`.
    pub(super) fn band(&mut self, from: (f64, f64), to: (f64, f64), width: f64, class: &str, about: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let middle = f64::midpoint(x1, x2);
        let (low1, low2) = (y1 + width, y2 + width);
        let _ = write!(
            self.body,
            "<path d=\"M{x1:.1} {y1:.1}C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {x2:.1} {y2:.1}V{low2:.1}\
             C{middle:.1} {low2:.1} {middle:.1} {low1:.1} {x1:.1} {low1:.1}z\" class=\"flow {class}\">\
             <title>{}</title></path>",
            Escaped(about)
        );
    }

    /// Writes a text of as many lines as it needs, in letters of `size`.
    pub(super) fn paragraph(&mut self, class: &str, size: f64, text: &str) {
        let room = self.width / size;
        let mut line = String::new();
        let mut used = 0.0;
        let write = |svg: &mut Self, line: &mut String| {
            svg.height += size * 1.4;
            svg.text((0.0, svg.height), Anchor::Start, class, line);
            line.clear();
        };
        for word in text.split(' ') {
            let long = width(word, 1.0);
            if !line.is_empty() && used + long > room {
                write(self, &mut line);
                used = 0.0;
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            used += long + width_of(' ');
        }
        write(self, &mut line);
    }

    /// Puts another picture below this one.
    pub(super) fn below(&mut self, other: &Self, x: f64, gap: f64) {
        let at = self.height + gap;
        let _ = write!(self.body, "<g transform=\"translate({x:.0} {at:.1})\">{}</g>", other.body);
        self.height = at + other.height;
    }

    /// Returns the whole picture, with what it is called and what it says.
    /// `inside` comes first in it.
    pub(super) fn finish(&self, title: &str, about: &str, inside: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\">\
             <title>{}</title><desc>{}</desc>{inside}{}</svg>",
            self.width,
            self.height.ceil(),
            Escaped(title),
            Escaped(about),
            self.body
        )
    }
}

/// Returns a number as one that can be drawn.
pub(super) fn as_f64(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Returns the decimal logarithm of one more than a number.
pub(super) fn logarithm(number: u64) -> f64 {
    (as_f64(number) + 1.0).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_told_by_both_ends() {
        let name = "0123456789abcdef-device-metrics-us.amazon.com";
        assert_eq!(fit(name, 12.0, 1_000.0), name);
        let short = fit(name, 12.0, 200.0);
        assert!(
            short.starts_with("012345") && short.ends_with("amazon.com") && short.contains('…'),
            "{short}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_escaped_and_fits(text in "\\PC{0,80}|.{0,80}", room in 0.0..300.0) {
            let escaped = Escaped(&text).to_string();
            let hostile = ['<', '>', '"', '\'', '\0', '\u{1b}', '\u{202e}'];
            prop_assert!(!escaped.contains(hostile));
            for (at, _) in escaped.match_indices('&') {
                let rest = &escaped[at..];
                let known = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
                prop_assert!(known.iter().any(|entity| rest.starts_with(entity)));
            }
            let shown = fit(&text, 12.0, room);
            prop_assert!(shown == text || width(&shown, 12.0) <= room.max(12.0) + 0.1);
        }
    }
}
