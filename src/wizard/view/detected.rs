//! Version, method, last good backup, archive, and the preflight.

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::lines::{Body, Help, Row};
use super::text::{fit, pad, wrap};
use super::theme::Role;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::last_good::last_good;
use crate::domain::preflight::{Check, CheckResult};
use crate::domain::scn::Scn;
use crate::domain::version::{Edition, Method};
use crate::domain::words;
use crate::wizard::model::Model;
use crate::wizard::screens::detected;

/// Cells of a label.
const LABEL: usize = 21;

/// Draws it.
pub fn body(model: &Model, now: Timestamp, area: Rect) -> Body {
    let mut body = Body::default();
    let wide = usize::from(area.width);
    let Some(facts) = model.facts() else {
        body.gap();
        match model.chosen().and_then(|cluster| cluster.answer.as_ref()) {
            Some(Err(fault)) => {
                body.wrapped(Role::Fail, &fault.what, 1, wide);
                body.wrapped(Role::Text, &fault.why, 1, wide);
                body.wrapped(Role::Text, &format!("Next: {}", fault.next), 1, wide);
            }
            Some(Ok(_)) | None => body.line(Role::Text, " asking the cluster"),
        }
        return body;
    };
    let label = |name: &str| (Role::Disabled, format!(" {}", pad(name, LABEL)));
    let value = |text: String| (Role::Text, fit(&text, wide.saturating_sub(LABEL + 2)));
    let edition = facts.cluster.edition.map(|edition| match edition {
        Edition::Community => "Community Edition",
        Edition::Enterprise => "Enterprise Edition",
    });
    let build = facts.cluster.version.build.map_or_else(String::new, |build| format!("  (build {build})"));
    let version = format!("{}{build}  {}", facts.cluster.version, edition.unwrap_or_default());
    body.push(Row::pieces(vec![label("OceanBase Version"), (Role::Title, fit(version.trim_end(), wide - LABEL - 2))]));
    let method = format!("{}  {}", facts.cluster.method, facts.cluster.method_reason);
    body.push(Row::pieces(vec![label("Backup Method"), value(method)]));
    let tenants = model.tenants();
    if facts.cluster.method == Method::Physical {
        body.push(Row::pieces(vec![label("Last good backup"), value(last_words(facts, &tenants, now))]));
        body.push(Row::pieces(vec![label("Log archiving"), value(archive_words(facts, &tenants))]));
    } else if let Some(service) = &facts.cluster.backup_service {
        let text = match service {
            crate::domain::facts::ServiceFacts::Ready { release, path } => format!("{release}, {path}"),
            crate::domain::facts::ServiceFacts::Missing(fault) => format!("{} {}", fault.why, fault.next),
        };
        body.push(Row::pieces(vec![label("Backup service"), value(text)]));
    }
    body.gap();
    let checks = detected::checks(model);
    let count = |result: CheckResult| checks.iter().filter(|check| check.result == result).count();
    let (fail, warn) = (count(CheckResult::Fail), count(CheckResult::Warn));
    let told = match (fail, warn) {
        (0, 0) => (Role::Ok, "nothing to look at".to_owned()),
        (0, warn) => (Role::Warn, format!("{warn} to look at")),
        (fail, 0) => (Role::Fail, format!("{fail} to mend")),
        (fail, warn) => (Role::Fail, format!("{fail} to mend, {warn} to look at")),
    };
    let asking = model.chosen().is_some_and(|cluster| cluster.asking.is_some());
    let title = if asking { " Preflight (asking again)" } else { " Preflight" };
    let space = wide.saturating_sub(title.len() + told.1.len() + 2);
    body.push(Row::pieces(vec![(Role::Title, title.to_owned()), (Role::Text, " ".repeat(space)), told]));
    list(&checks, model, wide, usize::from(area.height), &mut body);
    body.help = checks.get(model.check).map_or_else(Help::default, focused_help);
    body
}

/// The checks that fit, the focused one among them; on the focused one what was found is given whole where there is room.
fn list(checks: &[Check], model: &Model, wide: usize, rows: usize, body: &mut Body) {
    let several = model.tenants().len() > 1;
    let room = rows.saturating_sub(body.lines.len());
    let top = (model.check + 1).saturating_sub(room);
    for (at, check) in checks.iter().enumerate().skip(top).take(room) {
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
        let column = if several { 34 } else { 22 };
        let row = Row::pieces(vec![
            (role, format!("   {word}  ")),
            (Role::Text, pad(&whose, column)),
            (Role::Text, fit(&found, wide.saturating_sub(column + 10))),
        ]);
        body.push(row.focused(at == model.check));
        let mut more = wrap(&found, wide.saturating_sub(column + 10));
        if at == model.check && more.len() > 1 && checks.len() + more.len() < room {
            // There is room: what was cut off goes below.
            more.remove(0);
            for line in more {
                body.line(Role::Text, format!("{}{line}", " ".repeat(column + 9)));
            }
        }
    }
}

/// On the focused check its fix, or what it found where that needs none.
fn focused_help(check: &Check) -> Help {
    match (check.result, check.fix.is_empty()) {
        (CheckResult::Fail, _) => Help::wrong(format!("{} {}", sentence(&check.found), check.fix)),
        (CheckResult::Warn | CheckResult::NotChecked, false) => Help::of(format!("fix: {}", check.fix)),
        (CheckResult::Pass | CheckResult::Warn | CheckResult::NotChecked, _) => Help::of(sentence(&check.found)),
    }
}

fn sentence(found: &str) -> String {
    if found.ends_with('.') { found.to_owned() } else { format!("{found}.") }
}

/// The worst last good backup of the tenants.
fn last_words(facts: &Facts, tenants: &[&TenantFacts], now: Timestamp) -> String {
    let worst = tenants
        .iter()
        .map(|tenant| (tenant, last_good(tenant)))
        .min_by_key(|(_, good)| good.as_ref().map(|good| (good.restorable_to.is_some(), good.at)));
    let Some((tenant, good)) = worst else { return "none".to_owned() };
    let whose = if tenants.len() > 1 { format!("{}: ", tenant.name) } else { String::new() };
    match good {
        None => format!("{whose}none"),
        Some(good) => {
            let age = words::age(Scn::from_timestamp(now).seconds_since(good.at));
            let to = match good.restorable_to {
                Some(to) => format!("restorable to {}", to.to_local(facts.cluster.utc_offset)),
                None => "done, and cannot be restored".to_owned(),
            };
            format!("{whose}{} {age}, {}; {to}", good.kind.word(), words::size(good.bytes))
        }
    }
}

fn archive_words(facts: &Facts, tenants: &[&TenantFacts]) -> String {
    let of = |tenant: &TenantFacts| match tenant.archive.latest() {
        None => "does not run".to_owned(),
        Some(round) => {
            let now = Scn::from_timestamp(facts.at);
            format!(
                "{}, {} behind, round {} since {}",
                round.status,
                words::span(now.seconds_since(round.checkpoint)),
                round.round_id,
                round.start.to_local(facts.cluster.utc_offset)
            )
        }
    };
    match tenants {
        [] => "-".to_owned(),
        [only] => of(only),
        several => {
            let running =
                |t: &&&TenantFacts| t.archive.latest().is_some_and(|round| round.status.to_string() == "DOING");
            format!("DOING on {} of {} tenants", several.iter().filter(running).count(), several.len())
        }
    }
}
