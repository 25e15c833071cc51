//! A flood of names that nobody asks for again, beside names that are.

use super::*;
use hickory_proto::rr::rdata::SOA;
use std::net::Ipv4Addr;

/// How many names are asked for again and again.
const POPULAR: u32 = 1_000;

/// How many questions for them go by before anything is counted.
const WARM_UP: u32 = 20_000;

/// How many are counted.
const COUNTED: u32 = 60_000;

/// The pause between two questions for popular names.
const PAUSE: Duration = Duration::from_millis(100);

/// Numbers that are the same in every run (Knuth's generator).
struct Numbers(u64);

impl Numbers {
    /// Returns a number from 0 up to, and without, 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / 2f64.powi(32)
    }
}

fn a(name: &str) -> Key {
    let question = Question { name: name.parse().unwrap(), rtype: Rtype::A, checking_disabled: false };
    Key { realm: 0, question }
}

fn addresses(key: &Key, ttl: u32, count: u8) -> Arc<AnswerData> {
    let owner = Name::from_ascii(format!("{}.", key.question.name)).unwrap();
    let address = |nth| RData::A(Ipv4Addr::new(192, 0, 2, nth).into());
    let records = (0..count).map(|nth| Record::from_rdata(owner.clone(), ttl, address(nth))).collect();
    Arc::new(AnswerData::new(&key.question, ResponseCode::NoError, records, vec![], false))
}

/// What an answer of the flood is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flood {
    /// The name does not exist.
    Missing,
    /// It does, as all names below a wildcard do.
    Wildcard,
}

fn nothing(key: &Key) -> Arc<AnswerData> {
    let name = |text| Name::from_ascii(text).unwrap();
    let soa = SOA::new(name("ns1.example.net."), name("hostmaster.example.net."), 1, 1, 1, 1, 3_600);
    let soa = Record::from_rdata(name("example.net."), 3_600, RData::SOA(soa));
    Arc::new(AnswerData::new(&key.question, ResponseCode::NXDomain, vec![], vec![soa], false))
}

/// Returns how many percent of the popular answers that have to be there are.
fn kept(cache: &AnswerCache, flood: Flood, rate: f64) -> f64 {
    let clock = ManualClock::at(0);
    let mut numbers = Numbers(42);
    let popular: Vec<_> = (0..POPULAR)
        .map(|nth| {
            let key = a(&format!("host{nth}.service{}.example.com", nth % 97));
            let data = addresses(&key, 60 * (1 + nth % 10), u8::try_from(1 + nth % 4).unwrap());
            (key, data)
        })
        .collect();
    // Zipf: the name of rank N is asked for 1/N times as often as the first.
    let mut sum = 0.0;
    let up_to: Vec<f64> = (1..=POPULAR)
        .map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        })
        .collect();
    let mut good_until = vec![None; popular.len()];
    let like = a("0000000000000000.example.net");
    let washed = if flood == Flood::Missing { nothing(&like) } else { addresses(&like, 3_600, 1) };
    let (mut due, mut nth) = (0.0, 0_u64);
    let (mut all, mut found) = (0_u32, 0_u32);
    for asked in 0..WARM_UP + COUNTED {
        clock.advance(PAUSE);
        let now = clock.now();
        due += rate;
        while due >= 1.0 {
            (due, nth) = (due - 1.0, nth + 1);
            let key = a(&format!("{nth:016x}.example.net"));
            assert!(cache.get(key.borrowed(), now).is_none());
            cache.put(key, &washed, now);
        }
        let point = numbers.next() * sum;
        let rank = up_to.partition_point(|to| *to <= point).min(popular.len() - 1);
        let (key, data) = &popular[rank];
        let hit = cache.get(key.borrowed(), now).is_some_and(|kept| kept.fresh);
        if asked >= WARM_UP && good_until[rank].is_some_and(|until| now.instant < until) {
            all += 1;
            found += u32::from(hit);
        }
        if !hit {
            cache.put(key.clone(), data, now);
            good_until[rank] = Some(now.instant + Duration::from_secs(data.ttl.into()));
        }
    }
    f64::from(found) / f64::from(all) * 100.0
}

/// Returns a cache as the library makes it.
fn as_it_comes(octets: u64) -> AnswerCache {
    let existing = Cache::with_weighter(usize::try_from(octets / USUAL).unwrap(), octets, ByOctets);
    AnswerCache { existing, ..AnswerCache::new(octets) }
}

#[test]
fn a_flood_does_not_wash_out_what_is_popular() {
    for (mebi, rate, flood, at_least) in [
        (1, 0.2, Flood::Missing, 99.0),
        (1, 5.0, Flood::Missing, 99.0),
        (32, 0.2, Flood::Missing, 99.0),
        (32, 5.0, Flood::Missing, 99.0),
        (1, 0.2, Flood::Wildcard, 99.0),
        (1, 5.0, Flood::Wildcard, 95.0),
    ] {
        let kept = kept(&AnswerCache::new(mebi << 20), flood, rate);
        println!("{mebi} MiB, {flood:?}, {rate} times: {kept:.2} %");
        assert!(kept >= at_least, "{mebi} MiB, {flood:?}, {rate} times: {kept} %");
    }
}

/// Not a test but the measurement to compare with: both on one shelf, where it
/// makes no difference what an answer says.
#[test]
#[ignore = "only prints"]
fn as_the_library_comes() {
    for (mebi, rate) in [(1, 0.2), (1, 5.0), (32, 0.2), (32, 5.0)] {
        let kept = kept(&as_it_comes(mebi << 20), Flood::Wildcard, rate);
        println!("{mebi} MiB, one shelf, {rate} times: {kept:.2} %");
    }
}
