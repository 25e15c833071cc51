//! An answer leaves from the address that was asked, however many there are.

use super::in_house;
use super::support::ip;

#[test]
fn an_answer_leaves_from_the_address_that_was_asked() {
    in_house("house::asked_address::an_answer_leaves_from_the_address_that_was_asked", |house| {
        // Some are of the house and some are claimed (`sordino claim`).
        for (claimed, by) in [("8.8.8.8/32", "192.168.178.2"), ("2001:4860:4860::8888/128", "fd00:178::2")] {
            ip(&format!("addr add {claimed} dev lo"));
            ip(&format!("-n laptop route add {claimed} via {by}"));
        }
        // Every address of the machine, on another port than the Internet's.
        let _server = house.sordino("[listen]\ndns = [\"0.0.0.0:5353\", \"[::]:5353\"]\n");
        let own = ["192.168.178.2", "192.168.178.3", "fd00:178::2", "fd00:178::3"];
        for address in own.into_iter().chain(["8.8.8.8", "2001:4860:4860::8888"]) {
            // The second time by the fast path.
            for transport in ["", "", "+tcp"] {
                house
                    .dig("laptop", &format!("{transport} @{address} -p 5353 api.amazon.com"))
                    .assert_resolved();
            }
        }
    });
}
