//! A Test on the screen: its headline, and every check as far as it is.

use jiff::tz::TimeZone;

use super::super::lines::{Body, Row};
use super::super::text::{fit, pad};
use super::super::theme::Role;
use crate::domain::format::clock;
use crate::domain::storage_check::{StorageCheck, TestResult, TestedCheck};
use crate::wizard::screens::storage::test_run::{TestRun, TestStatus};

/// Cells of a check in a line of two.
const COLUMN_WIDTH: usize = 34;

/// The words beside the button.
#[must_use]
pub fn headline(
    standing: &TestStatus<'_>,
    trial: Option<&TestRun>,
    must_pass: bool,
    zone: &TimeZone,
) -> (Role, String) {
    let whose = trial.map(TestRun::tenant_suffix).unwrap_or_default();
    match standing {
        TestStatus::NotTested if must_pass => (Role::Warn, "not tested".to_owned()),
        TestStatus::NotTested => (Role::Disabled, "not tested; may be, and need not".to_owned()),
        TestStatus::Running(None) => (Role::Hint, format!("runs{whose}")),
        TestStatus::Running(Some(check)) => (Role::Hint, format!("runs: {}{whose}", check.label())),
        TestStatus::Stopped => (Role::Warn, "stopped; not tested".to_owned()),
        TestStatus::Outdated(changed) => (Role::Warn, format!("not tested since {changed} changed")),
        TestStatus::Passed(report) => (Role::Ok, format!("{}{whose}", report.headline(&clock(report.at, zone)))),
        TestStatus::Failed(report) => (Role::Fail, format!("{}{whose}", report.headline(&clock(report.at, zone)))),
    }
}

/// Every check, failures first, since they are what must be read.
pub fn checks(body: &mut Body, trial: &TestRun, wide: usize) {
    let of = |result: TestResult| trial.checks.iter().filter(move |check| check.result == result);
    for check in of(TestResult::Fail) {
        failed(body, check, wide);
    }
    for (report, left) in trial.reports.iter().filter_map(|report| Some((report, report.left_behind.as_ref()?))) {
        let refused = "; the server will refuse this directory (9080) until it is removed";
        let text = format!("left behind {left}{}", if report.is_blocking() { refused } else { "" });
        body.push_wrapped(Role::Fail, &text, 5, wide);
    }
    passed(body, &of(TestResult::Pass).collect::<Vec<_>>(), wide);
    let mut told: Vec<&str> = Vec::new();
    for check in of(TestResult::NotChecked) {
        if !told.contains(&check.found.as_str()) {
            told.push(&check.found);
            body.push_wrapped(Role::Text, &format!("not checked: {}", check.found), 5, wide);
        }
    }
    manual_commands(body, &trial.manual_commands(), wide);
}

fn failed(body: &mut Body, check: &TestedCheck, wide: usize) {
    let ms = check.ms.map_or_else(String::new, |ms| format!("  {ms} ms"));
    body.push_text(Role::Fail, fit(&format!("     FAIL  {}{ms}", check.check.label()), wide));
    match &check.fault {
        Some(fault) => {
            body.push_wrapped(Role::Text, &format!("{} {}", fault.what, fault.why), 11, wide);
            body.push_wrapped(Role::Text, &format!("Next: {}", fault.next), 11, wide);
        }
        None => body.push_wrapped(Role::Text, &check.found, 11, wide),
    }
}

/// Those of which the time is all there is to say go two in a line; the others say what they found.
fn passed(body: &mut Body, checks: &[&TestedCheck], wide: usize) {
    let (timed, found): (Vec<&TestedCheck>, Vec<&TestedCheck>) =
        checks.iter().copied().partition(|check| is_timed(check.check));
    let cell = |check: &TestedCheck| {
        let ms = check.ms.map_or_else(String::new, |ms| format!("{ms} ms"));
        format!("{} {ms:>8}", pad(check.check.label(), 14))
    };
    let in_a_line = if wide >= 2 * COLUMN_WIDTH + 2 { 2 } else { 1 };
    for line in timed.chunks(in_a_line) {
        let mut pieces = Vec::new();
        for check in line {
            pieces.push((Role::Ok, "     ok    ".to_owned()));
            pieces.push((Role::Text, pad(&cell(check), COLUMN_WIDTH - 11)));
        }
        body.push(Row::from_pieces(pieces));
    }
    for check in found {
        body.push(Row::from_pieces(vec![
            (Role::Ok, "     ok    ".to_owned()),
            (Role::Text, pad(check.check.label(), 15)),
            (Role::Text, fit(&check.found, wide.saturating_sub(27))),
        ]));
    }
}

/// Whether a check says nothing but that it is in order.
fn is_timed(check: StorageCheck) -> bool {
    match check {
        StorageCheck::Resolve
        | StorageCheck::Connect
        | StorageCheck::Tls
        | StorageCheck::Credentials
        | StorageCheck::Write
        | StorageCheck::ReadBack
        | StorageCheck::List
        | StorageCheck::Delete => true,
        StorageCheck::Clock
        | StorageCheck::FreeSpace
        | StorageCheck::Directory
        | StorageCheck::SoleUse
        | StorageCheck::Mount
        | StorageCheck::EveryServer => false,
    }
}

fn manual_commands(body: &mut Body, commands: &[String], wide: usize) {
    if commands.is_empty() {
        return;
    }
    body.push_text(Role::Disabled, fit("     to be done by hand on every server (y copies it):", wide));
    for command in commands {
        body.push_wrapped(Role::Hint, command, 7, wide);
    }
}
