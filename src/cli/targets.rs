//! `obnow targets`: what can be backed up, and when it last was.

use serde_json::{Value, json};

use super::say::Role;
use super::{Exit, Say, show};
use crate::app::tasks::{self, Task};
use crate::app::{Room, detect};
use crate::domain::archiving::{self, Archiving};
use crate::domain::choices::{Choices, Mode};
use crate::domain::facts::{Facts, Known, TenantFacts, TenantKind};
use crate::domain::fault::{Cause, Fault};
use crate::domain::last_good::{LastGood, last_good, worst_tenant};
use crate::domain::outcome::VerdictWord;
use crate::domain::preflight::{Check, cluster_checks, tenant_checks};
use crate::domain::restorable::{RoundStatus, SetKind};
use crate::domain::scn::Scn;
use crate::domain::target::TargetName;
use crate::domain::version::Method;

/// One line of the list.
struct Row {
    target: String,
    kind: &'static str,
    version: Option<String>,
    method: Option<&'static str>,
    state: String,
    eligible: bool,
    reason: Option<String>,
    last_good: Option<LastGood>,
    /// Whose backup that is, on a cluster's row.
    whose: Option<String>,
}

/// Prints every target of the inventory, cluster by cluster in its order.
pub(super) async fn run(room: &Room, say: &Say) -> Result<Exit, Fault> {
    if room.inventory.clusters.is_empty() {
        return Err(Fault::new(
            Cause::Usage,
            "There is no cluster to show.",
            format!("{} lists none, or is not there.", room.places.config.display()),
            "Write one with: obnow config init, or connect with --host and --user.",
        ));
    }
    let found = detect::everyone(room).await;
    let finished = tasks::all(room)?;
    let header = ["TARGET", "KIND", "VERSION", "METHOD", "LAST GOOD BACKUP", "STATE"].map(str::to_owned);
    let mut lines = vec![(header, Role::Dim)];
    for cluster in &room.inventory.clusters {
        let Some(answer) = found.iter().find(|answer| answer.cluster == cluster.name) else { continue };
        let oldest = cluster.max_backup_age.map(|age| age.as_secs());
        for mut row in rows(&cluster.name, &answer.facts) {
            if row.method == Some("logical") {
                row.last_good = last_dump(&finished, &row.target);
            }
            say.event("target", row.fields());
            lines.push((row.cells(room.now(), oldest), if row.eligible { Role::Ok } else { Role::Dim }));
        }
    }
    if !say.json {
        table(say, &lines);
    }
    Ok(Exit::OK)
}

/// The last dump of an engine that is restorable: the engine keeps no list of dumps, the tasks of this host do.
fn last_dump(finished: &[Result<Task, Fault>], target: &str) -> Option<LastGood> {
    let of_it = |task: &&Task| task.view.targets.iter().any(|known| known.target.to_string() == target);
    finished.iter().flatten().filter(of_it).find_map(|task| {
        let known = task.view.targets.iter().find(|known| known.target.to_string() == target)?;
        let outcome = known.outcome.as_ref().filter(|outcome| outcome.verdict == VerdictWord::Restorable)?;
        let bytes = known.progress.as_ref().map_or(0, |progress| progress.bytes);
        Some(LastGood { kind: SetKind::Full, at: outcome.from?, bytes, restorable_to: outcome.to })
    })
}

fn rows(name: &str, facts: &Result<Facts, Fault>) -> Vec<Row> {
    match facts {
        Ok(facts) => {
            let mut rows = vec![cluster_row(facts)];
            if facts.cluster.method == Method::Physical {
                rows.extend(facts.tenants.iter().filter(|t| t.kind == TenantKind::User).map(|t| tenant_row(facts, t)));
            }
            rows
        }
        Err(fault) => {
            let word = match fault.cause {
                Cause::Rights => "refused",
                Cause::Unreachable => "unreachable",
                _ => "unknown",
            };
            vec![Row {
                target: name.to_owned(),
                kind: "cluster",
                version: None,
                method: None,
                state: word.to_owned(),
                eligible: false,
                reason: Some(format!("{} {}", fault.what, fault.why)),
                last_good: None,
                whose: None,
            }]
        }
    }
}

/// The first thing that forbids a backup now; busy and no full do not count.
fn obstacle(checks: &[Check]) -> Option<String> {
    checks.iter().find(|check| check.refuses() && check.cause != Cause::Busy).map(|check| check.found.clone())
}

fn upgrading(facts: &Facts) -> bool {
    matches!(&facts.cluster.upgrading, Known::Known(signs) if !signs.is_empty())
}

