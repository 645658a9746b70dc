//! Tests that every connection verifies the cluster: views of another cluster are never used, and no statement is sent there.

use obnow::demo::control::ControlRequest;
use obnow::demo::fault_injection::{FaultEffect, InjectedFault};

use crate::fixtures::{journal_until, newest_events, outcomes, summary, until};
use crate::fleet::DemoFleet;
use crate::{BACKUP, held, ports, release, through};

const MAJOR: &str = "BACKUP_DATA_MAJOR";

/// Another cluster with a tenant 1002 of the same name, pay.
fn staging() -> (DemoFleet, u16) {
    let other = DemoFleet::serve("fleet");
    let port = ports(&other, "staging")[0];
    (other, port)
}

#[test]
fn an_endpoint_that_becomes_another_cluster_is_left_out() {
    let fleet = DemoFleet::serve("healthy");
    let (other, port) = staging();
    let proxies = through(&fleet, 2, &[]);
    let follower = held(&fleet, MAJOR);
    let before = proxies[0].accepted();
    assert_eq!(proxies[1].accepted(), 0, "the first one answers");
    proxies[0].route_to(port);
    proxies[0].cut();
    until("the other proxy", || if proxies[1].accepted() > 0 { Ok(()) } else { Err(summary(&newest_events(&fleet))) });
    // Who broke last comes last: now that is the right one.
    let right = proxies[1].accepted();
    until("a question to the other cluster", || {
        proxies[1].cut();
        if proxies[0].accepted() > before { Ok(()) } else { Err(summary(&newest_events(&fleet))) }
    });
    until("the right one again", || {
        if proxies[1].accepted() > right { Ok(()) } else { Err(summary(&newest_events(&fleet))) }
    });
    release(&fleet, MAJOR);
    let ran = follower.end().exits(0);
    let verdict = ran.verdict("demo/pay");
    assert_eq!((&verdict["verdict"], &verdict["set"]), (&"restorable".into(), &3.into()));
    assert_eq!((outcomes(&fleet).len(), other.statements().len()), (1, 0));
}

#[test]
fn only_another_cluster_answers() {
    let fleet = DemoFleet::serve("healthy");
    let (other, port) = staging();
    let proxies = through(&fleet, 1, &[("stall", "1s")]);
    let here = fleet.ask(&ControlRequest::State)["clusters"][0]["servers"][0]["sql_port"].as_u64().unwrap();
    let follower = held(&fleet, MAJOR);
    proxies[0].route_to(port);
    proxies[0].cut();
    let wrong = format!("{} is not the cluster that was confirmed.", proxies[0].endpoint());
    let said = journal_until(&fleet, "who answers", |event| event["fault"]["what"] == *wrong);
    assert_eq!(said["event"], "waiting", "attention, the step goes on: {said}");
    assert_eq!(said["fault"]["why"], "Its cluster id is 2001, and 1001 was confirmed.");
    let left = follower.end().exits(21);
    assert_eq!(left.verdict("demo/pay")["verdict"], "unknown");

    proxies[0].route_to(u16::try_from(here).unwrap());
    release(&fleet, MAJOR);
    let retried = fleet.json(&["retry", &left.task()]).exits(0);
    assert_eq!(retried.verdict("demo/pay")["verdict"], "restorable");
    assert_eq!((outcomes(&fleet).len(), other.statements().len()), (1, 0));
}

/// Many clusters have the same id, and tenants of the same ids and names: the moment they were created tells them apart.
#[test]
fn another_cluster_of_the_same_id() {
    let fleet = DemoFleet::serve("healthy");
    let other = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 1, &[("stall", "1s")]);
    let follower = held(&fleet, MAJOR);
    proxies[0].route_to(ports(&other, "demo")[0]);
    proxies[0].cut();
    let left = follower.end().exits(21);
    let fault = left.verdict("demo/pay")["fault"].clone();
    let why = fault["why"].as_str().unwrap();
    assert!(why.starts_with("It was created at ") && why.ends_with(" was confirmed."), "{why}");
    assert_eq!(other.statements().len(), 0);
}

/// The connection of an act is checked like any other: a start never goes elsewhere.
#[test]
fn a_start_never_goes_to_another_cluster() {
    let fleet = DemoFleet::serve("healthy");
    let (other, port) = staging();
    let proxies = through(&fleet, 1, &[]);
    // The one that asks, the one that looks at the steps, and then the one that would send.
    proxies[0].route_to_after(2, port);
    let failed = fleet.json(&BACKUP[..5]).exits(15);
    assert_eq!(proxies[0].accepted(), 3, "{}", failed.out);
    let endpoint = proxies[0].endpoint();
    assert_eq!(failed.fault()[0], format!("{endpoint} is not the cluster that was confirmed."));
    assert_eq!(failed.step("demo/pay", "Start data backup").0, "failed");
    assert_eq!((fleet.starts().len(), other.statements().len()), (0, 0));
}

#[test]
fn role_change_while_waiting_is_reported() {
    let fleet = DemoFleet::serve("healthy");
    let follower = held(&fleet, MAJOR);
    fleet.ask(&ControlRequest::InjectFault {
        fault: InjectedFault {
            name: "switchover".to_owned(),
            cluster: None,
            tenant: Some("pay".to_owned()),
            server: None,
            fixable: false,
            since: 0,
            effect: FaultEffect::RoleSwitched { role: "STANDBY".to_owned() },
        },
    });
    let change = "pay was PRIMARY when this was confirmed, and is STANDBY now";
    journal_until(&fleet, "the change", |event| {
        event["event"] == "waiting" && event["what"].as_str().unwrap().ends_with(change)
    });
    release(&fleet, MAJOR);
    let verdict = follower.end().exits(0).verdict("demo/pay");
    assert_eq!(verdict["verdict"], "restorable");
    let told = verdict["told"].as_array().unwrap();
    assert!(told.iter().any(|line| line == &format!("{change}.")), "{told:?}");
}
