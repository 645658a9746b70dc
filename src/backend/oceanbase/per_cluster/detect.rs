//! Detection of V2 and V3: what exists once per cluster, and the tenants.

use std::collections::BTreeMap;

use super::super::OceanBase;
use super::super::column_types::{is_on, needed};
use super::super::parse::{Parameters, by_tenant};
use super::super::release_profile::{TENANT_ID, ViewId};
use super::super::rows::{seconds, unix_time, word};
use super::super::session::{Row, number, text};
use super::super::sets::rows_of_tenant;
use super::super::view_reader::{Filter, FilterValue};
use super::rows::{self, CLUSTER};
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::cluster_backup::{
    ClusterBackupFacts, ClusterBackupRules, ClusterRole, CompactionFacts, ZoneCompaction,
};
use crate::domain::competing_load::CompetingLoad;
use crate::domain::destination::Destination;
use crate::domain::diagnosis::{foreign, identifier};
use crate::domain::facts::{ArchiveFacts, BaseRule, CompatibilityMode, JobFacts, Known, Role, Scope, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::restorable::{BackupSet, FileStatus, Round, RoundStatus};
use crate::domain::scn::Scn;
use crate::domain::time_zone::ServerTimeZone;

impl OceanBase {
    /// Reads the backup facts that exist once per cluster.
    pub(in super::super) async fn read_cluster_backup_facts(
        &mut self,
        rules: ClusterBackupRules,
        parameters: &Parameters,
    ) -> Result<ClusterBackupFacts, Fault> {
        self.check_sys_login()?;
        let destinations = destinations(parameters);
        if destinations.iter().flatten().count()
            < parameters.raw("backup_dest").iter().filter(|at| !at.is_empty()).count()
        {
            self.not_read("backup_dest");
        }
        let [cluster, cleanups, freezes, zones] = self
            .read_together([
                (ViewId::Cluster, &[], ""),
                (ViewId::DeleteJobs, &[], "JOB_ID"),
                (ViewId::Freezes, &[], "FROZEN_VERSION DESC LIMIT 1"),
                (ViewId::Zones, &[], "ZONE, NAME"),
            ])
            .await?;
        Ok(ClusterBackupFacts {
            rules,
            role: cluster_role(cluster),
            destinations,
            has_second_copy: parameters.one("backup_backup_dest").is_some(),
            status: self.backup_state().await?.status,
            cleanup: running_cleanup(cleanups),
            compaction: last_compaction(freezes, zones, parameters),
            without_gts: Known::NotChecked("whether every tenant uses GTS was not asked here".to_owned()),
        })
    }

    /// Refuses the login of a tenant: below V4 only sys sees backups.
    fn check_sys_login(&self) -> Result<(), Fault> {
        let home = self.home()?;
        if home.scope == Scope::Sys {
            return Ok(());
        }
        Err(Fault::new(
            Cause::Rights,
            format!("{} is backed up from the sys tenant only.", self.target),
            format!(
                "The login {} sees the tenant {} alone, and before V4 that is not enough.",
                self.connection.user, home.name
            ),
            "Log in as root@sys (root@sys#cluster through a proxy).",
        ))
    }

    /// Reads all tenants, or those of these ids.
    pub(in super::super) async fn read_cluster_tenants(
        &mut self,
        parameters: &Parameters,
        whole: &ClusterBackupFacts,
        zone: &ServerTimeZone,
        only: Option<&[u64]>,
    ) -> Result<Vec<TenantFacts>, Fault> {
        let ids = |also: Option<u64>| -> Vec<Filter<'_>> {
            only.map(|ids| (TENANT_ID, ids.iter().copied().chain(also).map(FilterValue::Number).collect()))
                .into_iter()
                .collect()
        };
        let version = self.version()?;
        let tenants = self.read(ViewId::Tenants, &ids(None), TENANT_ID).await?;
        let rounds = self.read(ViewId::ArchiveRounds, &ids(Some(CLUSTER)), "LOG_ARCHIVE_ROUND").await?;
        let rounds = by_tenant(rounds)?;
        let mut sets = Vec::new();
        for row in &tenants {
            sets.push(self.sets(needed(row, TENANT_ID)?, zone).await?);
        }
        let jobs = self.read_cluster_jobs().await?;
        let round = |row: &Row| rows::round(row, zone);
        let of_cluster: Option<Round> = rounds.get(&CLUSTER).and_then(|rows| rows.last()).map(round).transpose()?;
        let role = match whole.role.get() {
            Some(role) if !role.is_primary() => Role::Standby,
            _ => Role::Primary,
        };
        let load = load(whole, parameters);
        tenants
            .iter()
            .zip(sets)
            .map(|(row, sets)| {
                let id = needed(row, TENANT_ID)?;
                let rounds: Vec<Round> = rounds.get(&id).into_iter().flatten().map(round).collect::<Result<_, _>>()?;
                let times = times(zone, rounds.iter().chain(&of_cluster));
                Ok(TenantFacts {
                    id,
                    name: identifier(&text(row, "TENANT_NAME")),
                    name_is_exact: identifier(&text(row, "TENANT_NAME")) == text(row, "TENANT_NAME"),
                    created: unix_time(row, "GMT_CREATE"),
                    kind: rows::kind(id),
                    mode: mode(row),
                    role: role.clone(),
                    status: status(row),
                    in_recycle_bin: is_on(row, "IN_RECYCLEBIN"),
                    read_only: is_on(row, "READ_ONLY"),
                    version,
                    data_version: None,
                    unread: Vec::new(),
                    data_destination: whole.destination().cloned(),
                    archive: ArchiveFacts {
                        log_mode_on: None,
                        destination: whole.destination().cloned().map(ArchiveDest::new),
                        deferred: false,
                        current: of_cluster.clone(),
                        rounds,
                        pieces: Known::Known(None),
                        lag_target: lag_target(parameters),
                        times,
                    },
                    sets,
                    base: BaseRule::Round { most: whole.rules.most_increments },
                    running: running_jobs_of(&jobs, id),
                    recovery_window: Known::Known(recovery_window(parameters)),
                    cleanup: whole.cleanup.clone(),
                    transparent_encryption: Known::NotChecked(TDE_NOT_CHECKED.to_owned()),
                    load: load.clone(),
                })
            })
            .collect()
    }

    /// Reads the user tenants that do not use GTS.
    pub(in super::super) async fn without_gts(&mut self, tenants: &[TenantFacts]) -> Known<Vec<String>> {
        match self
            .read(ViewId::Variables, &[("NAME", vec![FilterValue::Text(rows::TIMESTAMP_SERVICE)])], TENANT_ID)
            .await
        {
            Ok(variables) => rows::without_gts(&variables, tenants),
            Err(fault) => Known::NotChecked(format!("whether every tenant uses GTS: {}", fault.what)),
        }
    }

    /// Reads the sets of a tenant in the order of their ids, without copies of sets. The views grow every day, so each tenant is
    /// read by its own queries.
    async fn sets(&mut self, tenant: u64, zone: &ServerTimeZone) -> Result<Vec<BackupSet>, Fault> {
        let has_files = self.sees(ViewId::SetFiles)?;
        let own: Filter<'_> = (TENANT_ID, vec![FilterValue::Number(tenant)]);
        let first = [own.clone(), ("COPY_ID", vec![FilterValue::Number(0)])];
        let own = [own];
        let [files, levels, sets] = self
            .read_together([
                (ViewId::SetFiles, &first, ""),
                (ViewId::SetLevels, &own, ""),
                (ViewId::Sets, &own, "BACKUP_SET_ID"),
            ])
            .await?;
        let files: BTreeMap<u64, FileStatus> = rows_of_tenant(tenant, files?)
            .iter()
            .map(|row| Ok((needed(row, "BS_KEY")?, FileStatus::from(word(row, "FILE_STATUS")))))
            .collect::<Result<_, Fault>>()?;
        let of_tenants: Vec<u64> = rows_of_tenant(tenant, levels?)
            .iter()
            .filter(|row| text(row, "BACKUP_LEVEL").eq_ignore_ascii_case("TENANT"))
            .map(|row| needed(row, "BS_KEY"))
            .collect::<Result<_, _>>()?;
        let mut found = Vec::new();
        for row in rows_of_tenant(tenant, sets?) {
            let id = needed(&row, "BACKUP_SET_ID")?;
            // A set that the view of files does not list is not known to exist.
            let known = files.get(&id).cloned().unwrap_or_else(|| FileStatus::Other("not listed".to_owned()));
            found.push(rows::set(&row, has_files.then_some(known), of_tenants.contains(&id), zone)?);
        }
        Ok(found)
    }
}

