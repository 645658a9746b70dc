//! Facts for tests: a healthy V4.2.5 cluster `prod` with the tenants sys, meta and `pay`, and functions that vary it.
#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::archive_dest::{ArchiveDest, Binding};
use super::choices::{Choices, Mode, RequestedStorage, StorageSource};
use super::competing_load::CompetingLoad;
use super::destination::Destination;
use super::facts::{
    ArchiveFacts, BaseRule, ClusterFacts, CompatibilityMode, Facts, JobFacts, Known, LoginFacts, Role, Scope,
    ServerFacts, TenantFacts, TenantKind,
};
use super::identity::Created;
use super::proof::ProofRule;
use super::restorable::{BackupSet, FileStatus, Round, RoundStatus, SetKind, SetStatus};
use super::scn::Scn;
use super::step::StepKind;
use super::target::TargetName;
use super::time_zone::ServerTimeZone;
use super::version::{Detected, Method, Version};

mod any;
mod legacy;

pub use any::{any_choices, with_lasting_sources};
pub use legacy::{legacy, whole};

/// 2026-11-20 03:00:00 UTC, in seconds since 1970: the moment at which the facts were read.
pub const NOW: u64 = 1_795_143_600;

/// The steps of a physical backup, in order.
pub const PHYSICAL: [StepKind; 8] = [
    StepKind::CheckTarget,
    StepKind::CheckReady,
    StepKind::SetDestination,
    StepKind::StartArchiving,
    StepKind::Compact,
    StepKind::StartBackup,
    StepKind::WaitForBackup,
    StepKind::ConfirmRestorable,
];

/// The steps of a logical backup into a directory, in order.
pub const LOGICAL: [StepKind; 6] = [
    StepKind::CheckTarget,
    StepKind::CheckBackupService,
    StepKind::CheckReady,
    StepKind::StartBackup,
    StepKind::WaitForBackup,
    StepKind::ConfirmRestorable,
];

/// The steps of a logical backup to an object storage, in order.
pub const UPLOADED: [StepKind; 7] = [
    StepKind::CheckTarget,
    StepKind::CheckBackupService,
    StepKind::CheckReady,
    StepKind::StartBackup,
    StepKind::WaitForBackup,
    StepKind::Upload,
    StepKind::ConfirmRestorable,
];

/// Returns the SCN that lies `seconds` before [`NOW`].
pub fn ago(seconds: u64) -> Scn {
    Scn((NOW - seconds) * 1_000_000_000)
}

/// Parses the name of a target.
pub fn target(name: &str) -> TargetName {
    name.parse().unwrap()
}

/// Parses a destination as a server prints it.
pub fn place(uri: &str) -> Destination {
    Destination::parse_server(uri).unwrap()
}

/// Returns an active server, `10.0.0.<number>` in the zone `z<number>`.
pub fn server(number: u8) -> ServerFacts {
    ServerFacts {
        address: format!("10.0.0.{number}:2882"),
        zone: format!("z{number}"),
        status: "ACTIVE".into(),
        serving: Some(true),
        build: "4.2.5.1_101000012024".into(),
    }
}

/// Returns an archive round of this status that began 9000 s before [`NOW`] and is 10 s behind.
pub fn round(status: &str) -> Round {
    Round {
        round_id: 1,
        dest_id: 1002,
        status: RoundStatus::from(status),
        start: ago(9_000),
        checkpoint: ago(10),
        path: String::new(),
    }
}

/// Returns the archive of a tenant whose round has this status; None: there is no round, and the log mode is off.
pub fn archive(status: Option<&str>) -> ArchiveFacts {
    let current = status.map(round);
    ArchiveFacts {
        times: Known::Known(()),
        log_mode_on: Some(!matches!(status, None | Some("STOP"))),
        destination: Some(ArchiveDest {
            binding: Some(Binding::Optional),
            piece_switch_interval: Some("1d".into()),
            ..ArchiveDest::new(place("file:///own/clog"))
        }),
        deferred: false,
        rounds: current.iter().cloned().collect(),
        current,
        pieces: Known::Known(None),
        lag_target: Some(120),
    }
}

/// Returns a healthy MySQL-mode user tenant that has destinations, archives and has no set yet.
pub fn tenant(id: u64, name: &str) -> TenantFacts {
    TenantFacts {
        id,
        name: name.into(),
        name_is_exact: true,
        created: None,
        kind: TenantKind::User,
        mode: CompatibilityMode::Mysql,
        role: Role::Primary,
        status: "NORMAL".into(),
        in_recycle_bin: false,
        read_only: false,
        version: Version::oceanbase([4, 2, 5, 1], Some(101_000_012_024)),
        data_version: Some("4.2.5.0".into()),
        unread: Vec::new(),
        data_destination: Some(place("file:///own/data")),
        archive: archive(Some("DOING")),
        sets: Vec::new(),
        base: BaseRule::Path,
        running: Vec::new(),
        recovery_window: Known::Known(Some("7d".into())),
        cleanup: Known::Known(None),
        transparent_encryption: Known::Known(None),
        load: CompetingLoad {
            compaction: Known::Known(None),
            settings: vec![("ha_low_thread_score", Some("0".into()))],
        },
    }
}

