//! The list of targets.
//!
//! ```text
//!    TARGET              VERSION    METHOD    LAST GOOD BACKUP       STATE
//!    prod-hz             V4.2.5.1   physical  9 d ago (order) OLD    normal
//!  *   pay               V4.2.5.1   physical  3 h ago  incremental   normal
//!  filter: _                          11 targets, 1 unreachable, 2 without a backup
//! ```

use jiff::Timestamp;
use ratatui::layout::Rect;

use super::lines::{Body, Help, Row, cells};
use super::text::{fit, pad, width};
use super::theme::Role;
use crate::domain::fault::Cause;
use crate::domain::target::TargetKind;
use crate::wizard::model::{ClusterState, Model};
use crate::wizard::screens::target::{HEAD_ROWS, TargetRow};

/// The columns of this width: name, kind, version, method, last good backup, state; 0 hides one.
fn columns(cells: usize) -> [usize; 6] {
    let fixed = match cells {
        0..80 => [18, 0, 0, 0, 22],
        80..110 => [20, 0, 10, 10, 23],
        _ => [30, 9, 12, 10, 30],
    };
    let used: usize = fixed.iter().sum::<usize>() + 3;
    let [name, kind, version, method, last] = fixed;
    [name, kind, version, method, last, cells.saturating_sub(used)]
}

/// Draws it.
pub fn body(model: &Model, now: Timestamp, area: Rect) -> Body {
    let mut body = Body::default();
    let columns = columns(usize::from(area.width));
    let heads = ["TARGET", "KIND", "VERSION", "METHOD", "LAST GOOD BACKUP", "STATE"];
    let head: String = heads.into_iter().zip(columns).map(|(head, wide)| pad(head, wide)).collect();
    body.push_text(Role::Disabled, format!("   {head}"));
    let rows = usize::from(area.height).saturating_sub(HEAD_ROWS);
    let shown = model.list.shown.iter().enumerate().skip(model.list.top).take(rows);
    for (at, (cluster, row)) in shown {
        let Some(cluster) = model.clusters.get(*cluster as usize) else { continue };
        let Some(row) = cluster.rows.get(*row as usize) else { continue };
        body.push(target_row(model, cluster, row, now, columns).with_focus(at == model.list.cursor));
    }
    if model.list.shown.is_empty() {
        body.push_empty();
        empty_list(model, usize::from(area.width), &mut body);
    }
    while body.lines.len() + 1 < usize::from(area.height) {
        body.push_empty();
    }
    last_line(model, usize::from(area.width), &mut body);
    body.help = help(model, now);
    body
}

/// Why there is no row.
fn empty_list(model: &Model, wide: usize, body: &mut Body) {
    match &model.inventory {
        None => body.push_text(Role::Text, "   reading the inventory"),
        Some(Err(fault)) => {
            body.push_wrapped(Role::Fail, &fault.what, 3, wide);
            body.push_wrapped(Role::Text, &fault.why, 3, wide);
            body.push_wrapped(Role::Text, &format!("Next: {} r reads it again.", fault.next), 3, wide);
        }
        Some(Ok(_)) if model.list.filter.value().is_empty() => {
            body.push_text(Role::Text, "   There is no cluster in the inventory.");
        }
        Some(Ok(_)) => {
            let told = format!("No target's name has \"{}\" in it. Esc clears the filter.", model.list.filter.value());
            body.push_wrapped(Role::Text, &told, 3, wide);
        }
    }
}