fn cluster_role(rows: Result<Vec<Row>, Fault>) -> Known<ClusterRole> {
    let row = match rows {
        Ok(rows) => rows.into_iter().next(),
        Err(fault) => return Known::NotChecked(format!("the cluster's role: {}", fault.what)),
    };
    match row.as_ref().map(|row| word(row, "CLUSTER_ROLE")).filter(|role| !role.is_empty()) {
        Some(word) => {
            let primary = row.as_ref().and_then(|row| number(row, "PRIMARY_CLUSTER_ID")).filter(|id| *id != 0);
            Known::Known(ClusterRole { word, primary })
        }
        None => Known::NotChecked("the server does not say what role the cluster has".to_owned()),
    }
}

fn running_cleanup(rows: Result<Vec<Row>, Fault>) -> Known<Option<String>> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(fault) => return Known::NotChecked(format!("running cleanups: {}", fault.what)),
    };
    let runs = |row: &&Row| !matches!(text(row, "STATUS").as_str(), "STOP" | "");
    Known::Known(rows.iter().find(runs).map(super::super::rows::cleanup))
}

/// Parses the last major freeze and the progress of its merge.
fn last_compaction(
    freezes: Result<Vec<Row>, Fault>,
    zones: Result<Vec<Row>, Fault>,
    parameters: &Parameters,
) -> Known<CompactionFacts> {
    match freezes.and_then(|freezes| Ok((freezes, zones?))) {
        Ok((freezes, zones)) => match compaction(freezes.first(), &zones, parameters) {
            Ok(compaction) => Known::Known(compaction),
            Err(unread) => Known::NotChecked(format!("major compactions: {unread} was not read")),
        },
        Err(fault) => Known::NotChecked(format!("major compactions: {}", fault.what)),
    }
}

