#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its setup fails")]

use super::*;
use crate::demo::view_definitions::views_of;
use crate::domain::version::Detected;

const STATEMENTS: [StatementId; 16] = [
    StatementId::SetDataDestination,
    StatementId::SetArchiveDestination,
    StatementId::SetArchiveLagTarget,
    StatementId::ResumeArchiving,
    StatementId::StartArchiving,
    StatementId::StopArchiving,
    StatementId::Encrypt,
    StatementId::BackupFull,
    StatementId::BackupIncremental,
    StatementId::CancelBackup,
    StatementId::BackupTenants,
    StatementId::Compact,
    StatementId::ShowParameter,
    StatementId::Decrypt,
    StatementId::RestorePreview,
    StatementId::ShowRestorePreview,
];

const VIEWS: [ViewId; 28] = [
    ViewId::Servers,
    ViewId::Parameters,
    ViewId::Tenants,
    ViewId::TenantJobs,
    ViewId::DataDestination,
    ViewId::ArchiveDestination,
    ViewId::ArchiveCurrent,
    ViewId::ArchiveRounds,
    ViewId::ArchivePieces,
    ViewId::Sets,
    ViewId::Jobs,
    ViewId::JobHistory,
    ViewId::Tasks,
    ViewId::DeletePolicy,
    ViewId::DeleteJobs,
    ViewId::Events,
    ViewId::Connections,
    ViewId::ScheduleTasks,
    ViewId::LogStreams,
    ViewId::Cluster,
    ViewId::Zones,
    ViewId::Freezes,
    ViewId::BackupState,
    ViewId::SetFiles,
    ViewId::SetLevels,
    ViewId::BrokenParts,
    ViewId::Variables,
    ViewId::MajorCompactions,
];

/// Statements and views that only some profiles have.
const PER_CLUSTER_STATEMENTS: [StatementId; 2] = [StatementId::Compact, StatementId::ShowParameter];
const PER_CLUSTER_VIEWS: [ViewId; 6] =
    [ViewId::Cluster, ViewId::Zones, ViewId::Freezes, ViewId::BackupState, ViewId::BrokenParts, ViewId::Variables];
const PER_TENANT_STATEMENTS: [StatementId; 3] =
    [StatementId::SetArchiveDestination, StatementId::SetArchiveLagTarget, StatementId::ResumeArchiving];
const PER_TENANT_VIEWS: [ViewId; 11] = [
    ViewId::MajorCompactions,
    ViewId::Parameters,
    ViewId::TenantJobs,
    ViewId::DataDestination,
    ViewId::ArchiveDestination,
    ViewId::ArchiveCurrent,
    ViewId::ArchivePieces,
    ViewId::JobHistory,
    ViewId::Tasks,
    ViewId::DeletePolicy,
    ViewId::LogStreams,
];
/// From some release of a family on.
const LATER_STATEMENTS: [StatementId; 4] =
    [StatementId::BackupTenants, StatementId::Decrypt, StatementId::RestorePreview, StatementId::ShowRestorePreview];
/// Statements of the storage proof: they name directories, and only sys may send them.
const PREVIEW_STATEMENTS: [StatementId; 3] =
    [StatementId::Decrypt, StatementId::RestorePreview, StatementId::ShowRestorePreview];
const LATER_VIEWS: [ViewId; 2] = [ViewId::SetFiles, ViewId::SetLevels];

fn is_per_cluster(line: &ReleaseProfile) -> bool {
    matches!(line.backup_scope, BackupScope::PerCluster(_))
}

fn version(text: &str) -> Version {
    Detected::read(text).unwrap().version
}

/// Returns the positions in the lists above: a new id stops this from compiling, and the position is checked below.
fn indexes(statement: StatementId, view: ViewId) -> (usize, usize) {
    let statement = match statement {
        StatementId::SetDataDestination => 0,
        StatementId::SetArchiveDestination => 1,
        StatementId::SetArchiveLagTarget => 2,
        StatementId::ResumeArchiving => 3,
        StatementId::StartArchiving => 4,
        StatementId::StopArchiving => 5,
        StatementId::Encrypt => 6,
        StatementId::BackupFull => 7,
        StatementId::BackupIncremental => 8,
        StatementId::CancelBackup => 9,
        StatementId::BackupTenants => 10,
        StatementId::Compact => 11,
        StatementId::ShowParameter => 12,
        StatementId::Decrypt => 13,
        StatementId::RestorePreview => 14,
        StatementId::ShowRestorePreview => 15,
    };
    let view = match view {
        ViewId::Servers => 0,
        ViewId::Parameters => 1,
        ViewId::Tenants => 2,
        ViewId::TenantJobs => 3,
        ViewId::DataDestination => 4,
        ViewId::ArchiveDestination => 5,
        ViewId::ArchiveCurrent => 6,
        ViewId::ArchiveRounds => 7,
        ViewId::ArchivePieces => 8,
        ViewId::Sets => 9,
        ViewId::Jobs => 10,
        ViewId::JobHistory => 11,
        ViewId::Tasks => 12,
        ViewId::DeletePolicy => 13,
        ViewId::DeleteJobs => 14,
        ViewId::Events => 15,
        ViewId::Connections => 16,
        ViewId::ScheduleTasks => 17,
        ViewId::LogStreams => 18,
        ViewId::Cluster => 19,
        ViewId::Zones => 20,
        ViewId::Freezes => 21,
        ViewId::BackupState => 22,
        ViewId::SetFiles => 23,
        ViewId::SetLevels => 24,
        ViewId::BrokenParts => 25,
        ViewId::Variables => 26,
        ViewId::MajorCompactions => 27,
    };
    (statement, view)
}

