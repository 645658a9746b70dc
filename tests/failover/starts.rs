//! Tests that a backup is started exactly once when the connection of the starting statement breaks at any point.

use crate::fleet::Fleet;
use crate::proxy::{Does, Proxy};
use crate::support::{journal_until, newest, outcomes, short};
use crate::{BACKUP, Running, through};

const START: &str = "ALTER SYSTEM BACKUP";

fn broken(fleet: &Fleet, does: Does) -> Proxy {
    let proxy = through(fleet, 1, &[("statement", "1s")]).remove(0);
    proxy.breaks(START, does);
    proxy
}

/// The backup comes to its good end, the one statement having been carried out, although no answer came.
#[track_caller]
fn is_found(does: Does) {
    let fleet = Fleet::serve("healthy");
    let proxy = broken(&fleet, does);
    let ran = fleet.json(&BACKUP[..5]).exits(0);
    assert_eq!(proxy.hits(), 1, "{does:?} did not happen");
    let events = newest(&fleet);
    let answered = events.iter().find(|event| event["event"] == "answered" && event["intent"] == 1).unwrap();
    assert_eq!(answered["answered"], false, "{answered}");
    assert!(!events.iter().any(|event| event["event"] == "not_started"), "it was started: {}", short(&events));
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet).len(), 1, "{:?}", fleet.starts());
}

/// Nothing was started, that is proven, and a retry starts it once.
#[track_caller]
fn is_not_started(does: Does, meanwhile: impl Fn(&Fleet, &Proxy), proof: &str) {
    let fleet = Fleet::serve("healthy");
    let proxy = broken(&fleet, does);
    let running = Running::start(&fleet, &BACKUP);
    meanwhile(&fleet, &proxy);
    let failed = running.end().exits(15);
    assert_eq!(proxy.hits(), 1, "{does:?} did not happen");
    let proven = journal_until(&fleet, "the proof", |event| event["event"] == "not_started");
    assert!(proven["proof"].as_str().unwrap().starts_with(proof), "{proven}");
    let fault = failed.fault();
    assert_eq!(fault[0], "The start of the backup of demo/pay got no answer, and nothing was started.");
    assert_eq!(fleet.starts(), Vec::<String>::new(), "the fleet has seen one");
    let retried = fleet.json(&["retry", &failed.task()]).exits(0);
    assert_eq!(retried.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet), ["done"]);
}

#[test]
fn cut_before_it_is_sent() {
    is_not_started(Does::CutBeforeSend, |_, _| {}, "the connection that sent it is gone on the server");
}

#[test]
fn cut_after_it_is_sent() {
    is_found(Does::CutAfterSend);
}

#[test]
fn cut_before_the_reply() {
    is_found(Does::CutBeforeReply);
}

#[test]
fn frozen_after_it_is_sent() {
    is_found(Does::FreezeAfterSend);
}

/// The server still lists the connection, so only its own limit proves it.
#[test]
fn frozen_before_it_is_sent() {
    is_not_started(
        Does::FreezeBeforeSend,
        |fleet, proxy| {
            // It is said what is waited for, and nothing is claimed meanwhile.
            let waiting = journal_until(fleet, "the doubt", |event| event["event"] == "waiting");
            assert!(waiting["what"].as_str().unwrap().ends_with("the server is asked until it is known"), "{waiting}");
            assert_eq!(proxy.hits(), 1);
        },
        "the server's own limit of 11 s for it has passed",
    );
}

/// The proxy gives its server up while obnow is in doubt.
#[test]
fn frozen_before_it_is_sent_and_then_given_up() {
    is_not_started(
        Does::FreezeBeforeSend,
        |fleet, proxy| {
            journal_until(fleet, "the doubt", |event| event["event"] == "waiting");
            proxy.forget_servers();
        },
        "the connection that sent it is gone on the server",
    );
}
