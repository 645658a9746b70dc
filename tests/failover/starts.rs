//! Tests that a backup is started exactly once when the connection of the starting statement breaks at any point.

use crate::fixtures::{journal_until, newest_events, outcomes, summary};
use crate::fleet::DemoFleet;
use crate::proxy::{BreakPoint, Proxy};
use crate::{BACKUP, RunningCommand, through};

const START: &str = "ALTER SYSTEM BACKUP";

fn broken(fleet: &DemoFleet, break_point: BreakPoint) -> Proxy {
    let proxy = through(fleet, 1, &[("statement", "1s")]).remove(0);
    proxy.break_first(START, break_point);
    proxy
}

/// The backup comes to its good end, the one statement having been carried out, although no answer came.
#[track_caller]
fn is_found(break_point: BreakPoint) {
    let fleet = DemoFleet::serve("healthy");
    let proxy = broken(&fleet, break_point);
    let ran = fleet.json(&BACKUP[..5]).exits(0);
    assert_eq!(proxy.broken_statements(), 1, "{break_point:?} did not happen");
    let events = newest_events(&fleet);
    let answered = events.iter().find(|event| event["event"] == "answered" && event["intent"] == 1).unwrap();
    assert_eq!(answered["answered"], false, "{answered}");
    assert!(!events.iter().any(|event| event["event"] == "not_started"), "it was started: {}", summary(&events));
    assert_eq!(ran.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!(outcomes(&fleet).len(), 1, "{:?}", fleet.starts());
}

/// Nothing was started, that is proven, and a retry starts it once.
#[track_caller]
fn is_not_started(break_point: BreakPoint, meanwhile: impl Fn(&DemoFleet, &Proxy), proof: &str) {
    let fleet = DemoFleet::serve("healthy");
    let proxy = broken(&fleet, break_point);
    let running = RunningCommand::start(&fleet, &BACKUP);
    meanwhile(&fleet, &proxy);
    let failed = running.end().exits(15);
    assert_eq!(proxy.broken_statements(), 1, "{break_point:?} did not happen");
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
    is_not_started(BreakPoint::CutBeforeSend, |_, _| {}, "the connection that sent it is gone on the server");
}

#[test]
fn cut_after_it_is_sent() {
    is_found(BreakPoint::CutAfterSend);
}

#[test]
fn cut_before_the_reply() {
    is_found(BreakPoint::CutBeforeReply);
}

#[test]
fn frozen_after_it_is_sent() {
    is_found(BreakPoint::FreezeAfterSend);
}

/// The server still lists the connection, so only its own limit proves it.
#[test]
fn frozen_before_it_is_sent() {
    is_not_started(
        BreakPoint::FreezeBeforeSend,
        |fleet, proxy| {
            // It is said what is waited for, and nothing is claimed meanwhile.
            let waiting = journal_until(fleet, "the doubt", |event| event["event"] == "waiting");
            assert!(waiting["what"].as_str().unwrap().ends_with("the server is asked until it is known"), "{waiting}");
            assert_eq!(proxy.broken_statements(), 1);
        },
        "the server's own limit of 11 s for it has passed",
    );
}

/// The proxy gives its server up while obnow is in doubt.
#[test]
fn frozen_before_it_is_sent_and_then_given_up() {
    is_not_started(
        BreakPoint::FreezeBeforeSend,
        |fleet, proxy| {
            journal_until(fleet, "the doubt", |event| event["event"] == "waiting");
            proxy.cut_servers();
        },
        "the connection that sent it is gone on the server",
    );
}
