#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::choices::Mode;
use crate::domain::connection::{Connection, Limits, TlsMode};
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::plan::plan;
use crate::domain::samples::{choose, prod, target};
use crate::domain::secret::SecretSource;
use crate::domain::step::{StepKind, StepState};
use crate::domain::task::PreviewStep;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_143_600 + second).unwrap()
}

fn created() -> Event {
    let plan = plan(&prod(), &choose(&["prod/pay"], Mode::Full)).unwrap();
    let preview = vec![PreviewStep {
        target: target("prod/pay"),
        step: StepKind::StartBackup,
        needed: true,
        statements: vec!["SET ENCRYPTION ON IDENTIFIED BY 'hunter2' ONLY".into()],
        effect: "a backup".into(),
        interrupts: "the archive".into(),
    }];
    let connection = Connection {
        endpoints: vec!["10.0.0.1:2881".into()],
        user: "root@sys".into(),
        password: Some(SecretSource::Env("PW".into())),
        tls: TlsMode::Prefer,
        ca: None,
        mydumper: None,
        limits: Limits { connect: 1, statement: 2, poll: 3, stall: 4, archive_wait: 5, heartbeat: 6, proof: 7 },
    };
    Event::Created {
        prepared: Box::new(Prepared { task: "T1".into(), plan, preview, digest: "d".into() }),
        connection: Box::new(connection),
        by: "me at here".into(),
    }
}

#[test]
fn a_report_says_what_was_confirmed_what_happened_and_how_it_ended_and_no_secret() {
    let refused = Fault::new(Cause::Storage, "It failed.", "The disk is full.", "Free some space.")
        .with_detail("secret_key=hunter2 module: BACKUP_DATA\u{1b}[31m");
    let events: Vec<Event> = vec![
        created(),
        Event::RunnerStarted { pid: 7, attempt: 1, anew: false, targets: vec![target("prod/pay")], process: None },
        Event::Job { target: target("prod/pay"), job: 7, set: Some(3), kind: Some(Mode::Full) },
        Event::Step {
            target: target("prod/pay"),
            step: StepKind::CheckTarget,
            state: StepState::Failed,
            detail: "d".into(),
            fault: Some(refused.clone()),
        },
        Event::Verdict { target: target("prod/pay"), outcome: Box::new(Outcome::failed(refused, Some(3))) },
    ];
    let mut all: Vec<(Timestamp, Result<Event, UnreadableEvent>)> =
        (0..).map(at).zip(events.into_iter().map(Ok)).collect();
    all.push((at(9), Err(UnreadableEvent::Unknown(serde_json::json!({"event": "someday", "access_key": "hunter2"})))));
    let report = Report { task: "T1", events: &all, state: TaskState::Failed, version: "1.2.3", at: at(60) };
    let text = report.text();
    for part in [
        "obnow 1.2.3: report of task T1\n",
        "made            2026-11-20 03:01:00 +00:00\n",
        "state           failed\n",
        "started         2026-11-20 03:00:00 +00:00 by me at here\n",
        "reached at      10.0.0.1:2881 as root@sys\n",
        "cluster         prod, V4.2.5.1-101000012024, cluster id 77\n",
        "method          Physical Backup\n",
        "WHAT WAS CONFIRMED (full)\nprod/pay  tenant 1002, PRIMARY, full\n",
        "  Start data backup                    a backup\n      SET ENCRYPTION ON IDENTIFIED BY '***' ONLY\n",
        "      interrupts: the archive\n",
        "  not checked prod                 every_server_writes",
        "  failed      Check target",
        "  job 7, set 3\n",
        "FAILED  prod/pay\n",
        "  It failed.\n  The disk is full.\n  Next: Free some space.\n",
        "  The server said: secret_key=*** module: BACKUP_DATA\n",
        "2026-11-20 03:00:01.000             attempt 1\n",
        "2026-11-20 03:00:09.000 ?           {\"event\":\"someday\",\"access_key\":\"***\"}\n",
        "Secrets are not in this report: obnow writes none down.\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}
