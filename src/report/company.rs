//! [`company`]: who is behind a name.
//
//  Facts from public registers and the makers' own pages, for the names that
//  speakers ask for.  Of others the registrable domain is shown, as far as it can
//  be told without the public suffix list, which would double the program.

/// Companies and the domains they own, each with all below.
const COMPANIES: &[(&str, &[&str])] = &[
    (
        "Amazon",
        &[
            "a2z.com",
            "aiv-cdn.net",
            "alexa.com",
            "amazon",
            "amazon-adsystem.com",
            "amazon-dss.com",
            "amazon.com",
            "amazon.co.uk",
            "amazon.de",
            "amazon.dev",
            "amazon.fr",
            "amazonalexa.com",
            "amazonaws.com",
            "amazoncrl.com",
            "amazontrust.com",
            "amazonvideo.com",
            "amcs-tachyon.com",
            "apl-alexa.com",
            "aws.dev",
            "cloudfront.net",
            "fireoscaptiveportal.com",
            "images-amazon.com",
            "media-amazon.com",
            "mmechocaptiveportal.com",
            "ntp-fireos.com",
            "ota-cloudfront.net",
            "primevideo.com",
            "pv-cdn.net",
            "ssl-images-amazon.com",
            "voiceapps.com",
        ],
    ),
    (
        "Apple",
        &[
            "aaplimg.com",
            "apple",
            "apple-cloudkit.com",
            "apple-dns.net",
            "apple.com",
            "cdn-apple.com",
            "icloud.com",
            "itunes.com",
            "mzstatic.com",
            "shazam.com",
        ],
    ),
    (
        "Google",
        &[
            "1e100.net",
            "android.com",
            "app-measurement.com",
            "crashlytics.com",
            "doubleclick.net",
            "ggpht.com",
            "goog",
            "google",
            "google-analytics.com",
            "google.com",
            "google.de",
            "googleadservices.com",
            "googleapis.com",
            "googlesyndication.com",
            "googletagmanager.com",
            "googleusercontent.com",
            "googlevideo.com",
            "gstatic.com",
            "gvt1.com",
            "gvt2.com",
            "nest.com",
            "youtube.com",
            "ytimg.com",
        ],
    ),
    ("Sonos", &["sonos.com", "sonos.radio"]),
    ("Bose", &["bose.com", "bose.io", "bosecm.com"]),
    ("Roku", &["ravm.tv", "roku.com", "rokutime.com"]),
    (
        "Samsung",
        &[
            "samsung.com",
            "samsungacr.com",
            "samsungadhub.com",
            "samsungads.com",
            "samsungcloudcdn.com",
            "samsungcloudsolution.com",
            "samsungcloudsolution.net",
            "samsungiotcloud.com",
            "samsungknox.com",
            "samsungosp.com",
            "samsungotn.net",
            "smartthings.com",
        ],
    ),
    (
        "Xiaomi",
        &[
            "mi.com",
            "miaibox.com",
            "miui.com",
            "xiaoaiassist.com",
            "xiaomi.com",
            "xiaomi.net",
            "xiaomixiaoai.com",
        ],
    ),
    ("Yandex", &["ya.ru", "yandex.com", "yandex.net", "yandex.ru"]),
    ("Meta", &["facebook-hardware.com", "facebook.com", "fb.com", "fbcdn.net", "meta.com", "whatsapp.net"]),
    ("Harman (JBL)", &["harman.com", "jbl.com"]),
    ("Denon (HEOS)", &["skyegloup.com"]),
    ("Linkplay", &["linkplay.com", "rakoit.com"]),
    ("Spotify", &["megaphone.fm", "pscdn.co", "scdn.co", "spotify.com", "spotifycdn.com"]),
    ("TuneIn", &["radiotime.com", "tunein.com"]),
    ("vTuner", &["vtuner.com"]),
    ("SiriusXM (Pandora, AdsWizz)", &["adswizz.com", "pandora.com", "simplecast.com", "siriusxm.com"]),
    ("iHeart (Triton)", &["iheart.com", "omny.fm", "streamtheworld.com", "tritondigital.com"]),
    ("TIDAL", &["tidal.com", "tidalhifi.com", "wimpmusic.com"]),
    ("SoundCloud", &["sndcdn.com", "soundcloud.com"]),
    ("Deezer", &["deezer.com", "dzcdn.net"]),
    ("Podtrac", &["podtrac.com"]),
    ("Paramount (Last.fm)", &["audioscrobbler.com", "last.fm"]),
    (
        "Akamai",
        &[
            "akadns.net",
            "akamai.net",
            "akamaiedge.net",
            "akamaihd.net",
            "akamaized.net",
            "edgekey.net",
            "edgesuite.net",
        ],
    ),
    ("Cloudflare", &["cloudflare.com", "cloudflare.net"]),
    ("Fastly", &["fastly.net", "fastlylb.net"]),
    ("Signify (Hue)", &["meethue.com"]),
    ("Microsoft", &["azure.com", "microsoft.com", "msftncsi.com", "windows.net"]),
    ("NTP Pool", &["ntp.org"]),
];

/// Second labels below a country under which others register.
const SHARED: [&str; 8] = ["ac", "co", "com", "edu", "gov", "net", "ne", "org"];

/// Returns the company behind a name, or else its registrable domain.
pub(super) fn company(name: &str) -> String {
    let below =
        |domain: &str| name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let known = COMPANIES.iter().find(|(_, domains)| domains.iter().any(|domain| below(domain)));
    known.map_or_else(|| registrable(name).to_owned(), |(company, _)| (*company).to_owned())
}

/// Returns the last two labels of a name, or three below `co.uk` and the like.
fn registrable(name: &str) -> &str {
    let dots: Vec<_> = name.rmatch_indices('.').map(|(at, _)| at).collect();
    let second = match dots[..] {
        [last, second, ..] => &name[second + 1..last],
        [last] => &name[..last],
        [] => return name,
    };
    let country = name.len() - dots[0] == 3;
    let labels = if country && SHARED.contains(&second) { 3 } else { 2 };
    dots.get(labels - 1).map_or(name, |at| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_to_companies_or_to_their_domain() {
        for (name, expected) in [
            ("avs-alexa-14-eu.amazon.com", "Amazon"),
            ("amazon.com", "Amazon"),
            ("notamazon.com", "notamazon.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("a.b.example.de", "example.de"),
            ("localhost", "localhost"),
            (".", "."),
            ("", ""),
            ("co.uk", "co.uk"),
            ("0.de.pool.ntp.org", "NTP Pool"),
        ] {
            assert_eq!(company(name), expected, "{name}");
        }
    }

    #[test]
    fn no_domain_is_two_companies() {
        let mut all: Vec<_> = COMPANIES.iter().flat_map(|(_, domains)| *domains).collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
