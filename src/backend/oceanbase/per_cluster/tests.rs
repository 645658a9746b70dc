#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use super::super::parse::{Parameters, upgrade_signs};
use super::super::session::Row;
use super::detect::{load, times};
use super::rows;
use super::stall::stand;
use crate::domain::cluster_backup::{ClusterBackupFacts, CompactionRule};
use crate::domain::facts::{Known, ServerFacts, TenantKind};
use crate::domain::restorable::{EncryptionMode, FileStatus, RoundStatus, SetKind, SetStatus};
use crate::domain::samples::{legacy, whole};
use crate::domain::scn::Scn;
use crate::domain::time_zone::ServerTimeZone;

mod observations;

fn east() -> ServerTimeZone {
    ServerTimeZone::fixed(28_800)
}

/// 2021-07-16 10:00:00 UTC.
const AT: u64 = 1_626_429_600;

fn row(pairs: &[(&str, &str)]) -> Row {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect()
}

fn history(more: &[(&str, &str)]) -> Row {
    let mut all = vec![
        ("TENANT_ID", "1001"),
        ("BACKUP_SET_ID", "7"),
        ("BACKUP_TYPE", "I"),
        ("SNAPSHOT_VERSION", "1626429600000001"),
        ("PREV_FULL_BACKUP_SET_ID", "5"),
        ("PREV_INC_BACKUP_SET_ID", "6"),
        ("OUTPUT_BYTES", "4096"),
        ("START_TIME", "2021-07-16 17:59:00.000000"),
        ("END_TIME", "2021-07-16 18:01:00.500000"),
        ("STATUS", "FINISH"),
        ("RESULT", "0"),
        ("BACKUP_DEST", "oss://b/dir?host=h&access_id=i&access_key=SECRET"),
        ("BACKUP_DATA_VERSION", "4"),
        ("ENCRYPTION_MODE", "None"),
        ("IS_MARK_DELETED", "0"),
    ];
    all.extend_from_slice(more);
    row(&all)
}

/// A set can be restored from its snapshot version on, once the log has passed its end (R10); times are in the server's zone.
#[test]
fn history_row_is_parsed() {
    let set = rows::set(&history(&[]), Some(FileStatus::Available), false, &east()).unwrap();
    assert_eq!((set.id, &set.kind, set.prev_full, set.prev_inc), (7, &SetKind::Incremental, 5, 6));
    assert_eq!((set.status.clone(), set.file_status.clone()), (SetStatus::Success, FileStatus::Available));
    let snapshot = Scn(AT * 1_000_000_000 + 1_000);
    assert_eq!((set.start_replay, set.min_restore), (snapshot, snapshot));
    let end = Scn((AT + 60) * 1_000_000_000 + 500_000_000);
    assert_eq!((set.log_needed_to, set.ended), (Some(end), Some(end)));
    assert_eq!(set.started, Some(Scn((AT - 60) * 1_000_000_000)));
    assert_eq!(set.path, "oss://b/dir?host=h", "no key, not even an id");
    assert_eq!(set.encryption(), EncryptionMode::NoPassword);
    assert_eq!(set.data_version.as_deref(), Some("4"));
}

/// V3.1.1 and later show from where the log is needed, which is before the snapshot; an unreadable value is no bound.
#[test]
fn log_start_is_parsed() {
    let of = |more: &[(&str, &str)]| rows::set(&history(more), Some(FileStatus::Available), false, &east()).unwrap();
    let set = of(&[("START_REPLAY_LOG_TS", "1626429590000000")]);
    assert_eq!((set.start_replay, set.unread()), (Scn((AT - 10) * 1_000_000_000), None));
    assert_eq!(set.min_restore, Scn(AT * 1_000_000_000 + 1_000));
    assert_eq!(of(&[("START_REPLAY_LOG_TS", "0")]).unread(), Some("from which point on it needs the log"));
    // Microseconds of 1970 are no moment of a backup.
    for none in ["0", "17"] {
        let unread = "from which point on it can be restored (its SNAPSHOT_VERSION is no moment)";
        assert_eq!(of(&[("SNAPSHOT_VERSION", none)]).unread(), Some(unread), "{none}");
    }
    assert_eq!(of(&[("START_REPLAY_LOG_TS", "17")]).unread(), Some("from which point on it needs the log"));
    assert_eq!(of(&[("END_TIME", "")]).unread(), Some("when it was complete"));
}

