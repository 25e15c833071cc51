//! [`Announcement`]: what a device says to everybody on the link that it is.
//
//  Here and not in `listen`, because what it means is recognized here.

use crate::catalog::SignKind;

/// Most characters of the name of a room.
const MOST_ROOM: usize = 64;

/// What a device announces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Announcement {
    /// A service over mDNS (RFC 6763).
    Service {
        /// Its type, like `_sonos._tcp`, lower case.
        service: String,
        /// Its name for people, which is often that of a room.
        instance: Option<String>,
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
            (Self::Service { service, txt, .. }, SignKind::Mdns { service: wanted, txt: said }) => {
                let says = |(key, begin): &(Box<str>, Box<str>)| {
                    txt.iter().any(|(own, value)| **own == **key && value.starts_with(&**begin))
                };
                **service == **wanted && said.as_ref().is_none_or(says)
            }
            (Self::Upnp(kind), SignKind::Ssdp(wanted)) => **kind == **wanted,
            _ => false,
        }
    }

    /// Returns what the room is called in which the device stands, if it says so.
    pub fn room(&self) -> Option<String> {
        let Self::Service { service, instance, txt } = self else { return None };
        let room = match service.as_str() {
            "_googlecast._tcp" => txt.iter().find(|(key, _)| key == "fn").map(|(_, value)| value.as_str()),
            // `RINCON_949F3E000001@Kitchen`, `949F3E000001@Kitchen`
            "_sonos._tcp" | "_raop._tcp" => instance.as_deref()?.split_once('@').map(|(_, room)| room),
            "_airplay._tcp" => instance.as_deref(),
            _ => None,
        };
        let fine = |c: &char| !c.is_control() && *c != '\u{202e}';
        let room: String = room?.trim().chars().filter(fine).take(MOST_ROOM).collect();
        (!room.is_empty()).then_some(room)
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
            instance: None,
            txt: vec![("md".to_owned(), "Google Home Mini".to_owned())],
        };
        assert!(cast.fits(&sign("mdns", "_googlecast._tcp")));
        assert!(cast.fits(&sign("mdns", "_googlecast._tcp md=Google Home*")));
        assert!(!cast.fits(&sign("mdns", "_googlecast._tcp md=Chromecast*")));
        assert!(!cast.fits(&sign("mdns", "_sonos._tcp")));
        assert_eq!(cast.room(), None);
        assert!(Announcement::Upnp("roku:ecp".to_owned()).fits(&sign("ssdp", "roku:ecp")));
    }

    #[test]
    fn the_room_stands_where_each_maker_puts_it() {
        let says = |service: &str, instance: &str, txt: &[(&str, &str)]| {
            let txt = txt.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let (service, instance) = (service.to_owned(), Some(instance.to_owned()));
            Announcement::Service { service, instance, txt }.room()
        };
        assert_eq!(says("_googlecast._tcp", "x", &[("fn", "Kitchen pair")]).as_deref(), Some("Kitchen pair"));
        assert_eq!(says("_sonos._tcp", "RINCON_949F3E000001@Küche", &[]).as_deref(), Some("Küche"));
        assert_eq!(says("_raop._tcp", "949F3E000001@Den", &[]).as_deref(), Some("Den"));
        assert_eq!(says("_airplay._tcp", "Den (2)", &[]).as_deref(), Some("Den (2)"));
        assert_eq!(says("_sonos._tcp", "sonosRINCON", &[]), None);
        assert_eq!(says("_hap._tcp", "Lamp", &[]), None);
    }
}
