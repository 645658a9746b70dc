//! A server or a proxy that is lost in a wait costs a reconnect, to another endpoint if need be.

use crate::fleet::Fleet;
use crate::support::{newest, outcomes, short, until};
use crate::{held, release, through};

const MAJOR: &str = "BACKUP_DATA_MAJOR";

#[test]
fn cut_in_the_wait() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    let follower = held(&fleet, MAJOR);
    for _ in 0..3 {
        let before = proxies[0].accepted();
        proxies[0].cut();
        until("another connection", || {
            let now = proxies[0].accepted();
            if now > before { Ok(()) } else { Err(format!("{now} connections")) }
        });
    }
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    let events = newest(&fleet);
    assert!(!events.iter().any(|event| event["state"] == "failed"), "{}", short(&events));
    assert_eq!(outcomes(&fleet), ["done"]);
}

#[test]
fn a_proxy_that_is_gone_for_good() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 2, &[]);
    let follower = held(&fleet, MAJOR);
    assert_eq!(proxies[1].accepted(), 0, "the first one answers");
    proxies[0].close();
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(short(&newest(&fleet))) });
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}

/// Nothing breaks and nothing answers: the deadline of a question ends it.
#[test]
fn a_peer_that_is_frozen() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 2, &[("statement", "500ms"), ("stall", "60s")]);
    let follower = held(&fleet, MAJOR);
    assert_eq!(proxies[1].accepted(), 0, "the first one answers");
    proxies[0].freeze();
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(short(&newest(&fleet))) });
    let silent = newest(&fleet).into_iter().rfind(|event| event["event"] == "waiting" && event["fault"].is_object());
    assert!(silent.unwrap()["fault"]["why"].as_str().unwrap().contains("did not answer a statement within 2500 ms"));
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}
