//! Version, method, last good backup, archive, and the preflight.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::lines::{Body, Help, Row};
use super::text::{fit, pad, width, wrap};
use super::theme::Role;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::format;
use crate::domain::last_good::{last_good, newest_unrestorable};
use crate::domain::preflight::{Check, CheckResult};
use crate::domain::restorable::RoundStatus;
use crate::domain::scn::Scn;
use crate::domain::version::Method;
use crate::wizard::model::Model;
use crate::wizard::screens::mode;

/// Cells of a label.
const LABEL_WIDTH: usize = 19;

/// Draws it.
pub fn body(model: &Model, now: Timestamp, area: Rect) -> Body {
    let mut body = Body::default();
    let wide = usize::from(area.width);
    let Some(facts) = model.facts() else {
        body.push_empty();
        match model.chosen_cluster().and_then(|cluster| cluster.answer.as_ref()) {
            Some(Err(fault)) => {
                body.push_wrapped(Role::Fail, &fault.what, 1, wide);
                body.push_wrapped(Role::Text, &fault.why, 1, wide);
                body.push_wrapped(Role::Text, &format!("Next: {}", fault.next), 1, wide);
            }
            Some(Ok(_)) | None => body.push_text(Role::Text, " asking the cluster"),
        }
        return body;
    };
    let label = |name: &str| (Role::Disabled, format!(" {}", pad(name, LABEL_WIDTH)));
    let room = wide.saturating_sub(LABEL_WIDTH + 2);
    let value = |texts: &[String]| (Role::Text, longest_that_fits(texts, room));
    let edition = facts.cluster.edition.map(|edition| format!("  {edition}")).unwrap_or_default();
    let build = facts.cluster.version.build.map_or_else(String::new, |build| format!("  (build {build})"));
    let version = format!("{}{build}{edition}", facts.cluster.version);
    body.push(Row::from_pieces(vec![label("OceanBase Version"), (Role::Title, fit(&version, room))]));
    let method = facts.cluster.method.to_string();
    let offers = match (facts.cluster.method, mode::full_only_reason(model)) {
        (Method::Physical, None) => format!("{method}   full and incremental"),
        (Method::Physical, Some(why)) => format!("{method}   full only: {why}"),
        (Method::Logical, _) => format!("{method}   full only"),
    };
    let whole = format!("{offers}   {}", facts.cluster.method_reason);
    body.push(Row::from_pieces(vec![label("Backup Method"), value(&[whole, offers, method])]));
    let tenants = model.tenants();
    if facts.cluster.method == Method::Physical {
        body.push(Row::from_pieces(vec![label("Last good backup"), value(&last_good_texts(facts, &tenants, now))]));
        body.push(Row::from_pieces(vec![label("Log archiving"), value(&archive_texts(facts, &tenants))]));
    } else if let Some(service) = &facts.cluster.backup_service {
        let text = match service {
            crate::domain::facts::BackupServiceFacts::Ready { release, path } => format!("{release}, {path}"),
            crate::domain::facts::BackupServiceFacts::Missing(fault) => format!("{} {}", fault.why, fault.next),
        };
        body.push(Row::from_pieces(vec![label("Backup service"), value(&[text])]));
    }
    body.push_empty();
    let checks = &model.preflight.checks;
    let count = |result: CheckResult| checks.iter().filter(|check| check.result == result).count();
    let (fail, warn) = (count(CheckResult::Fail), count(CheckResult::Warn));
    let told = match (fail, warn) {
        (0, 0) => (Role::Ok, "nothing to look at".to_owned()),
        (0, warn) => (Role::Warn, format!("{warn} to look at")),
        (fail, 0) => (Role::Fail, format!("{fail} to mend")),
        (fail, warn) => (Role::Fail, format!("{fail} to mend, {warn} to look at")),
    };
    let asking = model.chosen_cluster().is_some_and(|cluster| cluster.pending.is_some());
    let title = if asking { " Preflight (asking again)" } else { " Preflight" };
    let space = wide.saturating_sub(title.len() + told.1.len() + 2);
    body.push(Row::from_pieces(vec![(Role::Title, title.to_owned()), (Role::Text, " ".repeat(space)), told]));
    check_rows(checks, model, wide, usize::from(area.height), &mut body);
    body.help = checks.get(model.focused_check).map_or_else(Help::default, focused_help);
    body
}

