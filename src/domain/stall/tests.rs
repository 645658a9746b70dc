use super::*;
use crate::domain::diagnosis::server_fault;
use crate::domain::samples::target;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}

fn hanging(version: &str, root_service: Option<&str>) -> StalledStep {
    StalledStep {
        root_service: root_service.map(str::to_owned),
        ..StalledStep::of(&version.parse().unwrap_or(Version::TENANT_BACKUP))
    }
}

fn known() -> Stall {
    Stall {
        clock: Some(ServerClock { time_zone: ServerTimeZone::fixed(28_800), ahead_ms: 1_000 }),
        servers: vec!["10.0.0.2:2882".to_owned()],
        archive: Known::Known(Some(ArchiveProgress {
            status: "DOING".to_owned(),
            behind: Some(3),
            slowest: None,
            lag_target: Some(120),
        })),
        event: Known::Known(Some(RootServiceEvent {
            at: "2026-11-20 03:31:38".to_owned(),
            name: "persist_set_task".to_owned(),
            items: vec![("tenant_id".to_owned(), "1002".to_owned()), ("job_id".to_owned(), "12".to_owned())],
        })),
        hanging: Some(hanging("4.2.5.1", None)),
    }
}

const COMMENT: &str = "(SERVER)ls_id: 1001, addr: 10.0.0.3:2882, module: BACKUP_DATA, result: -9070(can not connect to \
                       backup destination), trace_id: YB42";

#[test]
fn everything_that_is_known_is_said() {
    let pay = target("prod/pay");
    let fault = known().attention((StepKind::WaitForBackup, &pay), "BACKUP_DATA_MAJOR", None, at(1_795_116_699));
    assert_eq!(
        fault.what,
        "Wait for data backup of prod/pay has not moved since 2026-11-20 03:31:40 +08:00 (server time)."
    );
    assert_eq!(
        fault.why,
        "It stands at BACKUP_DATA_MAJOR, on server 10.0.0.2:2882. The archive is DOING and 3 s behind. The root service \
         wrote last: persist_set_task at 2026-11-20 03:31:38 (tenant_id 1002, job_id 12). The server names no error."
    );
    assert_eq!(
        fault.next,
        "Look there for what it waits for (log, disk and network of that server); it goes on when the server does. Behind it \
         wait other backups of the tenant and changes of its destinations: cancel the backup if they cannot wait."
    );
}

#[test]
fn an_error_of_the_running_job_is_the_reason() {
    let pay = target("prod/pay");
    let trouble = server_fault(9070, COMMENT, "");
    let alone = Stall { servers: Vec::new(), ..known() };
    let fault = alone.attention((StepKind::WaitForBackup, &pay), "BACKUP_DATA_MAJOR", Some(&trouble), at(0));
    assert_eq!((fault.code, fault.cause), (Some(9070), Cause::Storage));
    assert!(fault.why.starts_with("It stands at BACKUP_DATA_MAJOR, on server 10.0.0.3:2882. "), "{fault}");
    assert!(fault.why.contains(" The last error: OceanBase answered with error 9070 "), "{fault}");
    assert!(fault.next.starts_with("It goes on by itself once the cause is gone"), "{fault}");
}

#[test]
fn what_is_not_known_is_said_too() {
    let pay = target("prod/pay");
    let fault = Stall::unknown("it does not answer.").attention((StepKind::StartBackup, &pay), "INIT", None, at(0));
    assert_eq!(
        fault.what,
        "Start data backup of prod/pay has not moved since 1970-01-01 00:00:00 +00:00 (this host's clock)."
    );
    assert_eq!(
        fault.why,
        "It stands at INIT; the server does not say on which of its servers. The archive was not looked at: it does not \
         answer. The events of the root service were not read: it does not answer. The server names no error."
    );
    let silent = Stall { event: Known::Known(None), archive: Known::Known(None), ..known() };
    let fault = silent.attention((StepKind::StartArchiving, &pay), "BEGINNING", None, at(0));
    assert!(fault.why.contains("There is no archive round. The root service wrote nothing about it."), "{fault}");
}

