//! What the parser must get right, and every way to get it wrong.

use super::*;
use proptest::prelude::*;

/// The example of the contract.
const EXAMPLE: &str = "\
family amazon-echo

[identify]
mac 44:65:0d
    official 2024-05-01  IEEE MA-L, Amazon Technologies Inc.

[function voice]
avs-alexa-#-{na,eu,fe}.amazon.com
    reported 2021-10-24  easylist/easylist#9474: no voice while blocked

[analytics]
device-metrics-us.amazon.com   # often asked
    tried    2021-07-30  PETS 2021 (arXiv 2105.05162), Echo Dot: main function worked while blocked
";

#[test]
fn the_example_of_the_contract_is_read() {
    let file = parse("amazon-echo.txt", EXAMPLE).unwrap();
    assert_eq!(&*file.name, "amazon-echo");
    assert!(file.identifies);
    assert_eq!(file.signs[0].evidence.len(), 1);
    let [voice, metrics] = &file.rules[..] else { panic!("{:?}", file.rules) };
    assert_eq!(voice.purpose, Purpose::Function(Function::Voice));
    assert_eq!(&*voice.evidence[0].text, "easylist/easylist#9474: no voice while blocked");
    assert_eq!(metrics.pattern.to_string(), "device-metrics-us.amazon.com");
    assert_eq!(metrics.place.to_string(), "amazon-echo.txt:12");
    assert_eq!(&*metrics.evidence[0].date, "2021-07-30");
}

#[test]
fn windows_editors_are_borne() {
    let text = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    assert_eq!(parse("f", &text).unwrap().rules.len(), 2);
}

#[test]
fn signs_in_a_row_share_their_evidence() {
    let text = "family f\n[identify]\nmac 00:00:01\nmac 00:00:02\n    official 2024-01-01 both\nmac 00:00:03\n    official 2024-01-01 one\n";
    let signs = parse("f", text).unwrap().signs;
    assert_eq!(signs.iter().map(|sign| &*sign.evidence[0].text).collect::<Vec<_>>(), ["both", "both", "one"]);
}

#[test]
fn signs_may_speak_against_and_have_a_weight() {
    let text = "family f\n[identify]\nhost sonoszp 20%\nnot asks firetvcaptiveportal.com\n    reported 2024-01-01 both\nmdns\n";
    let faults = parse("f", text).unwrap_err();
    assert_eq!((faults.len(), faults[0].line), (1, 6));
    let signs = parse("f", text.trim_end_matches("mdns\n")).unwrap().signs;
    let [host, asks] = &signs[..] else { panic!("{signs:?}") };
    assert_eq!((host.kind.to_string().as_str(), host.against, host.weight), ("host sonoszp", false, 20));
    assert_eq!((asks.against, asks.weight), (true, 50));
    assert_eq!(asks.facts(), ["asks firetvcaptiveportal.com"]);
    assert_eq!(host.evidence, asks.evidence);
}

#[test]
fn every_fault_is_named_with_its_place() {
    for (text, place, say) in [
        ("", "", "does not begin with"),
        ("x\n", ":1:1", "before the first section"),
        ("family F\n", ":1:1", "a-z, 0-9"),
        ("family f\nfamily g\n", ":2:1", "a second `family`"),
        ("family f\n[nonsense]\n", ":2:2", "`nonsense` is no section; there are: advertising,"),
        ("family f\n[function tea]\n", ":2:11", "`tea` is no function; there are: account,"),
        ("family f\n[identify]\nmac 44:65\n", ":3:5", "not a MAC prefix"),
        ("family f\n[identify]\nhost x 100%\n", ":3:8", "from 1 to 99"),
        ("family f\n[identify]\nssid x\n", ":3:1", "`ssid` is no sign; there are: asks, host, mac, maker,"),
        ("family f\n[analytics]\na..b\n", ":3:1", "empty label"),
        (
            "family f\n[analytics]\na.b\n  seen 2024-01-01 x\n",
            ":4:3",
            "`seen` is no kind of evidence; there are: breaks,",
        ),
        ("family f\n[analytics]\na.b\n  tried 2023-02-29 x\n", ":4:9", "the date"),
        ("family f\n[analytics]\na.b\n  tried 2024-02-29\n", ":4:3", "where it is from"),
        ("family f\n[analytics]\n  tried 2024-02-29 x\n", ":3:3", "none above"),
    ] {
        let faults = parse("f.txt", text).unwrap_err();
        let shown = faults[0].to_string();
        assert!(shown.starts_with(&format!("f.txt{place}: ")) && shown.contains(say), "{text:?}: {shown}");
    }
}

#[test]
fn all_faults_are_told_at_once_and_not_without_end() {
    let faults = parse("f", "family f\n[analytics]\na..b\nc..d\n").unwrap_err();
    assert_eq!(faults.len(), 2);
    let many = format!("family f\n[analytics]\n{}", "a..b\n".repeat(1000));
    assert_eq!(parse("f", &many).unwrap_err().len(), MAX_FAULTS);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(family f\n|\\[analytics\\]\n|[a-z#{},.* \t\r\n-]{0,20}\n|  tried 2024-01-01 x\n|.{0,10}){0,20}") {
        let _ = parse("f", &text);
    }
}
