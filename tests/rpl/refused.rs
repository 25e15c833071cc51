//! What scenarios may say and are not played with: each word, and why.
//!
//! A word in neither this table nor the readers is refused as well: what is not
//! understood is not passed by.

/// Words, and what is the matter with them.
const REFUSED: &[(&str, &str)] = &[
    // Steps.
    ("CHECK_AUTOTRUST", "a file of unbound's; Sordino follows the root's keys alone, in a file of its own"),
    ("CHECK_TEMPFILE", "a file of unbound's"),
    ("FLUSH_MESSAGE", "a command for unbound's cache"),
    ("EXPIRE_MESSAGE", "a command for unbound's cache"),
    // Entries.
    ("EXTRA_PACKET", "a zone transfer; Sordino makes none"),
    ("TEMPFILE_NAME", "a zone of unbound's own, or a policy zone; Sordino has neither"),
    ("TEMPFILE_CONTENTS", "a zone of unbound's own, or a policy zone; Sordino has neither"),
    ("random_client_cookie", "Sordino sends no cookies (RFC 7873)"),
    ("server_cookie", "Sordino sends no cookies (RFC 7873)"),
    ("copy_ednsdata_assume_clientsubnet", "Sordino tells nobody who asked (RFC 7871)"),
    ("increment_ecs_scope", "Sordino tells nobody who asked (RFC 7871)"),
    ("nsid", "Sordino asks servers for no names (RFC 5001)"),
    // Zones with servers of their own.
    (
        "forward-first",
        "names of a zone are the house's, and are not told outside when its servers are silent",
    ),
    ("stub-first", "names of a zone are the house's, and are not told outside when its servers are silent"),
    ("stub-host", "servers of a zone are set by address"),
    ("forward-host", "servers of a zone are set by address"),
    ("stub-tls-upstream", "the scripted network has no TLS"),
    ("forward-tls-upstream", "the scripted network has no TLS"),
    ("stub-ssl-upstream", "the scripted network has no TLS"),
    ("forward-ssl-upstream", "the scripted network has no TLS"),
    ("forward-no-cache", "whatever is found is kept for its TTL"),
    ("stub-no-cache", "whatever is found is kept for its TTL"),
    // Other features.
    ("auth-zone", "Sordino has no zones of its own"),
    ("rpz", "what is blocked is said by lists, not by zones (RPZ)"),
    ("local-zone", "what is answered here is special-use names (RFC 6761) and exceptions"),
    ("local-data", "what is answered here is special-use names (RFC 6761) and exceptions"),
    (
        "private-address",
        "addresses of the house are always refused from outside (tests/scenarios/rebinding.txt)",
    ),
    (
        "private-domain",
        "addresses of the house are always refused from outside (tests/scenarios/rebinding.txt)",
    ),
    ("view", "who may ask what is said by policies"),
    ("access-control-view", "who may ask what is said by policies"),
    ("ratelimit", "how fast zones are asked is bounded by the work of each question"),
    ("ip-ratelimit", "how fast clients may ask is said in listen/pace.rs"),
    ("dns64", "Sordino makes no addresses (RFC 6147)"),
    ("respip", "what is in answers is judged by policies"),
    ("subnetcache", "Sordino tells nobody who asked (RFC 7871)"),
    ("cachedb", "there is one cache, in memory"),
    ("ipsecmod", "Sordino opens no tunnels"),
    ("python", "Sordino runs no scripts"),
    ("dns64-prefix", "Sordino makes no addresses (RFC 6147)"),
    ("dns64-synthall", "Sordino makes no addresses (RFC 6147)"),
    ("send-client-subnet", "Sordino tells nobody who asked (RFC 7871)"),
    ("client-subnet-zone", "Sordino tells nobody who asked (RFC 7871)"),
    ("dlv-anchor", "look-aside validation is history (RFC 8749)"),
    ("dlv-anchor-file", "look-aside validation is history (RFC 8749)"),
    ("cache-min-ttl", "a TTL is never made longer"),
    ("cache-max-ttl", "the longest TTL is a day, whatever is set"),
    ("cache-max-negative-ttl", "the longest negative TTL is an hour, whatever is set"),
    ("qname-minimisation-strict", "whole names are shown where parts of them fail (RFC 9156 section 2.3)"),
    ("disable-edns-do", "signatures are always asked for"),
    ("hide-version", "CH is not answered"),
    ("version", "CH is not answered"),
];

/// Returns why a word is refused, if it is known and is.
pub(crate) fn why(word: &str) -> Option<String> {
    let (word, why) = REFUSED.iter().find(|(refused, _)| *refused == word)?;
    Some(format!("refused: {word}: {why}"))
}

/// Returns why a word is refused that nobody understands.
pub(crate) fn unknown(word: &str) -> String {
    why(word).unwrap_or_else(|| format!("not understood: {word}"))
}

#[test]
fn every_word_is_refused_once_and_with_a_reason() {
    for (nth, (word, _)) in REFUSED.iter().enumerate() {
        assert!(REFUSED.iter().skip(nth + 1).all(|(other, _)| other != word), "{word}");
    }
    assert!(unknown("stub-first").contains("told outside") && unknown("x") == "not understood: x");
}
