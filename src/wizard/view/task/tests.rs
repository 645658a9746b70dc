#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::Outcome;
use crate::domain::preflight::FULL_NEEDED;
use crate::domain::progress::{Count, Progress};
use crate::domain::samples::target;
use crate::domain::step::{StepKind, StepState};
use crate::domain::task::Event;
use crate::wizard::screens::task::tests::{
    at, created, job, passed_before, started, step, stopped_in, watched, watching,
};

/// The rows of the body, at this size of the terminal.
fn drawn(model: &mut Model, columns: u16, rows: u16) -> Vec<String> {
    model.size = (columns, rows);
    let area = Rect { x: 0, y: 0, width: columns, height: rows.saturating_sub(6) };
    let body = body(model, at(260), area);
    let high = usize::from(area.height);
    // Smaller ones are never shown.
    assert!(rows < 16 || body.lines.len() <= high, "{columns}x{rows}: {}", body.lines.len());
    body.lines.iter().map(|row| row.pieces.iter().map(|(_, text)| text.as_str()).collect::<String>()).collect()
}

fn role_of(model: &Model, text: &str) -> Role {
    let area = Rect { x: 0, y: 0, width: 120, height: 60 };
    let body = body(model, at(260), area);
    let pieces = body.lines.iter().flat_map(|row| &row.pieces);
    pieces.into_iter().find(|(_, piece)| piece.contains(text)).map(|(role, _)| *role).unwrap()
}

fn progress(percent: Option<f64>, blocks: Option<Count>) -> Event {
    Event::Progress {
        target: target("prod/pay"),
        progress: Progress {
            phase: "BACKUP_DATA_MAJOR".into(),
            percent,
            bytes: 18_146_000_000,
            bytes_total: None,
            rate: Some(81_788_928.0),
            eta: Some((300, 480)),
            tablets: None,
            blocks,
            log_percent: None,
        },
    }
}

fn running(more: Vec<Event>) -> Model {
    let mut events = vec![created(&["prod/pay"], None), started(1, false)];
    events.extend(passed_before(StepKind::WaitForBackup));
    events.extend([job(3), step(StepKind::WaitForBackup, StepState::Running)]);
    events.extend(more);
    watching(&events)
}

#[test]
fn a_running_task_says_who_how_long_which_step_and_how_far() {
    let blocks = Count { done: 8_654, total: 21_107 };
    let mut model = running(vec![progress(Some(41.9), Some(blocks))]);
    let rows = drawn(&mut model, 80, 24);
    assert_eq!(rows[0], " Task T1  Back up pay (full)  running 00:04:20  step 7/8  runner alive");
    assert_eq!(
        drawn(&mut model, 120, 24)[0],
        " Task T1  Back up pay (full)  running 00:04:20  step 7 of 8  runner alive"
    );
    assert_eq!(rows[1], format!("   ok          Check target{:>52}", "0.0 s"));
    assert_eq!(rows[7], format!("   running     Wait for data backup{:>32}{:>12}", "BACKUP_DATA_MAJOR", "00:04:11"));
    assert_eq!(rows[8], "               #############-------------------  41 % of blocks (8654 of 21107)");
    assert_eq!(rows[9], "               16.9 GiB written   78.0 MiB/s   left 5 min to 8 min");
    assert_eq!(rows[10].trim_end(), "   pending     Confirm restorable");
    assert_eq!(rows.last().unwrap().trim_end().get(..14), Some(" log 03:00:10 "));
}

#[test]
fn the_bar_waits_for_data_and_for_the_verdict() {
    let rows = drawn(&mut running(Vec::new()), 80, 24);
    assert_eq!(rows[8], "               progress unknown");
    let rows = drawn(&mut running(vec![progress(None, None)]), 80, 24);
    assert_eq!(rows[8], format!("               {}  progress unknown", "-".repeat(32)));
    let rows = drawn(&mut running(vec![progress(Some(99.9), None)]), 80, 24);
    assert_eq!(rows[8], format!("               {}-  99 %", "#".repeat(31)));
}

