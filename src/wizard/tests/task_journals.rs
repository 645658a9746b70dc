//! The journals of tasks: what a runner writes on the way to every end.

use super::fixtures;
use crate::domain::choices::Mode;
use crate::domain::connection::{Connection, Limits, TlsMode};
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::{Outcome, VerdictKind};
use crate::domain::progress::{Count, Progress};
use crate::domain::scn::Scn;
use crate::domain::step::{StepKind, StepState};
use crate::domain::target::TargetName;
use crate::domain::task::{Event, Prepared};

/// How a task goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskScript {
    /// It is under way.
    Running,
    /// To this verdict.
    Ends(VerdictKind),
    /// This step fails before there is a job.
    Stops(StepKind),
}

impl TaskScript {
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Ends(VerdictKind::Restorable),
        Self::Ends(VerdictKind::NotYetRestorable),
        Self::Ends(VerdictKind::NotRestorable),
        Self::Ends(VerdictKind::Failed),
        Self::Ends(VerdictKind::Cancelled),
        Self::Ends(VerdictKind::Unknown),
        Self::Stops(StepKind::SetDestination),
        Self::Stops(StepKind::Compact),
    ];
}

pub fn no_room() -> Fault {
    Fault::new(
        Cause::Storage,
        "The backup of prod/pay failed on the server.",
        "OceanBase answered with error 9082 (OB_BACKUP_DEVICE_OUT_OF_SPACE): The destination is full.",
        "Free or add space in the destination, and start the backup again.",
    )
    .with_code(9082)
    .with_detail("[result:-9082](server)\"10.0.0.2:2882\", trace_id Y1-2")
}

fn connection() -> Connection {
    Connection {
        endpoints: vec!["10.0.0.1:2881".into()],
        user: "root@sys".into(),
        password: None,
        tls: TlsMode::Prefer,
        ca: None,
        mydumper: None,
        limits: Limits { connect: 1, statement: 2, poll: 3, stall: 4, archive_wait: 5, heartbeat: 6, proof: 7 },
    }
}

fn step(target: &TargetName, step: StepKind, state: StepState, detail: &str, fault: Option<Fault>) -> Event {
    Event::Step { target: target.clone(), step, state, detail: detail.to_owned(), fault }
}

fn progress(target: &TargetName) -> Event {
    let progress = Progress {
        phase: "BACKUP_DATA_MAJOR".into(),
        percent: Some(41.0),
        bytes: 18_145_000_000,
        bytes_total: None,
        rate: Some(81_800_000.0),
        eta: Some((300, 480)),
        tablets: Some(Count { done: 1_204, total: 2_930 }),
        blocks: Some(Count { done: 8_654, total: 21_107 }),
        log_percent: None,
    };
    Event::Progress { target: target.clone(), progress }
}

fn outcome(verdict: VerdictKind) -> Outcome {
    let at = Scn::from_timestamp(fixtures::now());
    match verdict {
        VerdictKind::Restorable => Outcome {
            restore_instructions: vec![
                "data file:///own/data".into(),
                "log file:///own/clog".into(),
                "sets 3 (full)".into(),
            ],
            ..Outcome::instant(at, vec!["end moves on while archiving runs".into()], Vec::new())
        },
        VerdictKind::Failed => Outcome::failed(no_room(), Some(3)),
        VerdictKind::Cancelled => Outcome::cancelled(no_room(), Some(3)),
        VerdictKind::NotRestorable => Outcome::not_restorable(no_room()),
        VerdictKind::Unknown => Outcome::unknown(no_room()),
        VerdictKind::NotYetRestorable => Outcome { verdict, ..Outcome::failed(no_room(), Some(3)) },
    }
}

/// The journal of a task that was confirmed so.
pub fn journal(prepared: &Prepared, story: TaskScript) -> Vec<Event> {
    let targets: Vec<TargetName> = prepared.plan.targets.iter().map(|target| target.target.clone()).collect();
    let mut events = vec![
        Event::Created {
            prepared: Box::new(prepared.clone()),
            connection: Box::new(connection()),
            by: "dba at jump".into(),
        },
        Event::RunnerStarted { pid: 42, attempt: 1, anew: false, targets: targets.clone(), process: None },
    ];
    for plan in &prepared.plan.targets {
        tell(&mut events, &plan.target, plan.steps.iter().map(|step| (step.kind, step.actions.is_empty())), story);
    }
    if story != TaskScript::Running {
        events.push(Event::RunnerEnded { reason: "done".into() });
    }
    events
}

fn tell(
    events: &mut Vec<Event>,
    target: &TargetName,
    steps: impl Iterator<Item = (StepKind, bool)>,
    story: TaskScript,
) {
    for (kind, idle) in steps {
        events.push(step(target, kind, StepState::Running, "", None));
        if story == TaskScript::Stops(kind) {
            events.push(step(target, kind, StepState::Failed, "refused", Some(no_room())));
            return;
        }
        if kind == StepKind::WaitForBackup {
            let (job, set, kind) = (7, Some(3), Some(Mode::Full));
            events.push(Event::Job { target: target.clone(), job, set, kind });
            events.push(progress(target));
            match story {
                TaskScript::Running => return,
                TaskScript::Ends(VerdictKind::Failed | VerdictKind::Cancelled | VerdictKind::Unknown)
                | TaskScript::Stops(_) => {
                    break;
                }
                TaskScript::Ends(
                    VerdictKind::Restorable | VerdictKind::NotYetRestorable | VerdictKind::NotRestorable,
                ) => {}
            }
        }
        let quiet = idle && matches!(kind, StepKind::SetDestination | StepKind::StartArchiving | StepKind::Compact);
        let state = if quiet { StepState::NotNeeded } else { StepState::Ok };
        events.push(step(target, kind, state, if quiet { "not needed" } else { "" }, None));
    }
    if let TaskScript::Ends(verdict) = story {
        let state = match verdict {
            VerdictKind::Failed => Some(StepState::Failed),
            VerdictKind::Cancelled => Some(StepState::Cancelled),
            VerdictKind::Unknown => Some(StepState::Unknown),
            VerdictKind::Restorable | VerdictKind::NotYetRestorable | VerdictKind::NotRestorable => None,
        };
        if let Some(state) = state {
            events.push(step(target, StepKind::WaitForBackup, state, "", Some(no_room())));
        }
        events.push(Event::Verdict { target: target.clone(), outcome: Box::new(outcome(verdict)) });
    }
}