#[test]
fn set_status_follows_the_result() {
    let of = |more: &[(&str, &str)]| {
        let (set, job) =
            (rows::set(&history(more), None, false, &east()).unwrap(), rows::ended(&history(more)).unwrap());
        [set.status.to_string(), set.file_status.to_string(), job.status, job.result.to_string()].join(" ")
    };
    assert_eq!(of(&[]), "SUCCESS AVAILABLE COMPLETED 0");
    assert_eq!(of(&[("RESULT", "-9051")]), "FAILED AVAILABLE FAILED 9051");
    assert_eq!(of(&[("RESULT", "-4072")]), "FAILED AVAILABLE CANCELED 4072");
    assert_eq!(of(&[("STATUS", "CANCEL")]), "FAILED AVAILABLE CANCELED 0");
    assert_eq!(of(&[("IS_MARK_DELETED", "1")]), "SUCCESS DELETED COMPLETED 0");
    // Neither the row nor a view of files tells whether it was deleted.
    let unmarked = history(&[("IS_MARK_DELETED", "")]);
    let status = |files| rows::set(&unmarked, files, false, &east()).unwrap().file_status;
    assert_eq!(status(None), FileStatus::Other("not known".into()));
    assert_eq!(status(Some(FileStatus::Available)), FileStatus::Available);
    // Without an error is not yet a success.
    for word in ["DOING", "GENERATE", "PAUSED"] {
        assert_eq!(of(&[("STATUS", word)]), format!("FAILED AVAILABLE {word} 0"));
        assert!(rows::ended(&history(&[("STATUS", word)])).unwrap().is_live(), "{word} is no end");
    }
}

#[test]
fn a_round_without_times_has_not_begun() {
    let text = |status, first, next| {
        row(&[("LOG_ARCHIVE_ROUND", "2"), ("STATUS", status), ("MIN_FIRST_TIME", first), ("MAX_NEXT_TIME", next)])
    };
    let doing =
        rows::round(&text("DOING", "2021-07-16 18:00:00.000000", "2021-07-16 18:02:00.000000"), &east()).unwrap();
    assert_eq!((doing.round_id, &doing.status), (2, &RoundStatus::Doing));
    assert_eq!((doing.start, doing.checkpoint), (Scn(AT * 1_000_000_000), Scn((AT + 120) * 1_000_000_000)));
    let beginning = rows::round(&text("BEGINNING", "", ""), &east()).unwrap();
    assert_eq!((beginning.start, beginning.checkpoint), (Scn(0), Scn(0)));
    assert_eq!(times(&east(), [&doing, &beginning].into_iter()), Known::Known(()));
    for no_time in ["", "1970-01-01 08:00:00.000000"] {
        let unread = rows::round(&text("DOING", no_time, "2021-07-16 18:02:00.000000"), &east()).unwrap();
        let why = "log archive round 2 is DOING, and its MIN_FIRST_TIME says no time".to_owned();
        assert_eq!(times(&east(), [&doing, &unread].into_iter()), Known::NotChecked(why), "{no_time:?}");
    }
    // A set that is still made shows 1970 for its end.
    let epoch = row(&[("END_TIME", "1970-01-01 08:00:00.000000")]);
    assert_eq!(super::super::rows::moment(&epoch, "END_TIME", &east()), None);
}

