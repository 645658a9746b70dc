//! Reconciles a start with the jobs on the server (R8): it is found by its DESCRIPTION, proven not to have been executed, or
//! waited for. Nothing is sent here.

use jiff::Timestamp;

use super::OceanBase;
use super::jobs::{cancelled, is_for, made};
use super::release_profile::ViewId;
use super::rows;
use super::session::{Row, Session, number};
use super::stall::{items, names_tenant};
use super::view_reader::{FilterValue, read};
use crate::backend::{Observed, ObservedJob, StepContext, StepObservation, Waiting};
use crate::domain::diagnosis::{Comment, Reporter, server_fault};
use crate::domain::facts::{JobFacts, Known};
use crate::domain::fault::Fault;
use crate::domain::outcome::Outcome;
use crate::domain::plan::TargetPlan;
use crate::domain::refused_start::RefusedStart;
use crate::domain::scn::Scn;
use crate::domain::task::{IntentView, ServerConnection};

/// Time beyond the server's own limit before time alone proves that nothing was started, in milliseconds.
const EFFECT_MARGIN_MS: i64 = 10_000;

/// Returns the milliseconds after which a statement without an answer cannot be executed any more: the server's own limit for
/// it, and a margin.
pub(super) fn last_effect(sent: &IntentView) -> i64 {
    i64::try_from(sent.server_limit).unwrap_or(i64::MAX).saturating_add(EFFECT_MARGIN_MS)
}

/// Returns whether a statement without an answer may still be executed at that time.
pub(super) fn may_take_effect(sent: &IntentView, now: Timestamp) -> bool {
    now.as_millisecond().saturating_sub(sent.at.as_millisecond()) <= last_effect(sent)
}

impl OceanBase {
    /// Reconciles the starts of these targets.
    pub(super) async fn settle(
        &mut self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
    ) -> Result<Vec<Observed>, Fault> {
        let mut descriptions: Vec<String> =
            targets.iter().filter_map(|target| run.start_intent(&target.target)?.description.clone()).collect();
        // One for each part, however many targets it has.
        descriptions.sort();
        descriptions.dedup();
        let mut jobs = self.jobs_with_descriptions(&descriptions).await?;
        let lost: Vec<&IntentView> = targets
            .iter()
            .filter_map(|target| Some((target, run.start_intent(&target.target)?)))
            .filter(|(target, intent)| intent.answered != Some(true) && !has_described_job(&jobs, intent, target))
            .map(|(_, intent)| intent)
            .collect();
        let mut gone: Vec<u64> = Vec::new();
        if !lost.is_empty() {
            gone = self.closed_connections(&lost).await;
            // The connections are closed: a job that does not exist now never will.
            jobs = self.jobs_with_descriptions(&descriptions).await?;
        }
        let mut seen = Vec::new();
        for target in targets {
            let Some(intent) = run.start_intent(&target.target) else {
                return Err(self.internal_fault("a start without an intent"));
            };
            seen.push(match find_own_job(&jobs, intent, target) {
                Some(seen) => seen,
                None => self.reconcile_missing_job(&jobs, intent, target, run, &gone).await?,
            });
        }
        Ok(seen)
    }

    /// Reads running and ended jobs with these descriptions, and the child jobs of their parents.
    async fn jobs_with_descriptions(&mut self, descriptions: &[String]) -> Result<Vec<JobFacts>, Fault> {
        let mut jobs = self.running_jobs().await?;
        let wanted: Vec<FilterValue<'_>> = descriptions.iter().map(|value| FilterValue::Text(value)).collect();
        let mut ended: Vec<JobFacts> = self
            .read(ViewId::JobHistory, &[("DESCRIPTION", wanted)], "JOB_ID")
            .await?
            .iter()
            .map(rows::job)
            .collect::<Result<_, _>>()?;
        let parents: Vec<u64> = jobs
            .iter()
            .chain(&ended)
            .filter(|job| job.tenant_id == 1 && descriptions.contains(&job.description))
            .map(|job| job.job_id)
            .collect();
        let children = ("INITIATOR_JOB_ID", parents.iter().copied().map(FilterValue::Number).collect());
        let sys = ("INITIATOR_TENANT_ID", vec![FilterValue::Number(1)]);
        let children = self.read(ViewId::JobHistory, &[children, sys], "JOB_ID").await?;
        ended.extend(children.iter().map(rows::job).collect::<Result<Vec<_>, _>>()?);
        jobs.retain(|job| {
            descriptions.contains(&job.description)
                || (job.initiator_tenant_id == 1 && job.initiator_job_id.is_some_and(|id| parents.contains(&id)))
        });
        // A job that ended between the two queries is in both results: its history row counts.
        jobs.retain(|job| !ended.iter().any(|other| other.tenant_id == job.tenant_id && other.job_id == job.job_id));
        jobs.extend(ended);
        Ok(jobs)
    }