#[test]
fn a_fault_is_drawn_verbatim_with_the_servers_words() {
    let mut events = stopped_in(StepKind::CheckReady, StepState::Failed, crate::domain::outcome::VerdictKind::Failed);
    let needed = Fault::new(Cause::Precondition, FULL_NEEDED, "For prod/pay none.", "Make a full backup first.")
        .with_detail("9040: \u{1b}[31mno full");
    for event in &mut events {
        match event {
            Event::Step { step: StepKind::CheckReady, fault, .. } => *fault = Some(needed.clone()),
            Event::Verdict { outcome, .. } => **outcome = Outcome::failed(needed.clone(), None),
            _ => {}
        }
    }
    let mut model = watched(&events);
    let rows = drawn(&mut model, 80, 24);
    let at = rows.iter().position(|row| row.starts_with("   FAILED      Check if ready to data backup")).unwrap();
    assert_eq!(
        rows[at + 1..=at + 4],
        [
            "   Full data backup needed before incremental data backup",
            "   For prod/pay none.",
            "   Next: Make a full backup first.",
            "   The server said: 9040: no full",
        ]
    );
    assert_eq!(rows.iter().filter(|row| row.contains(FULL_NEEDED)).count(), 1, "once is enough: {rows:?}");
    assert_eq!(role_of(&model, FULL_NEEDED), Role::Fail);
}

#[test]
fn attention_is_amber_and_its_step_still_runs() {
    let stalls = Event::Waiting {
        target: target("prod/pay"),
        step: StepKind::WaitForBackup,
        what: "BACKUP_DATA_MAJOR".into(),
        fault: Some(Fault::new(Cause::Server, "It has not moved.", "It stands.", "Look there.")),
        over: false,
    };
    let mut model = running(vec![stalls]);
    assert_eq!(role_of(&model, "It has not moved."), Role::Warn);
    let rows = drawn(&mut model, 80, 24);
    assert!(rows.iter().any(|row| row.starts_with("   running     Wait for data backup")), "{rows:?}");
    assert!(rows.iter().any(|row| row == "   Next: Look there."), "{rows:?}");
}

#[test]
fn every_size_is_drawn_and_the_present_step_is_on_it() {
    let words = crate::domain::outcome::VerdictKind::NotRestorable;
    let mut models = Vec::from([running(vec![progress(Some(41.9), Some(Count { done: 8_654, total: 21_107 }))])]);
    let failed = crate::domain::outcome::VerdictKind::Failed;
    models.push(watched(&stopped_in(StepKind::WaitForBackup, StepState::Failed, failed)));
    models.push(watched(&stopped_in(StepKind::ConfirmRestorable, StepState::Ok, words)));
    models.push(watching(&[created(&["prod"], None), started(1, false)]));
    models.push(watching(&[]));
    for (columns, rows) in [(1, 1), (20, 7), (60, 16), (80, 24), (200, 60)] {
        for (at, model) in models.iter_mut().enumerate() {
            for open in [None, Some(0), Some(usize::MAX)] {
                model.task.as_mut().unwrap().log_top = open;
                let (top, last, page) = {
                    model.size = (columns, rows);
                    scroll_range(model)
                };
                assert!(top <= last && page > 0, "{at} at {columns}x{rows}");
                drawn(model, columns, rows);
            }
            model.task.as_mut().unwrap().log_top = None;
        }
    }
    let small = drawn(&mut models[0], 60, 16);
    assert!(small.iter().any(|row| row.contains("41 %")), "{small:?}");
    let small = drawn(&mut models[1], 60, 16);
    assert!(small.iter().any(|row| row.contains("Next: The next.")), "{small:?}");
}

#[test]
fn targets_have_lines_and_the_focused_has_steps() {
    let mut model =
        watching(&[created(&["prod"], None), started(1, false), step(StepKind::CheckTarget, StepState::Ok)]);
    let rows = drawn(&mut model, 80, 24);
    assert_eq!(rows[1].trim_end(), "   prod/pay                 pending       Check if ready to data backup");
    assert_eq!(rows[2].trim_end(), "   prod/log                 pending       Check target");
    assert!(rows[3].starts_with("   ok          Check target"), "{rows:?}");
    let area = Rect { x: 0, y: 0, width: 80, height: 18 };
    assert!(body(&model, at(0), area).lines[1].focused);
}

#[test]
fn runner_and_journal_warnings_stand_above_the_steps() {
    let mut model = running(Vec::new());
    let silent = Fault::new(Cause::Unknown, "The runner of task T1 has not answered since noon.", "W.", "N.");
    let req = model.task.as_ref().unwrap().follow_request.unwrap();
    crate::wizard::screens::task::handle_unresponsive(&mut model, req, Some(silent));
    assert!(drawn(&mut model, 120, 40).concat().contains("has not answered since noon."));
    crate::wizard::screens::task::handle_unresponsive(&mut model, req, None);
    assert!(!drawn(&mut model, 120, 40).concat().contains("has not answered"));
    let damaged = crate::domain::task::UnreadableEvent::Damaged { line: 7, text: serde_json::Value::Null };
    crate::wizard::screens::task::handle_entry(&mut model, req, at(9), &Err(damaged));
    assert!(drawn(&mut model, 120, 40).concat().contains("The journal of task T1 is damaged at line 7."));
}
