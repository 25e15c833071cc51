//! List servers that fail in every way we know, on loopback: the last good
//! rules stay, the failure is counted, and it says why.

mod house;
mod server;

use std::sync::Arc;
use std::time::Duration;

use sordino::base::time::SystemClock;
use sordino::source::fetch::Fetcher;
use sordino::source::fetch::Lookup;
use sordino::source::fetch::Roots;
use sordino::source::refresh::DEFAULT_INTERVAL;
use sordino::source::refresh::Doubt;
use sordino::source::refresh::Outcome;
use sordino::source::refresh::Refresher;
use sordino::source::refresh::Source;

use house::House;
use house::RULES;
use house::assert_fails;
use house::assert_good;
use house::assert_stays;
use house::gzip;
use house::list;
use house::now;
use house::parse;
use house::redirect;
use house::response;
use server::Authority;
use server::HOST;
use server::Reply;
use server::Server;

//----------- What goes well ---------------------------------------------------

#[test]
fn an_update_is_kept_and_the_next_question_is_conditional() {
    let (house, server) = (House::new("good"), Server::plain());
    let refresher = house.refresher(&[&server.url()]);
    assert_eq!(refresher.due(now()), [0]);
    let headers = ["ETag: W/\"1\"", "Last-Modified: Tue, 15 Nov 1994 12:45:26 GMT", "Set-Cookie: who=you"];
    server.says(Reply::Whole(response("200 OK", &headers, list(RULES))));
    match refresher.refresh(0, now(), Doubt::Refuse) {
        Outcome::Updated { list, rules, before, unsaved } => {
            assert_eq!((list.0.rules, rules, before, unsaved), (1_000, 1_000, None, None));
        }
        _ => panic!("no update"),
    }
    assert_eq!(house.copy(), Some(list(RULES)));
    let request = server.requests().concat();
    assert!(!request.contains("if-none-match") && !request.contains("if-modified-since"), "{request}");

    // Another process asks: what it knows comes from the copy.
    server.says(Reply::Whole(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()));
    let refresher = house.refresher(&[&server.url()]);
    assert!(matches!(refresher.refresh(0, now(), Doubt::Refuse), Outcome::Unchanged));
    let request = server.requests().concat();
    assert!(request.contains("if-none-match: w/\"1\"\r\n"), "{request}");
    assert!(request.contains("if-modified-since: tue, 15 nov 1994 12:45:26 gmt\r\n"), "{request}");
    let facts = refresher.facts().next().unwrap().1;
    assert_eq!((facts.rules, facts.failures_total), (Some(1_000), 0));
    assert!(refresher.due(now()).is_empty());

    // Of ourselves we say the name and the version of the program.
    let mut names: Vec<_> = request.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept-encoding", "host", "if-modified-since", "if-none-match", "user-agent"]);
    assert!(request.contains(&format!("user-agent: sordino/{}\r\n", env!("CARGO_PKG_VERSION"))), "{request}");
    assert_eq!(*house.names.0.lock().unwrap(), [HOST, HOST]);
}

