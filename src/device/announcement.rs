//! [`Announcement`]: what a device says to everybody on the link that it is.
//
//  Here and not in `listen`, because what it means is recognized here.

use crate::catalog::SignKind;

/// What a device announces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Announcement {
    /// A service over mDNS (RFC 6763).
    Service {
        /// Its type, like `_sonos._tcp`, lower case.
        service: String,
        /// What it says of it: keys, lower case, and values.
        txt: Vec<(String, String)>,
    },
    /// A kind of device over SSDP.
    Upnp(String),
}

impl Announcement {
    /// Returns whether this is what a sign is about.
    pub fn fits(&self, kind: &SignKind) -> bool {
        match (self, kind) {
            (Self::Service { service, txt }, SignKind::Mdns { service: wanted, txt: said }) => {
                let says = |(key, begin): &(Box<str>, Box<str>)| {
                    txt.iter().any(|(own, value)| **own == **key && value.starts_with(&**begin))
                };
                **service == **wanted && said.as_ref().is_none_or(says)
            }
            (Self::Upnp(kind), SignKind::Ssdp(wanted)) => **kind == **wanted,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(word: &str, rest: &str) -> SignKind {
        let text = format!("family f\n[identify]\n{word} {rest}\n");
        crate::catalog::parse::parse("f", &text).unwrap().signs[0].kind.clone()
    }

    #[test]
    fn a_sign_may_want_a_word_of_the_txt_record() {
        let cast = Announcement::Service {
            service: "_googlecast._tcp".to_owned(),
            txt: vec![("md".to_owned(), "Google Home Mini".to_owned())],
        };
        assert!(cast.fits(&sign("mdns", "_googlecast._tcp")));
        assert!(cast.fits(&sign("mdns", "_googlecast._tcp md=Google Home*")));
        assert!(!cast.fits(&sign("mdns", "_googlecast._tcp md=Chromecast*")));
        assert!(!cast.fits(&sign("mdns", "_sonos._tcp")));
        assert!(Announcement::Upnp("roku:ecp".to_owned()).fits(&sign("ssdp", "roku:ecp")));
    }
}