    /// Returns which of the sending connections are closed, checked on the server of each: a server that does not answer lists
    /// no connections, which proves nothing. Nor does the absence of a connection that was never listed.
    async fn closed_connections(&mut self, intents: &[&IntentView]) -> Vec<u64> {
        let mut gone = Vec::new();
        for intent in intents {
            let Some(sent_over) = &intent.connection else { continue };
            if self.is_connection_closed(intent, sent_over).await.unwrap_or_default() {
                gone.push(sent_over.id);
            }
        }
        gone
    }

    /// Checks over a new connection to the same endpoint, which must itself be listed on the same server.
    async fn is_connection_closed(&self, intent: &IntentView, sent_over: &ServerConnection) -> Option<bool> {
        let mut session =
            Session::open_endpoint(&self.connection, self.secrets.login.as_ref(), &intent.server).await.ok()?;
        let (line, home) = (self.line().ok()?, self.home().ok()?.clone());
        let columns = self.columns.clone().unwrap_or_default();
        let own = session.id;
        let filter = [("ID", vec![FilterValue::Number(sent_over.id), FilterValue::Number(own)])];
        let rows = read(&mut session, line, &home, &columns, (ViewId::Connections, &filter, "")).await.ok()?;
        let on = |id: u64| rows.iter().find(|row| number(row, "ID") == Some(id)).map(rows::server);
        Some(on(own).as_ref() == Some(&sent_over.server) && on(sent_over.id).is_none())
    }

    async fn reconcile_missing_job(
        &mut self,
        jobs: &[JobFacts],
        intent: &IntentView,
        target: &TargetPlan,
        run: &StepContext<'_>,
        gone: &[u64],
    ) -> Result<Observed, Fault> {
        let marker = intent.description.clone().unwrap_or_default();
        if let Some(parent) =
            jobs.iter().find(|job| job.tenant_id == 1 && job.description == marker && concerns_target(job, target))
        {
            if parent.is_live() {
                let what =
                    format!("job {} is {}; the job of {} is awaited", parent.job_id, parent.status, target.tenant.name);
                return Ok(StepObservation::Wait(Waiting::new(what, true)).into());
            }
            let outcome = self.outcome_without_child(parent, target).await;
            let job = Some(ObservedJob { job_id: parent.job_id, set_id: None, kind: None });
            return Ok(Observed { observation: StepObservation::JobFailed(Box::new(outcome)), job });
        }
        if intent.answered == Some(true) {
            let what = format!("the server accepted the start; its job \"{marker}\" is awaited");
            return Ok(StepObservation::Wait(Waiting::new(what, false)).into());
        }
        let proof = if intent.connection.as_ref().is_some_and(|sent_over| gone.contains(&sent_over.id)) {
            Some("the connection that sent it is gone on the server, and no job carries its description".to_owned())
        } else {
            (!may_take_effect(intent, run.now)).then(|| {
                format!(
                    "the server's own limit of {} s for it has passed, and no job carries its description",
                    last_effect(intent) / 1_000
                )
            })
        };
        Ok(proof.map_or_else(
            || {
                let what =
                    format!("whether \"{marker}\" was started: no answer came, the server is asked until it is known");
                StepObservation::Wait(Waiting::new(what, true)).into()
            },
            |proof| StepObservation::NotStarted { intent: intent.intent, proof }.into(),
        ))
    }