#[test]
fn every_profile_has_its_templates_and_views() {
    let lines = PROFILES.as_ref().unwrap();
    for line in lines {
        for bound in [&line.from, &line.below] {
            assert!(bound.parse::<Version>().is_ok(), "{}: {bound} is no version", line.name);
        }
        for (at, id) in STATEMENTS.into_iter().enumerate() {
            assert_eq!(indexes(id, ViewId::Servers).0, at);
            let foreign = if is_per_cluster(line) { &PER_TENANT_STATEMENTS[..] } else { &PER_CLUSTER_STATEMENTS };
            for scope in [Scope::Sys, Scope::Tenant] {
                let has = line.template(id, scope).is_some_and(|words| !words.is_empty());
                assert!(has != foreign.contains(&id) || LATER_STATEMENTS.contains(&id), "{}: {id:?}", line.name);
            }
        }
        for (at, id) in VIEWS.into_iter().enumerate() {
            assert_eq!(indexes(StatementId::Encrypt, id).1, at);
            let foreign = if is_per_cluster(line) { &PER_TENANT_VIEWS[..] } else { &PER_CLUSTER_VIEWS };
            let has = line.view(id, Scope::Sys).is_some_and(|view| !view.columns.is_empty());
            let elsewhere = [ViewId::Connections, ViewId::ScheduleTasks].contains(&id) && is_per_cluster(line);
            assert!(has != (foreign.contains(&id) || elsewhere) || LATER_VIEWS.contains(&id), "{}: {id:?}", line.name);
        }
    }
}

/// From sys every ALTER SYSTEM names its tenants; a tenant names none, since it may not (R6; 1235).
#[test]
fn sys_templates_name_their_tenants() {
    for line in PROFILES.as_ref().unwrap().iter().filter(|line| !is_per_cluster(line)) {
        for id in STATEMENTS {
            if line.template(id, Scope::Sys).is_none() {
                continue;
            }
            if PREVIEW_STATEMENTS.contains(&id) {
                assert!(line.template(id, Scope::Tenant).is_none(), "{id:?}");
                continue;
            }
            let (sys, tenant) = (line.template(id, Scope::Sys).unwrap(), line.template(id, Scope::Tenant).unwrap());
            assert_eq!(sys.contains("TENANT = {tenant"), sys.starts_with("ALTER SYSTEM"), "{sys}");
            assert!(!tenant.contains("{tenant") && !tenant.contains("TENANT ="), "{tenant}");
            if id != StatementId::Encrypt {
                assert!(sys.starts_with("ALTER SYSTEM") && tenant.starts_with("ALTER SYSTEM"), "{sys}; {tenant}");
            }
        }
    }
}

