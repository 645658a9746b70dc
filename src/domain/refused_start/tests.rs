use super::*;
use crate::domain::diagnosis::Reporter;
use crate::domain::restorable::BackupSet;
use crate::domain::samples::{archive, full, prod, target};

fn refused(code: Option<u32>, mode: Mode, change: impl FnOnce(&mut Facts)) -> Fault {
    let event = code.map(|code| Comment {
        reporter: Some(Reporter::RootService),
        addr: Some("10.0.0.2:2882".to_owned()),
        code: Some(code),
        trace_id: Some("YB42AC1E87E2-0005F0C3A1B2C3D4-0-0".to_owned()),
        ..Comment::default()
    });
    let mut facts = prod();
    change(&mut facts);
    let blank = RefusedStart {
        parent: 31,
        ended: "COMPLETED".to_owned(),
        event,
        mode,
        upgrading: Known::NotChecked(String::new()),
        tenant: None,
    };
    blank.with_facts(&facts, 1002).fault(&target("prod/pay"))
}

fn older(facts: &mut Facts) {
    facts.tenants[2].sets = vec![BackupSet { data_version: Some("4.2.1.0".into()), ..full(3) }];
}

#[test]
fn the_reason_is_what_is_seen_not_to_hold() {
    let upgrading = |facts: &mut Facts| {
        facts.cluster.upgrading = Known::Known(vec!["enable_upgrade_mode is True".to_owned()]);
    };
    let fault = refused(Some(9040), Mode::Full, upgrading);
    assert_eq!(fault.what, "The server started no backup of prod/pay.");
    assert_eq!(
        fault.why,
        "To sys it says 9040 and no reason. Probably the cluster is upgrading: enable_upgrade_mode is True. It says so on \
         root service on 10.0.0.2:2882."
    );
    let grep = "In its log: grep YB42AC1E87E2-0005F0C3A1B2C3D4-0-0 rootservice.log* observer.log*";
    assert_eq!(fault.next, format!("Wait until the upgrade has ended, and retry. {grep}"));
    assert_eq!((fault.code, fault.cause), (Some(9040), Cause::Precondition));

    let fault = refused(Some(9040), Mode::Incremental, older);
    assert!(fault.why.contains("Probably the tenant was upgraded since set 3 (4.2.1.0, now 4.2.5.0)"), "{fault}");
    assert!(fault.next.starts_with("Take a full backup: obnow backup prod/pay --mode full."), "{fault}");
    assert!(refused(Some(9040), Mode::Full, older).why.contains("Nothing that a backup needs"), "a full needs no base");

    let stopped = |facts: &mut Facts| facts.tenants[2].archive = archive(Some("STOP"));
    assert!(refused(Some(9040), Mode::Full, stopped).why.contains("Probably its log archive is STOP."));
    let bare = |facts: &mut Facts| facts.tenants[2].data_destination = None;
    assert!(refused(Some(9040), Mode::Full, bare).why.contains("Probably it has no DATA_BACKUP_DEST."));
    let dropping = |facts: &mut Facts| facts.tenants[2].status = "DROPPING".to_owned();
    assert!(refused(Some(9040), Mode::Full, dropping).why.contains("Probably the tenant's status is DROPPING."));
}

#[test]
fn another_code_speaks_for_itself_and_no_event_is_said() {
    let fault = refused(Some(9036), Mode::Full, |_| {});
    assert_eq!((fault.code, fault.cause), (Some(9036), Cause::Busy));
    assert!(!fault.why.contains("Probably"), "{fault}");
    let fault = refused(None, Mode::Incremental, older);
    assert!(fault.why.starts_with("Job 31 ended as COMPLETED without a job for it, and no event says why"), "{fault}");
    assert!(fault.why.contains("Probably the tenant was upgraded"), "{fault}");
    assert!(fault.next.ends_with("--mode full."), "there is no trace id to search for: {fault}");
}