    /// Returns the outcome of a tenant without a child job: its event has a code, and the facts a probable reason.
    pub(super) async fn outcome_without_child(&mut self, parent: &JobFacts, target: &TargetPlan) -> Outcome {
        let filter = ("EVENT", vec![FilterValue::Text("handle_user_tenant_backup_failed")]);
        let events = self.read(ViewId::Events, &[filter], "TIMESTAMP DESC").await.unwrap_or_default();
        // An event from before the job belongs to another one.
        let zone = self.clock.as_ref().map(|clock| clock.time_zone.clone());
        let of_this = |row: &&Row| {
            let began = zone.as_ref().and_then(|zone| zone.moment(&parent.started).ok()).map(Scn::from_timestamp);
            let at = zone.as_ref().and_then(|zone| rows::moment(row, "TIMESTAMP", zone));
            names_tenant(row, target.tenant.id) && at.zip(began).is_some_and(|(at, began)| at >= began)
        };
        let event = events.iter().find(of_this).map(refusal);
        if event.is_none() && parent.was_cancelled() {
            return Outcome::cancelled(cancelled(parent, target), None);
        }
        if event.is_none() && parent.result != 0 {
            let what = format!("The server started no backup of {}.", target.target);
            return Outcome::failed(server_fault(parent.result, &parent.comment, &what), None);
        }
        let refused = RefusedStart {
            parent: parent.job_id,
            ended: parent.status.clone(),
            event,
            mode: target.mode,
            upgrading: Known::NotChecked("the cluster could not be read".to_owned()),
            tenant: None,
        };
        let fault = match self.detect().await {
            Ok(facts) => refused.with_facts(&facts, target.tenant.id).fault(&target.target),
            Err(_) => refused.fault(&target.target),
        };
        Outcome::failed(fault, None)
    }
}

/// Parses the event of a refused child job (V4.2.0 to V4.3.1 source: `user_tenant_id`, `ret`, `trace_id`) into a comment.
fn refusal(row: &Row) -> Comment {
    let named = |wanted: &str| items(row).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let code = named("ret").and_then(|code| code.trim_start_matches('-').parse().ok());
    let at = rows::address_from(row, "RS_SVR_IP", "RS_SVR_PORT");
    Comment {
        reporter: Some(Reporter::RootService),
        addr: at,
        code,
        trace_id: named("trace_id").map(|id| id.trim_matches('"').to_owned()),
        ..Comment::default()
    }
}

fn has_described_job(jobs: &[JobFacts], intent: &IntentView, target: &TargetPlan) -> bool {
    jobs.iter().any(|job| Some(&job.description) == intent.description.as_ref() && concerns_target(job, target))
}

/// Returns whether a job is for this tenant: in tasks of earlier releases the full and the incremental of one attempt are two
/// jobs with one description.
fn concerns_target(job: &JobFacts, target: &TargetPlan) -> bool {
    is_for(job, target.tenant.id)
}

/// Finds the tenant's own job of this start.
fn find_own_job(jobs: &[JobFacts], intent: &IntentView, target: &TargetPlan) -> Option<Observed> {
    let marker = intent.description.as_ref()?;
    let parents: Vec<u64> =
        jobs.iter().filter(|job| job.tenant_id == 1 && job.description == *marker).map(|job| job.job_id).collect();
    let own = jobs.iter().find(|job| {
        job.tenant_id == target.tenant.id
            && (job.description == *marker
                || (job.initiator_tenant_id == 1 && job.initiator_job_id.is_some_and(|id| parents.contains(&id))))
    })?;
    let asked = format!("{} was asked for and the server makes", target.mode.word());
    let silent = made(own, target, &asked);
    Some(Observed {
        observation: StepObservation::Done(format!("job {}, {}{silent}", own.job_id, marker)),
        job: Some(ObservedJob { job_id: own.job_id, set_id: own.set_id, kind: own.kind.mode() }),
    })
}
