//! The lists that come with Sordino, inside the program, so that it works
//! without any file beside it.

/// The lists: how each is named in answers and messages, and its text.
pub const FILES: &[(&str, &str)] = &[
    ("blocklists/alexa.txt", include_str!("../../blocklists/alexa.txt")),
    ("blocklists/amazon-echo.txt", include_str!("../../blocklists/amazon-echo.txt")),
    ("blocklists/apple-homepod.txt", include_str!("../../blocklists/apple-homepod.txt")),
    ("blocklists/audio-ads.txt", include_str!("../../blocklists/audio-ads.txt")),
    ("blocklists/bose-soundtouch.txt", include_str!("../../blocklists/bose-soundtouch.txt")),
    ("blocklists/encrypted-dns.txt", include_str!("../../blocklists/encrypted-dns.txt")),
    ("blocklists/google-nest.txt", include_str!("../../blocklists/google-nest.txt")),
    ("blocklists/harman-jbl.txt", include_str!("../../blocklists/harman-jbl.txt")),
    ("blocklists/heos.txt", include_str!("../../blocklists/heos.txt")),
    ("blocklists/linkplay.txt", include_str!("../../blocklists/linkplay.txt")),
    ("blocklists/meta-portal.txt", include_str!("../../blocklists/meta-portal.txt")),
    ("blocklists/music.txt", include_str!("../../blocklists/music.txt")),
    ("blocklists/podcasts.txt", include_str!("../../blocklists/podcasts.txt")),
    ("blocklists/radio.txt", include_str!("../../blocklists/radio.txt")),
    ("blocklists/roku.txt", include_str!("../../blocklists/roku.txt")),
    ("blocklists/samsung-soundbar.txt", include_str!("../../blocklists/samsung-soundbar.txt")),
    ("blocklists/skills.txt", include_str!("../../blocklists/skills.txt")),
    ("blocklists/sonos.txt", include_str!("../../blocklists/sonos.txt")),
    ("blocklists/xiaomi-xiaoai.txt", include_str!("../../blocklists/xiaomi-xiaoai.txt")),
    ("blocklists/yandex-station.txt", include_str!("../../blocklists/yandex-station.txt")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::catalog::FamilyFile;
    use crate::catalog::lint;
    use crate::catalog::parse;

    fn files() -> Vec<FamilyFile> {
        FILES.iter().map(|(name, text)| parse::parse(name, text).unwrap()).collect()
    }

    #[test]
    fn every_list_in_the_folder_comes_along() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/blocklists");
        let mut there: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "txt"))
            .map(|path| format!("blocklists/{}", path.file_name().unwrap().to_string_lossy()))
            .collect();
        there.sort();
        assert_eq!(there, FILES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn the_lists_are_clean_and_in_canonical_form() {
        for file in files() {
            let remarks: Vec<_> = lint::lint(&file).iter().map(ToString::to_string).collect();
            assert_eq!(remarks, Vec::<String>::new());
        }
        for (name, text) in FILES {
            assert!(lint::fmt(name, text).unwrap() == *text, "{name}: `sordino lists fmt {name}` mends it");
        }
    }

    #[test]
    fn no_list_takes_a_name_from_a_function() {
        let faults = Catalog::build(&files()).err().unwrap_or_default();
        let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, Vec::<String>::new());
    }
}
