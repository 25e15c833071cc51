//! An answer leaves from the address that was asked, however many there are.

use super::in_house;

#[test]
fn an_answer_leaves_from_the_address_that_was_asked() {
    in_house("house::asked_address::an_answer_leaves_from_the_address_that_was_asked", |house| {
        // Every address of the machine, on another port than the Internet's.
        let _server = house.sordino("[listen]\ndns = [\"0.0.0.0:5353\", \"[::]:5353\"]\n");
        for address in ["192.168.178.2", "192.168.178.3", "fd00:178::2", "fd00:178::3"] {
            for transport in ["", "+tcp"] {
                house
                    .dig("laptop", &format!("{transport} @{address} -p 5353 api.amazon.com"))
                    .assert_resolved();
            }
        }
    });
}
