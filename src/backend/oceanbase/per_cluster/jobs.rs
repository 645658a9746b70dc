//! The one backup job of a V2 or V3 cluster: its state, its parts by tenant, and its history.

use super::super::OceanBase;
use super::super::cancel::CancelScope;
use super::super::column_types::{needed, result_or_null};
use super::super::release_profile::{TENANT_ID, ViewId};
use super::super::rows::{self as v4_rows, word};
use super::super::session::{Row, number, text};
use super::super::view_reader::{Filter, FilterValue};
use super::rows::{self, CLUSTER};
use crate::backend::StepContext;
use crate::domain::facts::JobFacts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::TargetPlan;
use crate::domain::restorable::SetKind;

/// The status while no job runs.
const IDLE: &str = "STOP";

/// The state of the cluster's backup job.
pub(super) struct BackupState {
    /// The status; `STOP` while no job runs.
    pub(super) status: String,
    set: Option<u64>,
    kind: SetKind,
}

impl OceanBase {
    /// Reads the state of the cluster's job, which exists before any part of the job.
    pub(super) async fn backup_state(&mut self) -> Result<BackupState, Fault> {
        const NAMES: [&str; 3] = ["backup_status", "backup_set_id", "backup_type"];
        let names = ("NAME", NAMES.iter().map(|name| FilterValue::Text(name)).collect());
        let rows =
            self.read(ViewId::BackupState, &[(TENANT_ID, vec![FilterValue::Number(CLUSTER)]), names], "").await?;
        let of = |name: &str| rows.iter().find(|row| text(row, "NAME") == name);
        // Before the first backup there are no rows.
        let Some(status) = of("backup_status") else {
            return Ok(BackupState { status: IDLE.to_owned(), set: None, kind: SetKind::Other(String::new()) });
        };
        let status = word(status, "VALUE");
        if status.is_empty() {
            return Err(Fault::new(
                Cause::Server,
                "Whether a backup runs cannot be read.",
                "backup_status of __all_virtual_backup_info has no value.",
                "Check what answers at that endpoint; then try again.",
            ));
        }
        // While no job runs the server has 0 for the set and an empty type.
        let set = of("backup_set_id").map(|row| needed(row, "VALUE")).transpose()?.filter(|set| *set != 0);
        let kind = of("backup_type").map_or_else(String::new, |row| word(row, "VALUE"));
        Ok(BackupState { status, set, kind: SetKind::from(kind) })
    }

    /// Reads the parts of the running job, one per tenant and one of sys that represents all; before any part exists, the job
    /// itself.
    pub(in super::super) async fn read_cluster_jobs(&mut self) -> Result<Vec<JobFacts>, Fault> {
        let state = self.backup_state().await?;
        let mut jobs: Vec<JobFacts> =
            self.read(ViewId::Jobs, &[], "BACKUP_SET_ID").await?.iter().map(rows::running).collect::<Result<_, _>>()?;
        if state.status != IDLE && !jobs.iter().any(|job| job.tenant_id == CLUSTER) {
            jobs.push(rows::coming(&state.status, state.set, state.kind));
        }
        Ok(jobs)
    }

    /// Reads the ended parts of these sets, with the error behind a failure where the servers keep it.
    pub(in super::super) async fn read_cluster_history(&mut self, sets: &[u64]) -> Result<Vec<JobFacts>, Fault> {
        let filter: Filter<'_> = ("BACKUP_SET_ID", sets.iter().copied().map(FilterValue::Number).collect());
        let mut ended: Vec<JobFacts> = self
            .read(ViewId::Sets, std::slice::from_ref(&filter), "BACKUP_SET_ID, TENANT_ID")
            .await?
            .iter()
            .map(rows::ended)
            .collect::<Result<_, _>>()?;
        if ended.iter().any(|job| job.status == "FAILED") {
            // Only the parts tell which server had the error; where they cannot be read, only the code is reported.
            let parts = self.read(ViewId::BrokenParts, &[filter], "").await.unwrap_or_default();
            for job in ended.iter_mut().filter(|job| job.status == "FAILED") {
                job.comment = failed_part_comment(&parts, job).unwrap_or_default();
            }
        }
        Ok(ended)
    }

    /// Returns the scope of a cancel: all targets of the plan, where the running set is this task's own or the one it is
    /// attached to.
    pub(in super::super) async fn cancel_scope_of_set(
        &mut self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
    ) -> Result<CancelScope, Fault> {
        let jobs = self.read_cluster_jobs().await?;
        let live: Vec<&JobFacts> = jobs.iter().filter(|job| job.is_live() && job.status != "CANCEL").collect();
        let mut aim = CancelScope::default();
        for target in targets {
            let parent = target.attached.as_ref().and_then(|attached| attached.parent);
            let set = run.job_id(&target.target).or(parent);
            let Some(set) = set.filter(|set| live.iter().any(|job| job.job_id == *set)) else { continue };
            let proven = run.start_intent(&target.target).is_some_and(|intent| intent.answered == Some(true));
            if target.attached.is_none() && !proven {
                return Err(Fault::new(
                    Cause::Precondition,
                    format!("The backup of {} is not cancelled.", target.target),
                    format!("Its start got no answer, and set {set} cannot be proven ours."),
                    format!("Watch it as somebody else's, obnow watch {}, and cancel it from there.", target.target),
                ));
            }
            aim.tenants.push(target.tenant.name.clone());
        }
        Ok(aim)
    }

    /// Returns the highest set id so far: a new backup gets a higher one.
    pub(in super::super) async fn highest_set(&mut self) -> Result<Option<u64>, Fault> {
        let running = self.read_cluster_jobs().await?;
        let ended = self.read(ViewId::Sets, &[], "BACKUP_SET_ID DESC LIMIT 1").await?;
        let ended = ended.first().map(|row| needed(row, "BACKUP_SET_ID")).transpose()?;
        Ok(running.iter().map(|job| job.job_id).chain(ended).max())
    }
}

/// Returns where a part of a tenant's backup failed, in the format of V4's COMMENT.
fn failed_part_comment(parts: &[Row], job: &JobFacts) -> Option<String> {
    let own = |row: &&Row| {
        number(row, TENANT_ID) == Some(job.tenant_id)
            && number(row, "BACKUP_SET_ID") == Some(job.job_id)
            && result_or_null(row).is_some_and(|result| result != 0)
    };
    let part = parts.iter().find(own)?;
    let (server, result, trace) = (v4_rows::server(part), result_or_null(part)?, word(part, "TRACE_ID"));
    Some(format!("(SERVER)addr: {server}, result: -{result}, trace_id: {trace}"))
}