impl ClusterBackupFacts {
    /// Adds the highest version that the good sets of the tenants contain.
    pub(in super::super) fn with_sets(mut self, tenants: &[TenantFacts]) -> Self {
        if let Known::Known(compaction) = &mut self.compaction {
            let good = tenants.iter().flat_map(|tenant| &tenant.sets).filter(|set| set.is_good() && !set.tenant_level);
            compaction.backed_up_version = good.filter_map(|set| set.data_version.as_ref()?.parse().ok()).max();
        }
        self
    }
}

/// Returns whether the times of these rounds are known.
pub(super) fn times<'a>(zone: &ServerTimeZone, mut rounds: impl Iterator<Item = &'a Round>) -> Known<()> {
    if let Some(why) = zone.unknown() {
        return Known::NotChecked(format!("the server's time zone is not known: {why}"));
    }
    let unread = |round: &&Round| round.status == RoundStatus::Doing && round.start == Scn(0);
    rounds.find(unread).map_or(Known::Known(()), |round| {
        Known::NotChecked(format!("log archive round {} is DOING, and its MIN_FIRST_TIME says no time", round.round_id))
    })
}

/// Why transparent encryption is not checked below V4.
const TDE_NOT_CHECKED: &str = "before V4 it is not known where a cluster shows it";

/// Returns what a backup competes with; below V4 all of it concerns the cluster.
pub(super) fn load(whole: &ClusterBackupFacts, parameters: &Parameters) -> CompetingLoad {
    CompetingLoad {
        compaction: match &whole.compaction {
            Known::NotChecked(why) => Known::NotChecked(why.clone()),
            Known::Known(compaction) => Known::Known(
                (!compaction.is_over()).then(|| format!("a major compaction runs: {}", compaction.progress())),
            ),
        },
        settings: ["backup_concurrency", "backup_net_limit"].map(|name| (name, parameters.one(name))).to_vec(),
    }
}

/// Returns the running parts of a tenant's backup, its own before the part of sys that represents all.
fn running_jobs_of(jobs: &[JobFacts], tenant: u64) -> Vec<JobFacts> {
    let mut found: Vec<JobFacts> =
        jobs.iter().filter(|job| job.tenant_id == tenant || job.tenant_id == CLUSTER).cloned().collect();
    found.sort_by_key(|job| job.tenant_id != tenant);
    found
}