/// A round that began in summer and a set that ended in winter are compared as moments, not by the offset of today.
#[test]
fn printed_times_respect_daylight_saving() {
    // Names need the zones' rules on this host.
    let Ok(_) = jiff::tz::TimeZone::get("America/New_York") else { return };
    let now = "2026-11-20T00:00:00Z".parse().unwrap();
    let zone = ServerTimeZone::named("America/New_York", "", -18_000, now);
    let text = row(&[
        ("LOG_ARCHIVE_ROUND", "1"),
        ("MIN_FIRST_TIME", "2026-10-31 12:00:00"),
        ("MAX_NEXT_TIME", "2026-11-02 12:00:00"),
    ]);
    let round = rows::round(&text, &zone).unwrap();
    let seconds = |text: &str| Scn::from_timestamp(text.parse().unwrap());
    assert_eq!((round.start, round.checkpoint), (seconds("2026-10-31T16:00:00Z"), seconds("2026-11-02T17:00:00Z")));
}

#[test]
fn running_part_is_parsed() {
    let part = row(&[
        ("TENANT_ID", "1001"),
        ("BACKUP_SET_ID", "7"),
        ("BACKUP_TYPE", "D"),
        ("STATUS", "DOING"),
        ("RESULT", "0"),
        ("MACRO_BLOCK_COUNT", "200"),
        ("FINISH_MACRO_BLOCK_COUNT", "50"),
        ("OUTPUT_BYTES", "1024"),
        ("START_TIME", "2021-07-16 17:59:00"),
    ]);
    let job = rows::running(&part).unwrap();
    assert!(job.is_live());
    assert_eq!((job.job_id, job.set_id, job.initiator_job_id), (7, Some(7), Some(7)));
    assert_eq!(job.percent(), Some(25));
    assert_eq!(job.kind, SetKind::Full);
    let all = row(&[("TENANT_ID", "1"), ("BACKUP_SET_ID", "7"), ("STATUS", "DOING"), ("RESULT", "0")]);
    let all = rows::running(&all).unwrap();
    assert_eq!((all.tenant_id, all.initiator_job_id), (1, None));
}

/// Below V4 an odd id is no meta tenant.
#[test]
fn tenants_above_a_thousand_are_users() {
    use TenantKind::{Meta, Sys, User};
    assert_eq!([1, 500, 1_000, 1_001, 1_002].map(rows::kind), [Sys, Meta, Meta, User, User]);
}

fn parameters(pairs: &[(&str, &str)]) -> Parameters {
    Parameters::new(pairs.iter().map(|(name, value)| row(&[("NAME", name), ("VALUE", value)])).collect())
}

#[test]
fn upgrade_signs_are_named() {
    let server = |build: &&str| ServerFacts {
        address: "10.0.0.1:2882".into(),
        zone: "z1".into(),
        status: "ACTIVE".into(),
        serving: Some(true),
        build: (*build).into(),
    };
    let signs = |pairs: &[(&str, &str)], builds: &[&str]| {
        let servers: Vec<ServerFacts> = builds.iter().map(server).collect();
        upgrade_signs(&parameters(pairs), Some(&servers))
    };
    let quiet = [("enable_upgrade_mode", "False"), ("_upgrade_stage", "NONE"), ("min_observer_version", "3.1.2")];
    assert_eq!(signs(&quiet, &["3.1.2_10000392021123010-33c6(Dec 30 2021 01:02:03)"]), Vec::<String>::new());
    assert_eq!(signs(&[("enable_upgrade_mode", "True")], &[]), ["enable_upgrade_mode is True"]);
    assert_eq!(signs(&[("_upgrade_stage", "DBUPGRADE")], &[]), ["_upgrade_stage is DBUPGRADE"]);
    let apart = [("min_observer_version", "3.1.1"), ("min_observer_version", "3.1.2")];
    assert_eq!(signs(&apart, &[]), ["min_observer_version differs between servers: 3.1.1, 3.1.2"]);
    let ahead = signs(&[("min_observer_version", "3.1.1")], &["3.1.1_10000392021123010", "3.1.2_10000392021123010"]);
    assert_eq!(ahead, ["10.0.0.1:2882 runs 3.1.2_10000392021123010, and min_observer_version is 3.1.1"]);
    let fourth = [("_upgrade_stage", ""), ("min_observer_version", "3.2.4")];
    assert_eq!(
        signs(&fourth, &["3.2.4.1_101000052023010822-346a"]),
        Vec::<String>::new(),
        "the fourth number is not said"
    );
    let both = [("min_observer_version", "3.2.4.0")];
    assert_eq!(signs(&both, &["3.2.4.1_101000052023010822-346a"]).len(), 1);
    // Where the line does not compare them, builds are the check of builds' own matter.
    assert!(upgrade_signs(&parameters(&[("min_observer_version", "4.2.1.0")]), None).is_empty());
}