#[test]
fn the_slowest_log_stream_is_named() {
    let stand =
        ArchiveProgress { status: "DOING".to_owned(), behind: Some(70), slowest: Some((1001, 70)), lag_target: None };
    let slow = Stall { archive: Known::Known(Some(stand)), ..known() };
    let fault = slow.attention((StepKind::ConfirmRestorable, &target("prod/pay")), "the log", None, at(0));
    let said = "70 s behind (its lag target was not read); log stream 1001 is the last, 70 s behind.";
    assert!(fault.why.contains(said), "{fault}");
}

#[test]
fn an_archive_that_lags_too_far_is_no_reason_to_wait() {
    let next = |behind, slowest, lag_target| {
        let stand = ArchiveProgress { status: "DOING".to_owned(), behind, slowest, lag_target };
        let slow = Stall { archive: Known::Known(Some(stand)), ..known() };
        (
            slow.attention((StepKind::ConfirmRestorable, &target("prod/pay")), "the log", None, at(0)).next,
            slow.key("P", None),
        )
    };
    let (calm, before) = next(Some(360), None, Some(120));
    assert!(calm.starts_with("Look at the destination of the log archive"), "{calm}");
    let (late, after) = next(Some(361), None, Some(120));
    assert!(late.starts_with("Look at the archive's destination"), "{late}");
    assert!(late.contains("which of the tenant's log streams is behind"), "{late}");
    assert!(late.contains("three times its lag target of 120 s behind"), "{late}");
    assert_ne!(before, after, "it is said again when it becomes too much");
    let (named, _) = next(Some(13), Some((1001, 13)), Some(4));
    assert!(named.contains("at log stream 1001, which is the last"), "{named}");
    let (unread, _) = next(Some(u64::MAX), Some((1, u64::MAX)), None);
    assert!(unread.starts_with("Look at the destination of the log archive"), "nobody knows what is late: {unread}");
    assert!(next(None, None, Some(4)).0.starts_with("Look at the destination of the log archive"), "nothing is known");
}

#[test]
fn a_growing_lag_is_no_other_reason() {
    let (one, trouble) = (known(), server_fault(9070, COMMENT, ""));
    let stand = |behind, slowest| {
        Known::Known(Some(ArchiveProgress { status: "DOING".to_owned(), behind, slowest, lag_target: Some(120) }))
    };
    let later = Stall { archive: stand(Some(300), None), ..known() };
    assert_eq!(one.key("P", None), later.key("P", None));
    for other in [
        Stall { archive: stand(Some(300), Some((1, 300))), ..known() },
        Stall { servers: Vec::new(), ..known() },
        Stall { event: Known::Known(None), ..known() },
    ] {
        assert_ne!(one.key("P", None), other.key("P", None));
    }
    assert_ne!(one.key("P", None), one.key("Q", None));
    assert_ne!(one.key("P", None), one.key("P", Some(&trouble)));
}

/// The advice says what the cancel waits for, on which server, what it blocks, and how the version can force it.
#[test]
fn a_cancel_that_stands_says_where_to_look_and_what_waits_behind_it() {
    let pay = target("prod/pay");
    let next = |version: &str, root_service, at_: &str| {
        let standing = Stall { hanging: Some(hanging(version, root_service)), ..known() };
        standing.attention((StepKind::WaitForBackup, &pay), at_, None, at(0)).next
    };
    assert_eq!(
        next("4.2.5.1", Some("10.0.0.1:2882"), "CANCELING"),
        "A cancel stands while the metadata of the backup cannot be written: look on the server that leads the root service, \
         10.0.0.1:2882, whether the destination is mounted and its files are there, and mount it or bring them back. Behind \
         it wait other backups of the tenant and changes of its destinations. This version has no statement that ends it by \
         force."
    );
    let old = next("3.1.5", None, "CANCEL");
    for part in
        ["WITH_ROOTSERVER", "Behind it wait DDL, with it index builds", "CANCEL ALL BACKUP FORCE", "clears backup_dest"]
    {
        assert!(old.contains(part), "{part}: {old}");
    }
    assert!(next("3.1.2", None, "CANCEL").ends_with("This version has no statement that ends it by force."));
    assert!(next("4.0.0.0", None, "CANCELING").contains("index builds"), "V4.0 lets DDL wait too");
    assert!(!next("4.0.0.0", None, "CANCELING").contains("FORCE"));
    assert!(next("3.2.4", None, "DOING").contains("index builds"));
}