#[test]
fn columns_are_documented() {
    let documented = views_of("4.2.5").unwrap();
    let line = ReleaseProfile::for_version(&version("OceanBase 4.2.5.1")).unwrap();
    let mut wrong = Vec::new();
    for (id, scope) in VIEWS.into_iter().flat_map(|id| [(id, Scope::Sys), (id, Scope::Tenant)]) {
        let Some(view) = line.view(id, scope) else { continue };
        let Some(known) = documented.get(&view.name.to_uppercase()) else {
            wrong.push(format!("{} is not there", view.name));
            continue;
        };
        if scope == Scope::Tenant && !known.visible_to_tenants {
            wrong.push(format!("{} is not for tenants", view.name));
        }
        if view.own_rows_only && known.column(TENANT_ID).is_some() {
            wrong.push(format!("{} has {TENANT_ID}", view.name));
        }
        // Optional columns are asked for only where a release has them; on the documented one they still must not be slips.
        let later = ["DATA_PROGRESS", "LOG_PROGRESS"];
        let optional = view.optional.iter().filter(|column| !later.contains(&column.as_str()));
        for column in view.columns.iter().chain(&view.time_columns).chain(optional) {
            if known.column(column).is_none() {
                wrong.push(format!("{}.{column}", view.name));
            }
            assert_eq!(*column, column.to_uppercase(), "names are compared in upper case");
        }
        let mut names: Vec<&String> = view.columns.iter().chain(&view.optional).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), view.columns.len() + view.optional.len(), "{}: a column twice", view.name);
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn views_hidden_from_tenants() {
    let line = ReleaseProfile::for_version(&version("OceanBase 4.2.5.1")).unwrap();
    let own = |id: &ViewId| line.view(*id, Scope::Sys).is_some();
    let unseen: Vec<ViewId> =
        VIEWS.into_iter().filter(own).filter(|id| line.view(*id, Scope::Tenant).is_none()).collect();
    assert_eq!(unseen, [ViewId::Servers, ViewId::TenantJobs, ViewId::Events, ViewId::ScheduleTasks]);
    assert!(ViewId::REQUIRED.iter().all(|id| line.view(*id, Scope::Tenant).is_some()));
}

#[test]
fn no_column_that_holds_a_password_is_read() {
    for line in PROFILES.as_ref().unwrap() {
        for view in line.views.values() {
            let columns = view.sys.columns.iter().chain(&view.sys.optional);
            let secret = columns.filter(|name| ["PASSWD", "AUTHORIZATION", "ACCESS_INFO"].contains(&name.as_str()));
            assert_eq!(secret.count(), 0, "{}", view.sys.name);
        }
    }
}

#[test]
fn version_has_its_profile_or_the_one_below() {
    for (text, name) in [
        ("OceanBase 4.0.0.0", Some("V4")),
        ("OceanBase 4.2.0.1", Some("V4")),
        ("OceanBase 4.2.1.0", Some("V4.2.1")),
        ("OceanBase 4.2.5.1", Some("V4.2.1")),
        ("OceanBase 4.4.9.0", Some("V4.2.1")),
        ("OceanBase 4.5.0.0", Some("V4.2.1")),
        ("OceanBase V5.0.0.0", Some("V4.2.1")),
        ("OceanBase 3.2.4.0", Some("V3.2")),
        ("OceanBase 3.2.1.0", Some("V3.2")),
        ("OceanBase 3.1.5", Some("V3.1.3")),
        ("OceanBase 3.1.3", Some("V3.1.3")),
        ("OceanBase 3.1.2", Some("V3.1.1")),
        ("OceanBase 3.1.1", Some("V3.1.1")),
        ("OceanBase 3.1.0", Some("V3.1.0")),
        ("OceanBase 2.2.77", Some("V2.2.77")),
        ("OceanBase 2.2.76", Some("V2.2.60")),
        ("OceanBase 2.2.60", Some("V2.2.60")),
        ("OceanBase 2.2.52", None),
        ("seekdb-v1.4.0.0", None),
    ] {
        let line = ReleaseProfile::for_version(&version(text));
        assert_eq!(line.map(|line| line.name.as_str()), name, "{text}: a line's words are not for older servers");
    }
}

/// A version without a profile uses the one below it; profiles and backup method agree on which versions are known.
#[test]
fn profiles_and_method_agree_on_known_versions() {
    for text in [
        "2.2.60", "2.2.76", "2.2.77", "2.2.78", "2.3.0", "3.0.0", "3.1.0", "3.1.5", "3.1.9", "3.2.0", "3.2.4.6",
        "3.3.0", "3.9.0", "4.0.0.0", "4.2.5.1", "4.3.5.9", "4.4.9.9", "4.5.0.0", "4.9.0.0", "5.0.0.0", "9.0.0.0",
    ] {
        let version = version(&format!("OceanBase {text}"));
        let line = ReleaseProfile::for_version(&version).unwrap();
        assert_eq!(line.covers(&version), version.method().known, "{text}: {}", line.name);
    }
}

