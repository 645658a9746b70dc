//! Reads the tenants of a V4 cluster, each with its destinations, archive, sets and running jobs.

use std::collections::BTreeMap;

use super::OceanBase;
use super::column_types::{is_on, needed};
use super::competing_load::{in_words, load, running_compactions, transparent_encryption};
use super::jobs::is_for;
use super::parse::{Parameters, by_tenant, kind, mode, role_of};
use super::release_profile::ViewId;
use super::rows;
use super::session::{Row, some_text, text};
use super::sets::SetsAndPieces;
use super::view_reader::{Filter, FilterValue};
use crate::domain::diagnosis::identifier;
use crate::domain::facts::{ArchiveFacts, BaseRule, JobFacts, Known, TenantFacts, TenantKind};
use crate::domain::fault::Fault;
use crate::domain::restorable::Round;
use crate::domain::time_zone::ServerTimeZone;
use crate::domain::version::{Detected, Version};

/// Rows by tenant id.
type ByTenant = BTreeMap<u64, Vec<Row>>;

/// The views of all tenants, from which the facts of each tenant are built.
struct TenantViews<'a> {
    parameters: &'a Parameters,
    version: Version,
    detected: Option<Detected>,
    data: ByTenant,
    archive: ByTenant,
    current: ByTenant,
    jobs: Vec<JobFacts>,
    policies: Result<ByTenant, Fault>,
    cleanups: Result<ByTenant, Fault>,
    compactions: Result<BTreeMap<u64, String>, String>,
}

impl OceanBase {
    /// Reads all tenants, or those of these ids.
    pub(super) async fn tenants(
        &mut self,
        parameters: &Parameters,
        zone: &ServerTimeZone,
        only: Option<&[u64]>,
    ) -> Result<Vec<TenantFacts>, Fault> {
        let ids = |column| -> Vec<Filter<'_>> {
            only.map(|ids| (column, ids.iter().copied().map(FilterValue::Number).collect())).into_iter().collect()
        };
        let own = ids("TENANT_ID");
        let [tenants, data, archive, current, rows_of_rounds] = self
            .read_together([
                (ViewId::Tenants, &own, "TENANT_ID"),
                (ViewId::DataDestination, &own, ""),
                (ViewId::ArchiveDestination, &own, ""),
                (ViewId::ArchiveCurrent, &own, ""),
                (ViewId::ArchiveRounds, &own, "ROUND_ID"),
            ])
            .await?;
        let tenants = tenants?;
        let (data, archive) = (by_tenant(data?)?, by_tenant(archive?)?);
        let (current, rows_of_rounds) = (by_tenant(current?)?, by_tenant(rows_of_rounds?)?);
        let mut rounds: BTreeMap<u64, Vec<Round>> = BTreeMap::new();
        let mut users = Vec::new();
        for row in &tenants {
            let id = needed(row, "TENANT_ID")?;
            let own = rows_of_rounds.get(&id).into_iter().flatten();
            rounds.insert(id, own.map(rows::round).collect::<Result<_, _>>()?);
            if kind(&text(row, "TENANT_TYPE")) == TenantKind::User {
                users.push(id);
            }
        }
        let users: Vec<(u64, &[Round])> =
            users.into_iter().filter_map(|id| Some((id, rounds.get(&id)?.as_slice()))).collect();
        let mut media = self.media(&users, zone).await?;
        // Parent jobs are rows of sys, so all running jobs are read. An empty filter sends no query.
        let compacting = running_compactions(only.is_none());
        let [jobs, policies, cleanups, compactions] = self
            .read_together([
                (ViewId::Jobs, &[], "JOB_ID"),
                (ViewId::DeletePolicy, &own, ""),
                (ViewId::DeleteJobs, &own, ""),
                (ViewId::MajorCompactions, &[compacting], ""),
            ])
            .await?;
        let listed = TenantViews {
            parameters,
            version: self.version()?,
            detected: self.detected,
            data,
            archive,
            current,
            jobs: self.jobs_with_tasks(&jobs?).await?,
            policies: policies.and_then(by_tenant),
            cleanups: cleanups.and_then(by_tenant),
            compactions: match only {
                None => compactions.map(|rows| in_words(&rows)).map_err(|fault| fault.why),
                Some(_) => Err("it is read before the plan only".to_owned()),
            },
        };
        tenants
            .iter()
            .map(|row| {
                let id = needed(row, "TENANT_ID")?;
                let media = media.remove(&id).unwrap_or_else(SetsAndPieces::for_non_user_tenant);
                listed.tenant(id, row, rounds.remove(&id).unwrap_or_default(), media)
            })
            .collect()
    }
}