fn mode(row: &Row) -> CompatibilityMode {
    match text(row, "COMPATIBILITY_MODE").trim() {
        "0" => CompatibilityMode::Mysql,
        "1" => CompatibilityMode::Oracle,
        word => CompatibilityMode::Other(identifier(word)),
    }
}

/// Returns the tenant's status in V4's words (NORMAL for `TENANT_STATUS_NORMAL`); a server without the column has no other.
fn status(row: &Row) -> String {
    let word = word(row, "STATUS");
    let short = word.strip_prefix("TENANT_STATUS_").unwrap_or(&word);
    if short.is_empty() { "NORMAL".to_owned() } else { short.to_owned() }
}

/// Parses `backup_dest` of each server; `None` where it is not set or cannot be parsed.
fn destinations(parameters: &Parameters) -> Vec<Option<Destination>> {
    parameters.raw("backup_dest").iter().map(|value| Destination::parse_server(value).ok()).collect()
}

/// Returns the interval of the archive checkpoint, in seconds.
pub(super) fn lag_target(parameters: &Parameters) -> Option<u64> {
    let option = backup_dest_option(parameters, "log_archive_checkpoint_interval");
    option.or_else(|| parameters.one("log_archive_checkpoint_interval")).and_then(|interval| seconds(&interval))
}

/// Returns how long backups are kept; `None` where for ever.
fn recovery_window(parameters: &Parameters) -> Option<String> {
    let window =
        backup_dest_option(parameters, "recovery_window").or_else(|| parameters.one("backup_recovery_window"))?;
    (seconds(&window) != Some(0)).then_some(window)
}

/// Returns the value of a key of `backup_dest_option`.
fn backup_dest_option(parameters: &Parameters, key: &str) -> Option<String> {
    let options = parameters.one("backup_dest_option")?;
    options.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
}

/// # Errors
/// The name of what was not read.
fn compaction(freeze: Option<&Row>, zones: &[Row], parameters: &Parameters) -> Result<CompactionFacts, String> {
    let of = |zone: &str, name: &str| zones.iter().find(|row| text(row, "ZONE") == zone && text(row, "NAME") == name);
    let known = |zone: &str, name: &str| of(zone, name).and_then(|row| number(row, "VALUE"));
    let value = |zone: &str, name: &str| known(zone, name).ok_or_else(|| format!("{name} of __all_zone"));
    let mut names: Vec<String> = zones.iter().map(|row| text(row, "ZONE")).filter(|zone| !zone.is_empty()).collect();
    names.dedup();
    let status = of("", "merge_status").map(|row| foreign(&text(row, "INFO"))).filter(|status| !status.is_empty());
    let status = status.ok_or("merge_status of __all_zone")?;
    let frozen = |column: &str| {
        freeze.and_then(|row| number(row, column)).ok_or_else(|| format!("{column} of __all_freeze_info"))
    };
    // The duration is only shown, so these values are optional.
    let begun = names.iter().filter_map(|zone| known(zone, "merge_start_time")).filter(|at| *at != 0).min();
    let ended = names.iter().filter_map(|zone| known(zone, "last_merged_time")).max();
    if parameters.all("enable_major_freeze").is_empty() {
        return Err("enable_major_freeze".to_owned());
    }
    Ok(CompactionFacts {
        enabled: !parameters.all("enable_major_freeze").iter().any(|value| value.eq_ignore_ascii_case("false")),
        frozen_version: frozen("FROZEN_VERSION")?.max(value("", "frozen_version")?),
        frozen_at: Scn::from_micros(frozen("FROZEN_TIMESTAMP")?),
        broadcast_version: value("", "global_broadcast_version")?,
        merged_version: value("", "last_merged_version")?,
        has_error: value("", "is_merge_error")? != 0 || status == "ERROR",
        status,
        // Microseconds.
        last_took: begun.zip(ended).and_then(|(begun, ended)| ended.checked_sub(begun)).map(|took| took / 1_000_000),
        zones: names
            .iter()
            .map(|zone| {
                Ok(ZoneCompaction {
                    merged_version: value(zone, "last_merged_version")?,
                    merging: value(zone, "is_merging")? != 0,
                    zone: identifier(zone),
                })
            })
            .collect::<Result<_, String>>()?,
        backed_up_version: None,
    })
}
