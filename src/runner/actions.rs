//! Actions: audited, written to the journal as an intent, sent once over a new connection, and their answer written.

use std::time::Duration;

use tokio::time::Instant;

use crate::backend::PreparedAction;
use crate::domain::diagnosis::asks_for_compaction;
use crate::domain::fault::{Cause, Fault};
use crate::domain::format::capitalized;
use crate::domain::plan::{Action, TargetPlan};
use crate::domain::preflight::COMPACTION_NEEDED;
use crate::domain::step::{StepKind, StepState};
use crate::domain::target::TargetName;
use crate::domain::task::Event;
use crate::journal::audit;
use crate::journal::clock::now;

use super::{Runner, StepResult};

/// Actions that were sent in this step, so that none is sent twice.
#[derive(Debug, Default)]
pub(super) struct SentActions(Vec<(TargetName, Action)>);

impl SentActions {
    pub(super) fn contains(&self, target: &TargetName, action: &Action) -> bool {
        self.0.iter().any(|(name, sent)| name == target && sent == action)
    }
}

/// The result of sending an action.
pub(super) enum SendResult {
    /// The server accepted it.
    StepEffects,
    /// The server refused it.
    Refused(Fault),
    /// No answer came: its effect is unknown.
    Lost,
    /// It was not sent, because it could not be written to the audit trail.
    NotAudited(Fault),
}

impl Runner {
    /// Checks that an action was confirmed; `None` where it may be executed.
    pub(super) fn check_confirmed(
        &self,
        kind: StepKind,
        target: &TargetPlan,
        action: &Action,
        sent: &SentActions,
    ) -> Option<StepResult> {
        let planned = target.step(kind).is_some_and(|step| step.actions.contains(action));
        // The compaction of the key `m` was confirmed by its own dialog.
        let asked = *action == Action::Compact && self.view.compacts_first();
        if planned || asked || sent.contains(&target.target, action) {
            return None;
        }
        Some(StepResult::failed(plan_changed(
            &target.target,
            &format!(
                "{} would now do something that was not on the confirm screen: {}",
                kind.name(),
                action_label(action)
            ),
        )))
    }

    /// Executes actions, targets with the same start together, and returns the targets that finished this step. `None` restarts
    /// the target at the compaction step.
    pub(super) async fn act(
        &mut self,
        kind: StepKind,
        acts: Vec<(TargetPlan, Action)>,
        sent: &mut SentActions,
    ) -> Result<Vec<(TargetName, Option<StepResult>)>, Fault> {
        let mut groups: Vec<(Action, Vec<TargetPlan>)> = Vec::new();
        for (target, action) in acts {
            let together = kind == StepKind::StartBackup || self.prepared.plan.is_per_cluster;
            // Each part of the plan has a job of its own.
            let same_part = |group: &[TargetPlan]| group.iter().all(|other| other.part == target.part);
            match groups.iter_mut().find(|(other, group)| together && *other == action && same_part(group)) {
                Some((_, group)) => group.push(target),
                None => groups.push((action, vec![target])),
            }
        }
        let mut failed = Vec::new();
        let begun = Instant::now();
        for (action, group) in groups {
            if matches!(action, Action::ProveOnStorage { .. }) {
                // The remaining proofs follow the next observation of the step, so that verdicts and requests do not wait.
                if begun.elapsed() < Duration::from_millis(self.limits.heartbeat) {
                    for target in &group {
                        self.prove_storage(kind, &action, target).await?;
                    }
                }
                continue;
            }
            let names: Vec<TargetName> = group.iter().map(|target| target.target.clone()).collect();
            sent.0.extend(names.iter().map(|name| (name.clone(), action.clone())));
            let Some(fault) = self.run_action(kind, &action, &group, &names).await? else { continue };
            let goes_back = kind == StepKind::StartBackup && asks_for_compaction(&fault) && !self.went_back;
            if goes_back {
                self.retry_compaction(&names)?;
            }
            let fault = if action == Action::Compact { compaction_not_started(&fault) } else { fault };
            let settled = (!goes_back).then_some(fault);
            failed.extend(names.into_iter().map(|name| (name, settled.clone().map(StepResult::failed))));
        }
        Ok(failed)
    }

    /// Restarts these targets at the compaction step, once, after the server refused the start because a major compaction is
    /// needed.
    fn retry_compaction(&mut self, names: &[TargetName]) -> Result<(), Fault> {
        self.went_back = true;
        self.goes_back = true;
        for name in names {
            for step in [StepKind::StartBackup, StepKind::Compact] {
                let why = "the server asks for a major compaction first".to_owned();
                self.step(name, step, StepResult::passed(StepState::Pending, why))?;
            }
        }
        Ok(())
    }