/// The checks that fit, the focused one among them with all that was found.
fn check_rows(checks: &[Check], model: &Model, wide: usize, rows: usize, body: &mut Body) {
    let several = model.tenants().len() > 1;
    let column = if several { 34 } else { 22 };
    let room = rows.saturating_sub(body.lines.len());
    let mut lines = Vec::new();
    let mut focus = 0..0;
    // What is far above or below the focus cannot be on the screen.
    let near = model.focused_check.saturating_sub(room)..model.focused_check + room;
    for (at, check) in checks.iter().enumerate().skip(near.start).take(near.len()) {
        let (role, word) = match check.result {
            CheckResult::Pass => (Role::Ok, "ok  "),
            CheckResult::Warn => (Role::Warn, "warn"),
            CheckResult::Fail => (Role::Fail, "FAIL"),
            CheckResult::NotChecked => (Role::Disabled, "-   "),
        };
        let name = check.check.name().replace('_', " ");
        let whose = match check.target.tenant() {
            Some(tenant) if several => format!("{}: {name}", fit(tenant, 14)),
            _ => name,
        };
        let found = match check.result {
            CheckResult::NotChecked => format!("not checked: {}", check.found),
            CheckResult::Pass | CheckResult::Warn | CheckResult::Fail => check.found.clone(),
        };
        let cells = wide.saturating_sub(column + 10);
        let focused = at == model.focused_check;
        let start = lines.len();
        let mut all = if focused { wrap(&found, cells) } else { vec![fit(&found, cells)] }.into_iter();
        let first = all.next().unwrap_or_default();
        let head = vec![(role, format!("   {word}  ")), (Role::Text, pad(&whose, column)), (Role::Text, first)];
        lines.push(Row::from_pieces(head).with_focus(focused));
        lines.extend(all.map(|more| Row::of(Role::Text, format!("{}{more}", " ".repeat(column + 9)))));
        if focused {
            focus = start..lines.len();
        }
    }
    let top = focus.end.saturating_sub(room).min(focus.start);
    body.lines.extend(lines.into_iter().skip(top).take(room));
}

/// On the focused check its fix, or what it found where that needs none.
fn focused_help(check: &Check) -> Help {
    let (result, fix) = (check.result, &check.fix);
    match (result, fix.is_empty()) {
        (CheckResult::Fail, false) => Help::error(format!("fix: {fix}")),
        (CheckResult::Warn | CheckResult::NotChecked, false) => Help::of(format!("fix: {fix}")),
        (CheckResult::Fail, true) => Help::error(sentence(&check.found)),
        (CheckResult::Pass, _) | (CheckResult::Warn | CheckResult::NotChecked, true) => {
            Help::of(sentence(&check.found))
        }
    }
}

fn sentence(found: &str) -> String {
    if found.ends_with('.') { found.to_owned() } else { format!("{found}.") }
}

/// Of several ways to say it, the longest one there is room for; the shortest is cut.
fn longest_that_fits(texts: &[String], room: usize) -> String {
    let fitting = texts.iter().find(|text| width(text) <= room);
    fitting.cloned().unwrap_or_else(|| texts.last().map_or_else(String::new, |text| fit(text, room)))
}

/// The worst last good backup of the tenants, the longest way to say it first.
fn last_good_texts(facts: &Facts, tenants: &[&TenantFacts], now: Timestamp) -> Vec<String> {
    let worst = tenants
        .iter()
        .map(|tenant| (tenant, last_good(tenant)))
        .min_by_key(|(_, good)| good.as_ref().map(|good| good.at));
    let Some((tenant, good)) = worst else { return vec!["none".to_owned()] };
    let whose = if tenants.len() > 1 { format!("{}: ", tenant.name) } else { String::new() };
    let Some(good) = good else {
        let in_vain = newest_unrestorable(tenant).map(|(set, word)| format!("; set {set} is done, and {word}"));
        return vec![format!("{whose}none{}", in_vain.unwrap_or_default()), format!("{whose}none")];
    };
    let offset = &facts.cluster.time_zone;
    let (word, size) = (good.kind.word(), format::size_or_unknown(good.bytes));
    let age = format::age(Scn::from_timestamp(now).seconds_since(good.at));
    let to = good.restorable_to.to_local(offset);
    vec![
        format!("{whose}{word} of {}, {size}; restorable to {to}", good.at.to_local(offset)),
        format!("{whose}{word}, {age}, {size}; restorable to {to}"),
        format!("{whose}{word}, {age}; restorable to {to}"),
        format!("{whose}{word}, {age}; to {to}"),
    ]
}

/// How the log is archived, the longest way to say it first.
fn archive_texts(facts: &Facts, tenants: &[&TenantFacts]) -> Vec<String> {
    let of = |tenant: &TenantFacts| match tenant.archive.latest() {
        None => vec!["does not run".to_owned()],
        Some(round) => {
            let behind = format::behind(tenant.archive.behind(facts.server_now()));
            let short = format!("{}, {behind}, round {}", round.status, round.round_id);
            let start = tenant.archive.known_rounds().iter().find(|known| known.round_id == round.round_id);
            let long = start.map(|round| format!("{short} since {}", round.start.to_local(&facts.cluster.time_zone)));
            long.into_iter().chain([short]).collect()
        }
    };
    match tenants {
        [] => vec!["-".to_owned()],
        [only] => of(only),
        several => {
            let runs = |t: &&&TenantFacts| t.archive.latest().is_some_and(|round| round.status == RoundStatus::Doing);
            vec![format!("DOING on {} of {} tenants", several.iter().filter(runs).count(), several.len())]
        }
    }
}