/// A backup before V4 needs GTS in every tenant; an unknown value does not count as GTS.
#[test]
fn tenants_without_gts_are_found() {
    let facts = crate::domain::samples::legacy("3.1.2", crate::domain::cluster_backup::CompactionRule::Enforced, 1);
    let ids: Vec<String> = facts
        .tenants
        .iter()
        .filter(|tenant| tenant.kind == TenantKind::User)
        .map(|tenant| tenant.id.to_string())
        .collect();
    let told = |first: &str, second: &str| {
        let variables =
            [(&ids[0], first), (&ids[1], second)].map(|(id, value)| row(&[("TENANT_ID", id), ("VALUE", value)]));
        rows::without_gts(&variables, &facts.tenants)
    };
    assert_eq!(told("1", "2"), Known::Known(vec![]));
    assert_eq!(told("GTS", "HA_GTS"), Known::Known(vec![]));
    assert_eq!(told("1", "0"), Known::Known(vec!["order".into()]));
    assert_eq!(told("LTS", "0"), Known::Known(vec!["pay".into(), "order".into()]));
    let unsaid = "order does not say whether it uses GTS: ob_timestamp_service is \"7\"";
    assert_eq!(told("1", "7"), Known::NotChecked(unsaid.into()));
    assert!(matches!(rows::without_gts(&[], &facts.tenants), Known::NotChecked(_)));
}

#[test]
fn archive_state_has_its_lag_target() {
    let round = rows::round(
        &row(&[
            ("LOG_ARCHIVE_ROUND", "1"),
            ("STATUS", "DOING"),
            ("MIN_FIRST_TIME", "2021-07-16 17:00:00.000000"),
            ("MAX_NEXT_TIME", "2021-07-16 18:00:00.000000"),
        ]),
        &east(),
    )
    .unwrap();
    let now = Scn::from_micros((AT + 400) * 1_000_000);
    let parameters = Parameters::new(vec![row(&[("NAME", "log_archive_checkpoint_interval"), ("VALUE", "120s")])]);
    let late = stand(&round, now, Some(&parameters));
    assert_eq!((late.status.as_str(), late.behind, late.lag_target), ("DOING", Some(400), Some(120)));
    assert_eq!(stand(&round, now, None).lag_target, None, "what was not read has no default");
}

/// Below V4 the competing load is the cluster's (R15).
#[test]
fn the_load_beside_a_backup_is_what_was_read_of_it() {
    let mut facts = legacy("3.1.2", CompactionRule::NotAsked, 0);
    let parameters = Parameters::new(vec![row(&[("NAME", "backup_net_limit"), ("VALUE", "100M")])]);
    let told = |whole: &ClusterBackupFacts| load(whole, &parameters).told();
    let idle = told(whole(&mut facts));
    assert_eq!(idle, "backup_concurrency was not read; backup_net_limit is 100M; no major compaction runs");
    if let Known::Known(compaction) = &mut whole(&mut facts).compaction {
        compaction.status = "MERGING".to_owned();
    }
    let busy = told(whole(&mut facts));
    assert!(busy.contains("; a major compaction runs: "), "{busy}");
    whole(&mut facts).compaction = Known::NotChecked("nobody says".to_owned());
    assert!(told(whole(&mut facts)).ends_with("; whether a major compaction runs was not read"));
}