#[test]
fn gzip_chunks_and_redirects_are_followed_to_a_list() {
    let (house, server) = (House::new("packed"), Server::plain());
    let packed = gzip(list(RULES));
    let chunked = |body: &[u8]| {
        let mut octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for part in body.chunks(700) {
            octets
                .extend(format!("{:x}\r\n", part.len()).bytes().chain(part.iter().copied()).chain(*b"\r\n"));
        }
        [octets, b"0\r\n\r\n".to_vec()].concat()
    };
    let unmarked = [&b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"[..], &packed].concat();
    for octets in
        [response("200 OK", &["Content-Encoding: gzip"], &packed), chunked(list(RULES).as_bytes()), unmarked]
    {
        server.says(Reply::Whole(octets));
        let refresher = house.refresher(&[&server.url()]);
        let outcome = refresher.refresh(0, now(), Doubt::Refuse);
        assert!(matches!(outcome, Outcome::Updated { rules: 1_000, .. }), "{:?}", refresher.facts().next());
    }
    let end = Server::plain();
    end.says(Reply::Whole(response("200 OK", &[], list(RULES))));
    server.says(Reply::Whole(redirect(&end.url().replace(HOST, "other.test"))));
    let refresher = house.refresher(&[&server.url()]);
    assert!(matches!(refresher.refresh(0, now(), Doubt::Refuse), Outcome::Updated { .. }));
}

//----------- What goes wrong --------------------------------------------------

#[test]
fn a_status_that_is_none_of_ours_changes_nothing() {
    let (house, server) = (House::new("status"), Server::plain());
    for status in
        ["404 Not Found", "500 Internal Server Error", "204 No Content", "206 Partial Content", "300 x"]
    {
        let octets = response(status, &[], list(RULES));
        assert_stays(&house, &server, Reply::Whole(octets), &format!("status {}", &status[..3]));
    }
}

#[test]
fn a_304_that_nobody_asked_for_changes_nothing() {
    let (house, server) = (House::new("unasked"), Server::plain());
    server.says(Reply::Whole(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec()));
    let refresher = house.refresher(&[&server.url()]);
    assert!(matches!(refresher.refresh(0, now(), Doubt::Refuse), Outcome::Failed(_)));
    assert_eq!(house.copy(), None);
}

#[test]
fn a_body_that_is_no_list_changes_nothing() {
    let (house, server) = (House::new("body"), Server::plain());
    let half_junk = list(500) + &"what is this\n".repeat(500);
    let latin1 = [list(RULES).as_bytes(), b"# B\xfccher\n"].concat();
    for (body, complaint) in [
        (b"<!DOCTYPE html><html><body>Please log in</body></html>".to_vec(), "web page"),
        (Vec::new(), "no rule"),
        (b"# Only words\n# about rules\n".to_vec(), "no rule"),
        (half_junk.into_bytes(), "500 of 1000 lines were not understood"),
        (latin1, "no text"),
        (list(RULES * 10).into_bytes(), "rose from 1000 to 10000 rules"),
        (list(RULES / 2).into_bytes(), "fell from 1000 to 500 rules"),
        (list(1).into_bytes(), "fell from 1000 to 1 rules"),
    ] {
        assert_stays(&house, &server, Reply::Whole(response("200 OK", &["ETag: \"bad\""], body)), complaint);
    }
}

#[test]
fn a_body_that_is_cut_or_too_large_changes_nothing() {
    let (house, server) = (House::new("cut"), Server::plain());
    let packed = gzip(list(RULES));
    let zip = &["Content-Encoding: gzip"];
    let whole = response("200 OK", &[], list(RULES));
    let chunk =
        |rest: &str| [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", rest.as_bytes()].concat();
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n", list(RULES).as_bytes()].concat();
    let two_files = [packed.clone(), b"rest".to_vec()].concat();
    for (octets, complaint) in [
        (whole[..whole.len() / 2].to_vec(), "ended before"),
        (chunk("10\r\nads.example\n"), "ended before"),
        (chunk("ffffffffffffffffffff\r\nads.example\n"), ""),
        (endless, "does not say where the list ends"),
        (response("200 OK", zip, &packed[..packed.len() / 2]), "gzip is broken or ends early"),
        (response("200 OK", zip, &packed[..packed.len() - 1]), "gzip is broken or ends early"),
        (response("200 OK", zip, list(RULES)), "gzip is broken or ends early"),
        (response("200 OK", zip, two_files), "gzip is broken or ends early"),
        (response("200 OK", zip, ""), "gzip is broken or ends early"),
        (response("200 OK", zip, gzip(vec![b'a'; 64 << 20])), "more than 1048576 octets came out of gzip"),
        (response("200 OK", &[], vec![b'a'; 300 << 10]), "more than 262144 octets came over the wire"),
        (response("200 OK", &["Content-Encoding: br"], "x"), "`br` was not asked for"),
        (response("200 OK", &[&format!("X: {}", "x".repeat(60_000))], "x"), "response header"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_vec(), ""),
        (b"\0\0\0\0\r\n\r\n".to_vec(), ""),
        (Vec::new(), "ended before"),
    ] {
        assert_stays(&house, &server, Reply::Whole(octets), complaint);
    }
}

#[test]
fn a_server_that_drips_is_left_when_the_time_is_up() {
    let authority = Authority::new();
    let mut house = House::new("drip");
    house.settings.roots = Roots::from_pem(authority.pem().as_bytes()).unwrap();
    let (plain, tls) = (Server::plain(), Server::tls(&authority, HOST));
    assert_good(&house, &plain);
    house.settings.most_time = Duration::from_millis(400);
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n".to_vec();
    let zip = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n".to_vec();
    let handshake = [&[22, 3, 3, 64, 0, 2, 0, 63, 252][..], &[0; 9_000]].concat();
    let as_https = plain.url().replace("http:", "https:");
    for (server, url, first, drops) in [
        (&plain, plain.url(), Vec::new(), [head.clone(), vec![b'a'; 20_000]].concat()),
        (&plain, plain.url(), head.clone(), vec![b'a'; 20_000]),
        (&plain, plain.url(), zip, gzip(list(RULES))),
        (&plain, as_https, Vec::new(), handshake),
        (&tls, tls.url(), Vec::new(), head.clone()),
        (&tls, tls.url(), head, vec![b'a'; 20_000]),
    ] {
        server.says(Reply::Drops(first, drops, Duration::from_millis(20)));
        assert_fails(&house, &url, "it took longer than 400ms");
    }
    assert_eq!(house.copy(), Some(list(RULES)));
}

#[test]
fn a_redirect_leads_neither_into_the_house_nor_round_and_round() {
    let (house, server) = (House::new("redirect"), Server::plain());
    for (location, complaint) in [
        ("http://192.168.178.1/setup", "192.168.178.1, which is not on the internet"),
        ("http://router.test/setup", "192.168.178.1, which is not on the internet"),
        ("https://[::1]/", "::1, which is not on the internet"),
        ("http://[::ffff:169.254.169.254]/latest/meta-data", "169.254.169.254, which is not"),
        ("http://0x7f.1/", "was not found"),
        ("http://nowhere.test/", "nowhere.test was not found"),
        ("file:///etc/passwd", "only https is downloaded from"),
        ("ftp://lists.test/", "only https is downloaded from"),
        ("/list.txt", "more than 5 redirects"),
        ("", "leads nowhere"),
    ] {
        assert_stays(&house, &server, Reply::Whole(redirect(location)), complaint);
    }
    assert_stays(&house, &server, Reply::Whole(response("302 Found", &[], "")), "leads nowhere");
}

#[test]
fn a_private_address_is_not_asked_at_all() {
    let (mut house, server) = (House::new("private"), Server::plain());
    house.settings.allow = Arc::default();
    let refresher = house.refresher(&[&server.url()]);
    let Outcome::Failed(why) = refresher.refresh(0, now(), Doubt::Refuse) else { panic!("it was") };
    assert!(why.to_string().contains("127.0.0.1, which is not on the internet"), "{why}");
    assert!(server::is_up(&server) && server.requests().is_empty());
}

//----------- TLS --------------------------------------------------------------

#[test]
fn https_is_taken_from_who_can_prove_it_and_from_nobody_else() {
    let (known, unknown) = (Authority::new(), Authority::new());
    let mut house = House::new("tls");
    house.settings.roots = Roots::from_pem(known.pem().as_bytes()).unwrap();
    let good = Server::tls(&known, HOST);
    let octets = response("200 OK", &["Content-Encoding: gzip"], gzip(list(RULES)));
    good.says(Reply::Whole(octets.clone()));
    house.settings.allow_http = false;
    let refresher = house.refresher(&[&good.url()]);
    let outcome = refresher.refresh(0, now(), Doubt::Refuse);
    assert!(matches!(outcome, Outcome::Updated { rules: 1_000, .. }), "{:?}", refresher.facts().next());

    let plain = Server::plain();
    let plain_as_https = plain.url().replace("http:", "https:");
    let wrong_name = Server::tls(&known, "else.test");
    let stranger = Server::tls(&unknown, HOST);
    for (server, url, complaint) in [
        (&stranger, stranger.url(), "TLS failed: invalid peer certificate"),
        (&wrong_name, wrong_name.url(), "TLS failed: invalid peer certificate"),
        (&plain, plain_as_https, "TLS failed"),
        (&plain, plain.url(), "http is not protected"),
    ] {
        server.says(Reply::Whole(octets.clone()));
        assert_fails(&house, &url, complaint);
        assert_eq!(house.copy(), Some(list(RULES)));
        assert!(!server.requests().concat().contains("get /"), "nothing was asked");
    }
    // The roots of the web do not know our authority.
    house.settings.roots = Roots::default();
    assert_fails(&house, &good.url(), "TLS failed: invalid peer certificate");
}

#[test]
fn from_https_no_redirect_leads_back_to_http() {
    let authority = Authority::new();
    let mut house = House::new("downgrade");
    house.settings.roots = Roots::from_pem(authority.pem().as_bytes()).unwrap();
    let (server, plain) = (Server::tls(&authority, HOST), Server::plain());
    assert_stays(&house, &server, Reply::Whole(redirect(&plain.url())), "http is not protected");
    assert!(plain.requests().is_empty());
    // Nor is a list taken whose connection was cut inside TLS.
    let octets = response("200 OK", &[], list(RULES));
    assert_stays(&house, &server, Reply::Whole(octets[..9_000].to_vec()), "ended before");
}

//----------- One and the other ------------------------------------------------

#[test]
fn the_trouble_of_one_list_is_no_trouble_of_another() {
    let (house, broken, good) = (House::new("partial"), Server::plain(), Server::plain());
    for server in [&broken, &good] {
        server.says(Reply::Whole(response("200 OK", &[], list(RULES))));
    }
    let refresher = house.refresher(&[&broken.url(), &good.url()]);
    assert!(matches!(refresher.refresh(0, now(), Doubt::Refuse), Outcome::Updated { .. }));
    broken.says(Reply::Whole(response("500 x", &[], "")));
    assert!(matches!(refresher.refresh(0, now(), Doubt::Refuse), Outcome::Failed(_)));
    assert!(matches!(refresher.refresh(1, now(), Doubt::Refuse), Outcome::Updated { .. }));
    let failures: Vec<_> = refresher.facts().map(|(_, facts)| facts.failures_total).collect();
    assert_eq!(failures, [1, 0]);
    assert_eq!(house.copy(), Some(list(RULES)));
}

#[test]
fn the_household_may_take_a_list_that_fell() {
    let (house, server) = (House::new("waive"), Server::plain());
    let half = response("200 OK", &["ETag: \"half\""], list(RULES / 2));
    assert_stays(&house, &server, Reply::Whole(half), "fell from 1000 to 500 rules");
    let refresher = house.refresher(&[&server.url()]);
    let outcome = refresher.refresh(0, now(), Doubt::Waive);
    assert!(matches!(outcome, Outcome::Updated { rules: 500, before: Some(1_000), .. }));
    assert_eq!(house.copy(), Some(list(RULES / 2)));
}

#[test]
fn a_list_that_cannot_be_kept_is_used_and_asked_for_whole_again() {
    let (house, server) = (House::new("unsaved"), Server::plain());
    std::fs::write(&house.state, "a file where the folder should be").unwrap();
    let clock = Arc::new(SystemClock::default());
    let fetcher = Fetcher::new(house.settings.clone(), Arc::clone(&house.names) as Arc<dyn Lookup>, clock);
    let url = server.url();
    let source = Source { name: "list-0".into(), url: url.as_str().into(), interval: DEFAULT_INTERVAL };
    let refresher = Refresher::new(vec![source], fetcher, house.store(), Box::new(parse), 1);
    server.says(Reply::Whole(response("200 OK", &["ETag: \"1\""], list(RULES))));
    for _ in 0..2 {
        let outcome = refresher.refresh(0, now(), Doubt::Refuse);
        assert!(matches!(outcome, Outcome::Updated { unsaved: Some(_), .. }));
    }
    assert!(!server.requests().concat().contains("if-none-match"));
    std::fs::remove_file(&house.state).unwrap();
}