    /// Executes one action; returns a fault where it was refused or could not be sent. A lost answer is no fault: the next
    /// observation reconciles it.
    pub(super) async fn run_action(
        &mut self,
        kind: StepKind,
        action: &Action,
        group: &[TargetPlan],
        names: &[TargetName],
    ) -> Result<Option<Fault>, Fault> {
        let (task, attempt) = (self.task.clone(), self.view.attempt);
        if let Err(fault) = self.compare_with_preview(&names[0]).await {
            return Ok(Some(fault));
        }
        let act = match self.system.prepare_action(action, group, task.as_str(), attempt).await {
            Ok(act) => act,
            Err(fault) => return Ok(Some(fault)),
        };
        if act.confirmed_statements.as_ref().is_some_and(|planned| !self.was_previewed(kind, names, planned)) {
            return Ok(Some(plan_changed(
                &names[0],
                "what would be sent differs in more than the values that are read",
            )));
        }
        Ok(match self.send(kind, act, names).await? {
            SendResult::Refused(fault) => Some(fault),
            SendResult::NotAudited(fault) if matches!(action, Action::ProveOnStorage { .. }) => {
                Some(unsent(fault, "the server was not asked."))
            }
            SendResult::NotAudited(fault) => Some(unsent(fault, "nothing was started.")),
            SendResult::StepEffects | SendResult::Lost => None,
        })
    }

    /// Compares the rendered plan with the confirmed preview and checks that every statement can be rendered; repeated only
    /// where the server's dialect has changed.
    async fn compare_with_preview(&mut self, first: &TargetName) -> Result<(), Fault> {
        let wording = self.system.dialect_key();
        if wording.is_some() && wording == self.compared {
            return Ok(());
        }
        let (plan, task) = (&self.prepared.plan, self.task.as_str());
        if self.system.preview(plan, task).await? != self.prepared.preview {
            return Err(plan_changed(first, "this obnow, or this server, would send other statements than were shown"));
        }
        // Later statements of the plan count as well: archiving is not stopped for a statement that cannot be rendered.
        self.system.check_sendable(plan, task, self.view.attempt)?;
        self.compared = self.system.dialect_key();
        Ok(())
    }

    /// Writes the audit trail and the intent, sends the action once, and writes the answer.
    pub(super) async fn send(
        &mut self,
        kind: StepKind,
        act: PreparedAction,
        names: &[TargetName],
    ) -> Result<SendResult, Fault> {
        let intent = self.view.intents.iter().map(|view| view.intent).max().unwrap_or_default() + 1;
        for statement in &act.shown_statements {
            let written = audit::write(
                &self.state,
                &audit::AuditEntry {
                    at: now(),
                    task: Some(self.task.clone()),
                    target: names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                    who: crate::config::directories::who(),
                    host: crate::config::directories::host(),
                    action: kind.name().to_owned(),
                    statement: statement.clone(),
                },
            );
            if let Err(fault) = written {
                return Ok(SendResult::NotAudited(fault));
            }
        }
        self.write(&Event::Intent {
            intent,
            targets: names.to_vec(),
            step: kind,
            attempt: self.view.attempt,
            statements: act.shown_statements.clone(),
            description: act.description.clone(),
            highest_job: act.highest_job,
            connection: act.connection.clone(),
            server: act.server.clone(),
            server_limit: act.server_limit_ms,
        })?;
        let answer = self.system.execute(act).await;
        let (answered, fault) = match &answer {
            Ok(()) => (true, None),
            Err(failure) => (failure.answered, Some(failure.fault.clone())),
        };
        self.write(&Event::Answered { intent, fault: fault.clone(), answered })?;
        Ok(match fault {
            _ if !answered => SendResult::Lost,
            Some(fault) if !is_already_set(&fault) => SendResult::Refused(fault),
            _ => SendResult::StepEffects,
        })
    }
}

/// Returns the fault of an action that was not sent because it could not be audited; `so` is the consequence as text.
pub(super) fn unsent(fault: Fault, so: &str) -> Fault {
    let why = format!("{} What is not in the audit trail is not sent: {so}", fault.why);
    Fault { why, ..fault }
}

/// Returns whether a code says that archiving is already on or off: 9091 and 9092, below V4 9024 (off). Only a status read back
/// ends the step.
fn is_already_set(fault: &Fault) -> bool {
    matches!(fault.code, Some(9024 | 9091 | 9092))
}

/// Returns the fault of a refused compaction in the terms of its step.
fn compaction_not_started(refusal: &Fault) -> Fault {
    let why = format!("It could not be started. {} {}", refusal.what, refusal.why);
    Fault { what: COMPACTION_NEEDED.to_owned(), why, ..refusal.clone() }
}

fn plan_changed(target: &TargetName, why: &str) -> Fault {
    Fault::new(
        Cause::Precondition,
        format!("The plan of {target} changed since you confirmed."),
        format!("{}.", capitalized(why)),
        "Start the backup anew, and confirm the plan as it is now.",
    )
}

fn action_label(action: &Action) -> &'static str {
    match action {
        Action::SetDataDestination { .. } => "set DATA_BACKUP_DEST",
        Action::SetArchiveDestination { .. } => "set LOG_ARCHIVE_DEST",
        Action::SetArchiveLagTarget { .. } => "set archive_lag_target",
        Action::StopArchiving => "stop log archiving",
        Action::StartArchiving => "start log archiving",
        Action::ResumeArchiving => "resume log archiving",
        Action::StartBackup { .. } => "start a backup",
        Action::StartDump { .. } => "start a dump",
        Action::Upload { .. } => "upload a dump",
        Action::Compact => "start a major compaction",
        Action::ProveOnStorage { .. } => "let the server look at the storage",
    }
}