fn target_row(model: &Model, cluster: &ClusterState, row: &TargetRow, now: Timestamp, columns: [usize; 6]) -> Row {
    let row = &row.row;
    let [name, kind, version, method, last, state] = columns;
    let marked = model.list.marked.contains(&row.target);
    let called = match row.target.tenant() {
        Some(tenant) => format!("  {tenant}"),
        None => row.target.cluster().to_owned(),
    };
    let good = row.last_good_label(now, cluster.summary.max_backup_age);
    let dim = !row.eligible;
    let or_dim = |role: Role| if dim { Role::Disabled } else { role };
    let last_role = if good.bad { Role::Fail } else { Role::Text };
    let state_role = match (row.running, dim, row.state.as_str()) {
        (true, _, _) => Role::Hint,
        (_, true, _) => Role::Disabled,
        (_, _, "normal") => Role::Ok,
        _ => Role::Warn,
    };
    let dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let all = [
        (or_dim(if row.kind() == TargetKind::Cluster { Role::Title } else { Role::Text }), called, name),
        (or_dim(Role::Text), row.kind().to_string(), kind),
        (or_dim(Role::Text), dash(row.version.as_deref()), version),
        (or_dim(Role::Text), dash(row.method_label()), method),
        (or_dim(last_role), good.text.clone(), last),
    ];
    let shown: Vec<(Role, &str, usize)> =
        all.iter().filter(|(_, _, wide)| *wide > 0).map(|(role, text, wide)| (*role, text.as_str(), *wide)).collect();
    let mut pieces = vec![(Role::Hint, if marked { " * " } else { "   " }.to_owned())];
    pieces.extend(cells(&shown));
    let refreshing = if cluster.pending.is_some() && cluster.answer.is_some() { " (asking)" } else { "" };
    pieces.push((state_role, fit(&format!("{}{refreshing}", row.state_label()), state)));
    Row::from_pieces(pieces)
}

/// The filter and the counts.
fn last_line(model: &Model, cells: usize, body: &mut Body) {
    let list = &model.list;
    let left = match (list.is_filtering, list.filter.value()) {
        (false, "") if list.marked.is_empty() => String::new(),
        (false, "") => format!(" {} marked", list.marked.len()),
        (_, typed) => format!(" filter: {typed}"),
    };
    let counts = counts(model);
    let room = cells.saturating_sub(width(&left) + 2);
    if list.is_filtering {
        body.cursor = Some((body.lines.len(), width(" filter: ") + super::text::cells_before(&list.filter)));
    }
    let counts = fit(&counts, room);
    let space = cells.saturating_sub(width(&left) + width(&counts) + 1);
    body.push(Row::from_pieces(vec![(Role::Title, left), (Role::Text, " ".repeat(space)), (Role::Disabled, counts)]));
}

/// How many there are, and how many to worry about.
fn counts(model: &Model) -> String {
    if model.inventory.is_none() {
        return String::new();
    }
    let (mut targets, mut waiting, mut unreachable, mut without) = (0, 0, 0, 0);
    for cluster in &model.clusters {
        waiting += usize::from(cluster.answer.is_none() && !cluster.needs_password);
        unreachable += usize::from(matches!(&cluster.answer, Some(Err(fault)) if fault.cause == Cause::Unreachable));
        targets += cluster.rows.len();
        without += cluster.rows.iter().filter(|row| has_no_backup(&row.row)).count();
    }
    let mut parts = vec![format!("{targets} {}", if targets == 1 { "target" } else { "targets" })];
    let mut add = |count: usize, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    add(waiting, "not answered yet");
    add(unreachable, "unreachable");
    add(without, "without a good backup");
    parts.join(", ")
}

fn has_no_backup(row: &crate::domain::listing::Row) -> bool {
    let answered = row.version.is_some();
    answered && row.last_good.is_none() && (row.kind() == TargetKind::Tenant || row.whose.is_none()) && row.eligible
}

/// The focused row in full: what a narrow column cut off.
fn help(model: &Model, now: Timestamp) -> Help {
    let Some((cluster, row)) = model.focused_row() else { return Help::default() };
    let state = row.state_label();
    if !row.eligible {
        return Help::error(format!("{}: {state}", row.target));
    }
    let good = row.last_good_label(now, cluster.summary.max_backup_age);
    match (&row.version, &row.last_good) {
        (None, _) => Help::of(format!("{}: {state}", row.target)),
        (Some(_), Some(last)) => {
            let zone = cluster.facts().map(|facts| &facts.cluster.time_zone);
            let to =
                zone.map_or_else(String::new, |zone| format!(", restorable to {}", last.restorable_to.to_local(zone)));
            let size = crate::domain::format::size_or_unknown(last.bytes);
            Help::of(format!("{}: {state}; last good backup {}, {size}{to}", row.target, good.text))
        }
        (Some(_), None) => Help::of(format!("{}: {state}; last good backup {}", row.target, good.text)),
    }
}