/// Returns [`tenant`] with directories of its own, so that it shares none with `pay`.
pub fn other_tenant(id: u64, name: &str) -> TenantFacts {
    let mut other = tenant(id, name);
    other.data_destination = Some(place(&format!("file:///own/{id}/data")));
    other.archive.destination = Some(ArchiveDest::new(place(&format!("file:///own/{id}/clog"))));
    other
}

/// Returns an available, successful full set of `pay`.
pub fn full(id: u64) -> BackupSet {
    BackupSet {
        id,
        kind: SetKind::Full,
        prev_full: 0,
        prev_inc: 0,
        tenant_level: false,
        status: SetStatus::Success,
        file_status: FileStatus::Available,
        start_replay: ago(8_000),
        min_restore: ago(7_000),
        log_needed_to: None,
        plus_archivelog: false,
        encryption_mode: "NONE".into(),
        dest_id: 1001,
        path: "file:///own/data".into(),
        bytes: Some(1),
        data_version: Some("4.2.5.0".into()),
        cluster_version: Some("4.2.5.1".into()),
        restores_here: Some(true),
        started: None,
        ended: None,
    }
}

/// Returns a running full backup job of `pay`; `description` is its mark.
pub fn job(description: &str) -> JobFacts {
    JobFacts {
        tenant_id: 1002,
        job_id: 7,
        set_id: Some(3),
        initiator_tenant_id: 1002,
        initiator_job_id: None,
        executors: vec![1002],
        kind: SetKind::Full,
        status: "DOING".into(),
        result: 0,
        comment: String::new(),
        description: description.into(),
        path: "file:///own/data".into(),
        started: "2026-11-20 10:59:00".into(),
        ended: None,
        task: None,
    }
}

/// Returns the cluster `prod` with these user tenants, sys and a meta tenant.
pub fn cluster(users: Vec<TenantFacts>) -> Facts {
    let sys = TenantFacts { kind: TenantKind::Sys, ..tenant(1, "sys") };
    let meta = TenantFacts { kind: TenantKind::Meta, ..tenant(1001, "META$1002") };
    let version = Detected::read("OceanBase_CE 4.2.5.1-101000012024").unwrap().version;
    Facts {
        at: jiff::Timestamp::from_second(i64::try_from(NOW).unwrap()).unwrap(),
        cluster: ClusterFacts {
            target: target("prod"),
            environment: Some("prod".into()),
            endpoint: "10.0.0.1:2881".into(),
            server_name: Some("obprod".into()),
            id: Some(77),
            created: Known::Known(Created { tenant: 1, at: "2026-10-01T03:31:40.123456Z".parse().unwrap() }),
            version,
            edition: None,
            method: Method::Physical,
            method_reason: "V4.2.5 is on a line with physical backup.".into(),
            scope: Scope::Sys,
            login: LoginFacts {
                user: "root@sys".into(),
                tenant: "sys".into(),
                missing: Known::Known(Vec::new()),
                grants: Vec::new(),
            },
            servers: Known::Known(vec![server(1), server(2), server(3)]),
            upgrading: Known::Known(Vec::new()),
            time_zone: ServerTimeZone::fixed(28_800),
            clock_ahead_ms: 0,
            backup_service: None,
            work: None,
            dump: None,
            dump_directory: None,
            proof: ProofRule::OfEachBackup,
            through_proxy: Some(false),
            cluster_backup: None,
            managers: Known::Known(Vec::new()),
        },
        tenants: [sys, meta].into_iter().chain(users).collect(),
    }
}

/// Returns the cluster `prod` with the user tenant `pay`.
pub fn prod() -> Facts {
    cluster(vec![tenant(1002, "pay")])
}

/// Returns the choices of a backup of these targets, everything else at its default.
pub fn choose(targets: &[&str], mode: Mode) -> Choices {
    Choices::new(targets.iter().map(|name| target(name)).collect(), mode)
}

/// Returns a storage with these URIs and no access key.
pub fn wanted(data: Option<&str>, archive: Option<&str>, source: StorageSource) -> RequestedStorage {
    RequestedStorage {
        data: data.map(str::to_owned),
        archive: archive.map(str::to_owned),
        access_id: None,
        access_key: None,
        source,
        tenants: None,
    }
}
