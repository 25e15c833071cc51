//! Signed names are marked, forged ones refused, and whoever checks himself
//! gets the data.

use super::in_house;

#[test]
fn signed_is_marked_bogus_is_refused_and_cd_gets_the_data() {
    in_house("house::dnssec::signed_is_marked_bogus_is_refused_and_cd_gets_the_data", |house| {
        let server = house.sordino("");
        for way in ["@192.168.178.2", "+tcp @fd00:178::2"] {
            // Cold, and then from the cache.
            for _ in 0..2 {
                for name in ["www.signed.org A", "alias.signed.org A", "x.wild.signed.org A"] {
                    let signed = house.dig("laptop", &format!("{way} +dnssec {name}"));
                    signed.assert_resolved();
                    assert!(signed.flag("ad"), "{}", signed.shown);
                    assert!(signed.shown.contains("RRSIG"), "{}", signed.shown);
                }
                let plain = house.dig("laptop", &format!("{way} +noadflag www.signed.org"));
                assert!(!plain.flag("ad") && !plain.shown.contains("RRSIG"), "{}", plain.shown);
                let unsigned = house.dig("laptop", &format!("{way} +dnssec api.amazon.com"));
                unsigned.assert_resolved();
                assert!(!unsigned.flag("ad"), "{}", unsigned.shown);
                for (name, status) in [("none.signed.org A", "NXDOMAIN"), ("www.signed.org MX", "NOERROR")] {
                    let negative = house.dig("laptop", &format!("{way} +dnssec {name}"));
                    assert_eq!(negative.status, status, "{}", negative.shown);
                    assert!(negative.flag("ad") && negative.records.is_empty(), "{}", negative.shown);
                }
                let bogus = house.dig("laptop", &format!("{way} www.bogus.org"));
                assert_eq!(bogus.status, "SERVFAIL", "{}", bogus.shown);
                assert!(bogus.error.unwrap_or_default().starts_with("9 (DNSKEY Missing)"), "{}", bogus.shown);
                let unchecked = house.dig("laptop", &format!("{way} +cd www.bogus.org"));
                unchecked.assert_resolved();
                assert!(!unchecked.flag("ad"), "{}", unchecked.shown);
            }
        }
        assert!(server.metric("sordino_dnssec_total", &["result=\"secure\""]) > 0);
        assert!(server.metric("sordino_dnssec_total", &["result=\"bogus\""]) > 0);
    });
}