impl TenantViews<'_> {
    /// Builds the facts of a tenant from its row.
    fn tenant(&self, id: u64, row: &Row, rounds: Vec<Round>, media: SetsAndPieces) -> Result<TenantFacts, Fault> {
        let own = |rows: &ByTenant| rows.get(&id).cloned().unwrap_or_default();
        let name = text(row, "TENANT_NAME");
        let mut unread = Vec::new();
        let data_destination = rows::data_destination(&own(&self.data)).unwrap_or_else(|what| {
            unread.push(what);
            None
        });
        let (destination, deferred) = rows::parse_archive_destination(&own(&self.archive)).unwrap_or_else(|what| {
            unread.push(what);
            (None, false)
        });
        let window = |row: &Row| some_text(row, "RECOVERY_WINDOW").map(|window| identifier(&window));
        Ok(TenantFacts {
            id,
            name: identifier(&name),
            name_is_exact: identifier(&name) == name,
            created: rows::unix_time(row, "CREATE_TIME"),
            kind: kind(&text(row, "TENANT_TYPE")),
            mode: mode(&text(row, "COMPATIBILITY_MODE")),
            role: role_of(row),
            status: identifier(&text(row, "STATUS")),
            in_recycle_bin: is_on(row, "IN_RECYCLEBIN"),
            read_only: false,
            version: self.version,
            data_version: some_text(row, "COMPATIBLE").map(|version| identifier(&version)),
            unread,
            data_destination,
            archive: ArchiveFacts {
                log_mode_on: some_text(row, "LOG_MODE").map(|mode| mode == "ARCHIVELOG"),
                destination,
                deferred,
                current: own(&self.current).first().map(rows::round).transpose()?,
                rounds,
                pieces: media.pieces,
                lag_target: self.parameters.lag_target(id),
                // Its log positions are numbers, not times.
                times: Known::Known(()),
            },
            sets: media.sets,
            base: BaseRule::Path,
            running: running(&self.jobs, id),
            recovery_window: first_known(&self.policies, id, window),
            cleanup: first_known(&self.cleanups, id, |row| Some(rows::cleanup(row))),
            transparent_encryption: transparent_encryption(self.parameters, self.detected.as_ref(), (id, &name)),
            load: load(self.parameters, &self.compactions, id),
        })
    }
}

/// Returns a value from the first row of a tenant, where the view was read.
fn first_known<T>(rows: &Result<ByTenant, Fault>, id: u64, of: impl Fn(&Row) -> Option<T>) -> Known<Option<T>> {
    match rows {
        Ok(rows) => Known::Known(rows.get(&id).and_then(|rows| rows.first()).and_then(of)),
        Err(fault) => Known::NotChecked(fault.why.clone()),
    }
}

/// Returns the running jobs of a tenant, its own before the parent jobs for it: only its own have counters.
fn running(jobs: &[JobFacts], tenant: u64) -> Vec<JobFacts> {
    let mut found: Vec<JobFacts> = jobs.iter().filter(|job| is_running_for(job, tenant)).cloned().collect();
    found.sort_by_key(|job| job.tenant_id != tenant);
    found
}

/// Returns whether a running job is the tenant's own, or a parent job for it.
fn is_running_for(job: &JobFacts, tenant: u64) -> bool {
    job.is_live() && is_for(job, tenant)
}