fn cluster_row(facts: &Facts) -> Row {
    let choices = Choices::new(vec![facts.cluster.target.clone()], Mode::Full);
    let reason = obstacle(&cluster_checks(facts, &choices));
    let running =
        facts.tenants.iter().filter(|tenant| tenant.kind == TenantKind::User && !tenant.running.is_empty()).count();
    let state = match (upgrading(facts), running) {
        (true, _) => "upgrading".to_owned(),
        (false, 0) => "normal".to_owned(),
        (false, 1) => "backing up 1 tenant".to_owned(),
        (false, tenants) => format!("backing up {tenants} tenants"),
    };
    let worst = worst_tenant(facts);
    Row {
        target: facts.cluster.target.to_string(),
        kind: "cluster",
        version: Some(facts.cluster.version.to_string()),
        method: Some(method(facts)),
        state,
        eligible: reason.is_none(),
        reason,
        last_good: worst.as_ref().and_then(|(_, good)| good.clone()),
        whose: worst.map(|(tenant, _)| tenant.name.clone()).filter(|_| facts.cluster.method == Method::Physical),
    }
}

fn tenant_row(facts: &Facts, tenant: &TenantFacts) -> Row {
    let target: TargetName = facts.target(tenant);
    let choices = Choices::new(vec![target.clone()], Mode::Full);
    let mut checks = cluster_checks(facts, &choices);
    checks.extend(tenant_checks(facts, tenant, &choices));
    let reason = obstacle(&checks);
    let state = match tenant.running.first() {
        Some(job) => {
            let percent = job.percent().map_or_else(String::new, |percent| format!(" {percent} %"));
            let since = job.started.split_once('.').map_or(job.started.as_str(), |(seconds, _)| seconds);
            format!("backing up{percent}, by {} since {since} (server time)", job.owner())
        }
        None if upgrading(facts) => "upgrading".to_owned(),
        None if reason.is_some() => "ineligible".to_owned(),
        // Without the log no backup of it can be restored to a time after it stopped.
        None => archiving_stopped(tenant).unwrap_or_else(|| "normal".to_owned()),
    };
    Row {
        target: target.to_string(),
        kind: "tenant",
        version: Some(facts.cluster.version.to_string()),
        method: Some(method(facts)),
        state,
        eligible: reason.is_none(),
        reason,
        last_good: last_good(tenant),
        whose: None,
    }
}

/// That no log is archived, where it should be.
fn archiving_stopped(tenant: &TenantFacts) -> Option<String> {
    match archiving::judge(&tenant.archive) {
        Archiving::Running | Archiving::Coming(_) => None,
        Archiving::Off => Some("log archiving off".to_owned()),
        Archiving::Broken => Some(format!("log archiving {}", RoundStatus::Interrupted)),
        Archiving::Ending(word) | Archiving::Suspended(word) | Archiving::Strange(word) => {
            Some(format!("log archiving {word}"))
        }
    }
}

fn method(facts: &Facts) -> &'static str {
    match facts.cluster.method {
        Method::Physical => "physical",
        Method::Logical => "logical",
    }
}

impl Row {
    fn fields(&self) -> Value {
        let last_good = self.last_good.as_ref().map(|good| {
            json!({"type": good.kind.word(), "at": good.at.to_rfc3339(), "bytes": good.bytes,
                   "restorable_to": show::when(good.restorable_to)})
        });
        json!({"target": self.target, "kind": self.kind, "version": self.version, "method": self.method, "state": self.state,
               "eligible": self.eligible, "reason": self.reason, "last_good": last_good})
    }

    fn cells(&self, now: jiff::Timestamp, oldest: Option<u64>) -> [String; 6] {
        let whose = self.whose.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let last = match &self.last_good {
            None if self.version.is_none() => "-".to_owned(),
            None => format!("none{whose}"),
            Some(good) => {
                let seconds = Scn::from_timestamp(now).seconds_since(good.at);
                let word = match &good.kind {
                    SetKind::Full => "full",
                    SetKind::Incremental => "incremental",
                    SetKind::Other(word) => word,
                };
                let old = if oldest.is_some_and(|oldest| seconds > oldest) { "  OLD" } else { "" };
                let lost = if good.restorable_to.is_none() { ", not restorable" } else { "" };
                format!("{}{whose}  {word}{lost}{old}", show::age(seconds))
            }
        };
        let state = match &self.reason {
            // The reason begins with the state where the cluster is upgrading; once is enough.
            Some(reason) => match reason.split_once("the cluster is upgrading: ") {
                Some((_, signs)) => format!("{}: {signs}", self.state),
                None => format!("{}: {reason}", self.state),
            },
            None => self.state.clone(),
        };
        let indent = if self.kind == "tenant" { "  " } else { "" };
        let dash = || "-".to_owned();
        [
            format!("{indent}{}", self.target),
            self.kind.to_owned(),
            self.version.clone().unwrap_or_else(dash),
            self.method.map_or_else(dash, str::to_owned),
            last,
            state,
        ]
    }
}

/// Columns as wide as their widest cell; the last one runs on.
fn table(say: &Say, lines: &[([String; 6], Role)]) {
    let mut widths = [0; 6];
    for (cells, _) in lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for (cells, role) in lines {
        let mut line = String::new();
        for (place, cell) in cells.iter().enumerate() {
            if place + 1 == cells.len() {
                line.push_str(cell);
            } else {
                let pad = widths[place] - cell.chars().count() + 2;
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', pad));
            }
        }
        let text = if *role == Role::Dim { say.paint(Role::Dim, line.trim_end()) } else { line.trim_end().to_owned() };
        say.line(&text);
    }
}
