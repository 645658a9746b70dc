//! Tests that a connection lost while waiting is opened again, to another endpoint if necessary.

use crate::fixtures::{newest_events, outcomes, summary, until};
use crate::fleet::DemoFleet;
use crate::{held, release, through};

const MAJOR: &str = "BACKUP_DATA_MAJOR";

#[test]
fn cut_in_the_wait() {
    let fleet = DemoFleet::serve("healthy");
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
    let events = newest_events(&fleet);
    assert!(!events.iter().any(|event| event["state"] == "failed"), "{}", summary(&events));
    assert_eq!(outcomes(&fleet), ["done"]);
}

#[test]
fn a_proxy_that_is_gone_for_good() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 2, &[]);
    let follower = held(&fleet, MAJOR);
    assert_eq!(proxies[1].accepted(), 0, "the first one answers");
    proxies[0].close();
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(summary(&newest_events(&fleet))) });
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}

/// Nothing breaks and nothing answers: the deadline of a question ends it.
#[test]
fn a_peer_that_is_frozen() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 2, &[("statement", "500ms"), ("stall", "60s")]);
    let follower = held(&fleet, MAJOR);
    assert_eq!(proxies[1].accepted(), 0, "the first one answers");
    proxies[0].freeze();
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(summary(&newest_events(&fleet))) });
    let silent =
        newest_events(&fleet).into_iter().rfind(|event| event["event"] == "waiting" && event["fault"].is_object());
    assert!(silent.unwrap()["fault"]["why"].as_str().unwrap().contains("did not answer a statement within 2500 ms"));
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}

/// It accepts the login and every other query each time, and would be chosen each time.
#[test]
fn a_peer_that_never_answers_what_the_wait_asks() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 2, &[("statement", "500ms"), ("stall", "60s")]);
    let follower = held(&fleet, MAJOR);
    proxies[0].freeze_statements_with("CDB_OB_BACKUP_JOBS");
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(summary(&newest_events(&fleet))) });
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    assert_eq!((proxies[0].broken_statements(), outcomes(&fleet)), (1, vec!["done".to_owned()]));
}

/// It accepts the login and then does not identify itself: the next endpoint is tried at once.
#[test]
fn a_peer_that_logs_in_and_then_is_silent() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 2, &[("statement", "500ms"), ("stall", "60s")]);
    let follower = held(&fleet, MAJOR);
    proxies[0].freeze_statements_with("DBA_OB_TENANTS");
    proxies[0].cut();
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(summary(&newest_events(&fleet))) });
    // Who broke last comes last, so that the silent one is met first.
    until("a question to the silent one", || {
        proxies[1].cut();
        if proxies[0].broken_statements() > 0 { Ok(()) } else { Err(summary(&newest_events(&fleet))) }
    });
    release(&fleet, MAJOR);
    assert_eq!(follower.end().exits(0).verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}
