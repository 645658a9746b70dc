//! `obnow targets`: lists the targets and their last good backups.

use serde_json::{Value, json};

use super::output::OutputStyle;
use super::{Exit, Output};
use crate::app::tasks::{self, Task};
use crate::app::{AppContext, detect};
use crate::domain::fault::{Cause, Fault};
use crate::domain::format;
use crate::domain::last_good::LastGood;
use crate::domain::listing::{Row, dump_of, mark_encryption, rows};
use crate::domain::restorable::Encryption;
use crate::domain::target::{TargetKind, TargetName};
use crate::domain::version::Method;

/// Prints every target of the inventory, cluster by cluster in its order.
pub(super) async fn run(context: &AppContext, say: &Output) -> Result<Exit, Fault> {
    if context.inventory.clusters.is_empty() {
        return Err(Fault::new(
            Cause::Usage,
            "There is no cluster to show.",
            format!("{} lists none, or is not there.", context.directories.config.display()),
            "Write one with: obnow config init, or connect with --host and --user.",
        ));
    }
    let found = detect::collect_all(context).await;
    let finished = tasks::load_all(context)?;
    let header = ["TARGET", "KIND", "VERSION", "METHOD", "LAST GOOD BACKUP", "STATE"].map(str::to_owned);
    let mut lines = vec![(header, OutputStyle::Dim)];
    for cluster in &context.inventory.clusters {
        let Some(answer) = found.iter().find(|answer| answer.cluster == cluster.name) else { continue };
        let oldest = cluster.max_backup_age.map(|age| age.as_secs());
        let Ok(name) = TargetName::cluster_named(&cluster.name) else { continue };
        for mut row in rows(&name, &answer.facts) {
            if row.method == Some(Method::Logical) {
                row.last_good = last_dump(&finished, &row.target);
            }
            mark_encryption(&mut row, finished.iter().flatten().map(|task| &task.view));
            say.event("target", fields(&row));
            lines.push((
                cells(&row, context.now(), oldest),
                if row.eligible { OutputStyle::Ok } else { OutputStyle::Dim },
            ));
        }
    }
    if !say.json {
        table(say, &lines);
    }
    Ok(Exit::OK)
}

/// The last restorable dump among the tasks of this host.
fn last_dump(finished: &[Result<Task, Fault>], target: &TargetName) -> Option<LastGood> {
    finished.iter().flatten().find_map(|task| dump_of(&task.view, target))
}

fn fields(row: &Row) -> Value {
    let last_good = row.last_good.as_ref().map(|good| {
        json!({"type": good.kind.word(), "at": good.at.to_rfc3339(), "bytes": good.bytes,
               "restorable_to": good.restorable_to.to_rfc3339(), "encryption": good.encryption.map(Encryption::word)})
    });
    let state = match &row.about {
        Some(about) => format!("{}, {about}", row.state),
        None => row.state.clone(),
    };
    json!({"target": row.target, "kind": row.kind().to_string(), "version": row.version, "method": row.method_label(),
           "state": state, "eligible": row.eligible, "reason": row.reason, "last_good": last_good})
}

fn cells(row: &Row, now: jiff::Timestamp, oldest: Option<u64>) -> [String; 6] {
    let indent = if row.kind() == TargetKind::Tenant { "  " } else { "" };
    let dash = || "-".to_owned();
    [
        format!("{indent}{}", row.target),
        row.kind().to_string(),
        row.version.clone().unwrap_or_else(dash),
        row.method_label().map_or_else(dash, str::to_owned),
        row.last_good_label(now, oldest).text,
        row.state_label(),
    ]
}

fn table(say: &Output, lines: &[([String; 6], OutputStyle)]) {
    let texts: Vec<&[String; 6]> = lines.iter().map(|(cells, _)| cells).collect();
    for (text, (_, role)) in align_columns(&texts).into_iter().zip(lines) {
        say.line(&if *role == OutputStyle::Dim { say.paint(OutputStyle::Dim, &text) } else { text });
    }
}

/// Columns as wide as their widest cell on a terminal; the last one runs on.
fn align_columns(lines: &[&[String; 6]]) -> Vec<String> {
    let mut widths = [0; 6];
    for cells in lines {
        for (width, cell) in widths.iter_mut().zip(*cells) {
            *width = (*width).max(format::cells(cell));
        }
    }
    let line = |cells: &&[String; 6]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format::padded(cell, width + 2));
        padded.collect::<String>().trim_end().to_owned()
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_line_behind_wide_characters() {
        let row = |target: &str| [target, "tenant", "V4", "physical", "-", "ready"].map(str::to_owned);
        let lines = align_columns(&[&row("prod/支付"), &row("prod/pay1"), &row("prod/a")]);
        assert_eq!(
            lines,
            [
                "prod/支付  tenant  V4  physical  -  ready",
                "prod/pay1  tenant  V4  physical  -  ready",
                "prod/a     tenant  V4  physical  -  ready",
            ]
        );
    }
}