/// What each newer release line adds, and what it requires.
#[test]
fn features_of_profiles_below_v4() {
    use crate::domain::cluster_backup::CompactionRule::{AsAnswered, Enforced, NotAsked};
    for (text, files, levels, tenants, compaction) in [
        ("OceanBase 2.2.60", false, false, false, Enforced),
        ("OceanBase 2.2.76", false, false, false, Enforced),
        ("OceanBase 2.2.77", true, false, false, Enforced),
        ("OceanBase 3.1.0", false, false, false, Enforced),
        ("OceanBase 3.1.2", true, false, false, Enforced),
        ("OceanBase 3.1.3", true, false, false, NotAsked),
        ("OceanBase 3.1.5", true, false, false, NotAsked),
        ("OceanBase 3.2.1.0", true, true, true, AsAnswered),
        ("OceanBase 3.2.4.0", true, true, true, AsAnswered),
    ] {
        let line = ReleaseProfile::for_version(&version(text)).unwrap();
        let sees = |id| line.view(id, Scope::Sys).is_some();
        assert_eq!((sees(ViewId::SetFiles), sees(ViewId::SetLevels)), (files, levels), "{text}");
        assert_eq!(line.template(StatementId::BackupTenants, Scope::Sys).is_some(), tenants, "{text}");
        let BackupScope::PerCluster(rules) = line.backup_scope else { panic!("{text}") };
        assert_eq!((rules.compaction, rules.most_increments), (compaction, 64), "{text}");
        assert!(line.action_timeout_factor >= 20, "{text}: BACKUP may take its servers 600 s");
        assert!(VIEWS.into_iter().all(|id| line.view(id, Scope::Tenant).is_none()), "{text}: from sys only");
        assert!(!line.jobs_carry_description());
    }
}

/// These statements concern the whole cluster; only two name a tenant, and none forces or clears anything.
#[test]
fn statements_below_v4_name_no_tenants() {
    for line in PROFILES.as_ref().unwrap().iter().filter(|line| is_per_cluster(line)) {
        for id in STATEMENTS {
            let Some(words) = line.template(id, Scope::Sys) else { continue };
            let names = [StatementId::BackupTenants, StatementId::RestorePreview].contains(&id);
            assert_eq!(words.contains("{tenant"), names, "{words}");
            assert!(!words.contains("FORCE") && !words.contains("TENANT ="), "{words}");
        }
    }
}

/// A proof is part of each backup from V4.2.1 on; V3.1.1 and later V3.1 have it on demand only (R10).
#[test]
fn proof_rule_of_each_release() {
    use crate::domain::proof::ProofRule::{Never, OfEachBackup, OnDemandInCommunity};
    for (text, rule) in [
        ("OceanBase 2.2.60", Never),
        ("OceanBase 2.2.77", Never),
        ("OceanBase 3.1.0", Never),
        ("OceanBase 3.1.1", OnDemandInCommunity),
        ("OceanBase 3.1.5", OnDemandInCommunity),
        ("OceanBase 3.2.4.0", Never),
        ("OceanBase 4.0.0.0", Never),
        ("OceanBase 4.2.0.1", Never),
        ("OceanBase 4.2.1.0", OfEachBackup),
        ("OceanBase 4.4.9.0", OfEachBackup),
    ] {
        let line = ReleaseProfile::for_version(&version(text)).unwrap();
        assert_eq!(line.proof, rule, "{text}");
        for id in PREVIEW_STATEMENTS {
            assert_eq!(line.template(id, Scope::Sys).is_some(), rule != Never, "{text}: {id:?}");
        }
    }
}

#[test]
fn multi_selects_of_each_profile() {
    for line in ReleaseProfile::all() {
        let known = ["V3.1.0", "V3.1.1", "V3.1.3", "V4", "V4.2.1"].contains(&line.name.as_str());
        assert_eq!(line.accepts_multi_selects, known, "{}", line.name);
    }
}

#[test]
fn unknown_base_profile_is_refused() {
    let entry = "{name: V9, like: V8, from: V9.0, below: V10.0}";
    let entry: ProfileEntry = serde_yaml::from_str(entry).unwrap();
    assert_eq!(entry.complete(&[]).unwrap_err(), "V9 is like no line");
    let alone: ProfileEntry = serde_yaml::from_str("{name: V9, from: V9.0, below: V10.0}").unwrap();
    assert_eq!(alone.complete(&[]).unwrap_err(), "V9 has no jobs");
}

/// A newer release needs only one entry with its differences.
#[test]
fn new_release_needs_one_entry() {
    let entry =
        r#"{name: V4.6, like: V4, from: "V4.6", below: "V5.0", statements: {cancel_backup: "ALTER SYSTEM CANCEL IT"}}"#;
    let entry: ProfileEntry = serde_yaml::from_str(entry).unwrap();
    let line = entry.complete(PROFILES.as_ref().unwrap()).unwrap();
    assert_eq!(line.template(StatementId::CancelBackup, Scope::Sys), Some("ALTER SYSTEM CANCEL IT"));
    let v4 = ReleaseProfile::for_version(&version("OceanBase 4.2.5.1")).unwrap();
    assert_eq!(line.template(StatementId::BackupFull, Scope::Sys), v4.template(StatementId::BackupFull, Scope::Sys));
    assert_eq!(line.backup_scope, v4.backup_scope);
}
