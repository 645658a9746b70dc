//! Diagnoses why a step makes no progress with a few queries; what cannot be read is reported as such.

use std::collections::BTreeMap;

use super::OceanBase;
use super::release_profile::{BackupScope, TENANT_ID, ViewId};
use super::rows::{moment, server, word};
use super::session::{Row, number, text};
use super::view_reader::FilterValue;
use crate::backend::StepContext;
use crate::domain::archiving::UnchangedArchive;
use crate::domain::diagnosis::foreign;
use crate::domain::facts::Known;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::TargetPlan;
use crate::domain::scn::Scn;
use crate::domain::stall::{ArchiveProgress, RootServiceEvent, ServerClock, Stall, StalledStep};
use crate::domain::step::StepKind;
use crate::domain::time_zone::ServerTimeZone;

/// Order and limit of the events that are searched for the last one about a target.
const EVENT_ORDER: &str = "TIMESTAMP DESC LIMIT 50";

/// Nanoseconds in a second.
const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// The most events of a tenant's archive that are shown.
const MAX_EVENTS: usize = 3;

/// The name and value columns of an event.
const ITEM_COLUMNS: [(&str, &str); 6] = [
    ("NAME1", "VALUE1"),
    ("NAME2", "VALUE2"),
    ("NAME3", "VALUE3"),
    ("NAME4", "VALUE4"),
    ("NAME5", "VALUE5"),
    ("NAME6", "VALUE6"),
];

impl OceanBase {
    /// Diagnoses why these targets make no progress; each comes with the text of its wait.
    pub async fn standstill(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        stuck: &[(&TargetPlan, &str)],
    ) -> Vec<Stall> {
        if matches!(self.line().map(|line| line.backup_scope), Ok(BackupScope::PerCluster(_))) {
            return self.diagnose_cluster_stall(run, step, stuck).await;
        }
        let of_archive =
            matches!(step, StepKind::SetDestination | StepKind::StartArchiving | StepKind::ConfirmRestorable);
        let waits_for_log = of_archive || stuck.iter().any(|(_, at)| at.contains("LOG"));
        let module = if of_archive { "log_archive" } else { "backup_data" };
        let ids: Vec<u64> = stuck.iter().map(|(target, _)| target.tenant.id).collect();
        let events =
            self.read_if_visible(ViewId::Events, ("MODULE", vec![FilterValue::Text(module)]), EVENT_ORDER).await;
        let rounds = self.read_if_visible(ViewId::ArchiveCurrent, tenant_filter(&ids), "").await;
        let third = if waits_for_log { ViewId::LogStreams } else { ViewId::ScheduleTasks };
        let third = self.read_if_visible(third, tenant_filter(&ids), "").await.unwrap_or_default();
        let parameters = self.parameters().await.ok();
        let clock = self.clock.clone();
        let now = clock.as_ref().map(|clock| clock.at(run.now));
        let hanging = self.hanging(stuck).await;
        stuck
            .iter()
            .map(|(target, _)| {
                let id = target.tenant.id;
                let own: Vec<&Row> = third.iter().filter(|row| number(row, TENANT_ID) == Some(id)).collect();
                Stall {
                    clock: clock.clone(),
                    servers: servers(&own),
                    archive: known(&rounds, |rows| {
                        let round = rows.iter().find(|row| number(row, TENANT_ID) == Some(id))?;
                        let lag_target = parameters.as_ref().and_then(|parameters| parameters.lag_target(id));
                        Some(ArchiveProgress { lag_target, ..archive(round, &own, now) })
                    }),
                    event: known(&events, |rows| {
                        let job = if of_archive { None } else { run.job_id(&target.target) };
                        let since = if of_archive { None } else { start_of_backup(run, target, clock.as_ref()) };
                        rows.iter().find(|row| is_about(row, id, job, since.as_ref())).map(event)
                    }),
                    hanging: hanging.clone(),
                }
            })
            .collect()
    }

    /// Returns what these targets may hang on; where one is being cancelled, with the server that must write its metadata.
    pub(super) async fn hanging(&mut self, stuck: &[(&TargetPlan, &str)]) -> Option<StalledStep> {
        let mut hanging = StalledStep::of(&self.detected?.version);
        if stuck.iter().any(|(_, at)| Stall::is_cancel(at)) {
            let servers = self.read(ViewId::Servers, &[], "").await.unwrap_or_default();
            // V4 says YES, the lines below it 1.
            let leads = |row: &&Row| matches!(word(row, "WITH_ROOTSERVER").as_str(), "YES" | "1");
            hanging.root_service = servers.iter().find(leads).map(super::rows::server);
        }
        Some(hanging)
    }

    /// Reads the state of a target's archive that did not change as requested; `None` where the server cannot be reached.
    pub async fn unchanged_archive(&mut self, target: &TargetPlan) -> Option<UnchangedArchive> {
        self.ensure_session().await.ok()?;
        if self.line().ok()?.backup_scope != BackupScope::PerTenant {
            return None;
        }
        let id = target.tenant.id;
        let tenants = self.refresh_tenants(&[id]).await;
        let tenant = tenants.as_ref().ok().and_then(|tenants| tenants.iter().find(|tenant| tenant.id == id));
        let has_round = match (&tenants, tenant) {
            (Ok(_), Some(tenant)) => Known::Known(tenant.archive.latest().is_some()),
            (Ok(_), None) => Known::NotChecked("the tenant is not listed any more".to_owned()),
            (Err(fault), _) => Known::NotChecked(fault.why.clone()),
        };
        let directory =
            tenant.and_then(|tenant| Some(tenant.archive.destination.as_ref()?.location.uri_without_attributes()));
        let servers =
            self.read_if_visible(ViewId::Servers, ("WITH_ROOTSERVER", vec![FilterValue::Text("YES")]), "").await;
        let events =
            self.read_if_visible(ViewId::Events, ("MODULE", vec![FilterValue::Text("log_archive")]), EVENT_ORDER).await;
        Some(UnchangedArchive {
            has_round,
            directory,
            leader: known(&servers, |rows| rows.first().map(server)),
            events: match events {
                Ok(rows) => {
                    Known::Known(rows.iter().filter(|row| names_tenant(row, id)).take(MAX_EVENTS).map(event).collect())
                }
                Err(fault) => Known::NotChecked(fault.why),
            },
        })
    }

    async fn read_if_visible(
        &mut self,
        id: ViewId,
        filter: (&str, Vec<FilterValue<'_>>),
        order: &str,
    ) -> Result<Vec<Row>, Fault> {
        if !self.sees(id)? {
            let home = self.home()?.name.clone();
            let why = format!("they are not seen from the tenant {home}.");
            return Err(Fault::new(Cause::Rights, "A view is not seen.", why, "Log in as root@sys."));
        }
        self.read(id, &[filter], order).await
    }
}

fn tenant_filter(ids: &[u64]) -> (&'static str, Vec<FilterValue<'static>>) {
    (TENANT_ID, ids.iter().copied().map(FilterValue::Number).collect())
}

fn known<T>(rows: &Result<Vec<Row>, Fault>, of: impl FnOnce(&[Row]) -> Option<T>) -> Known<Option<T>> {
    match rows {
        Ok(rows) => Known::Known(of(rows)),
        Err(fault) => Known::NotChecked(fault.why.clone()),
    }
}

/// Returns the servers that tasks of the backup were scheduled on.
fn servers(rows: &[&Row]) -> Vec<String> {
    let mut servers: Vec<String> = rows
        .iter()
        .map(|row| word(row, "DESTINATION").trim_matches('"').to_owned())
        .filter(|at| !at.is_empty())
        .collect();
    servers.sort();
    servers.dedup();
    servers
}

fn archive(round: &Row, log_streams: &[&Row], now: Option<Scn>) -> ArchiveProgress {
    let behind = |row: &Row| {
        let checkpoint = number(row, "CHECKPOINT_SCN").filter(|scn| *scn > 0)?;
        Some(now?.seconds_since(Scn(checkpoint)))
    };
    let mut late: BTreeMap<u64, u64> = BTreeMap::new();
    for row in log_streams.iter().filter(|row| number(row, "ROUND_ID") == number(round, "ROUND_ID")) {
        if let (Some(stream), Some(seconds)) = (number(row, "LS_ID"), behind(row)) {
            late.insert(stream, seconds);
        }
    }
    // Where all are equally late, none is the slowest.
    let (least, most) = (late.values().min().copied(), late.iter().max_by_key(|(_, seconds)| **seconds));
    let slowest = most.filter(|(_, seconds)| Some(**seconds) > least).map(|(stream, seconds)| (*stream, *seconds));
    ArchiveProgress { status: word(round, "STATUS"), behind: behind(round), slowest, lag_target: None }
}

/// Returns when the start of the current backup was sent, by the server's clock.
fn start_of_backup(run: &StepContext<'_>, target: &TargetPlan, clock: Option<&ServerClock>) -> Option<BackupStart> {
    let clock = clock?;
    let at = clock.at(run.start_intent(&target.target)?.at);
    Some(BackupStart { at, zone: clock.time_zone.clone() })
}

/// The time of a start by the server's clock.
struct BackupStart {
    at: Scn,
    zone: ServerTimeZone,
}

impl BackupStart {
    /// Returns whether the event of a row is later, to the second; false where its time is not known.
    fn is_before(&self, row: &Row) -> bool {
        moment(row, "TIMESTAMP", &self.zone)
            .is_some_and(|event| event.0 / NANOS_PER_SECOND >= self.at.0 / NANOS_PER_SECOND)
    }
}

pub(super) fn items(row: &Row) -> impl Iterator<Item = (String, String)> + '_ {
    let pairs = ITEM_COLUMNS.iter().map(|(name, value)| (word(row, name), foreign(&text(row, value))));
    pairs.filter(|(name, value)| !name.is_empty() && !value.is_empty())
}

/// Returns whether an event names this tenant. The refusal of a child job uses another name for it (V4.2.0 to V4.3.1 source).
pub(super) fn names_tenant(row: &Row, tenant: u64) -> bool {
    let is_name = |name: &str| [TENANT_ID, "USER_TENANT_ID"].iter().any(|known| name.eq_ignore_ascii_case(known));
    items(row).any(|(name, value)| is_name(&name) && value == tenant.to_string())
}

/// Returns whether an event is about this tenant's backup: of its job, or at least not from before its start.
fn is_about(row: &Row, tenant: u64, job: Option<u64>, since: Option<&BackupStart>) -> bool {
    let named = |wanted: &str| items(row).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    if !names_tenant(row, tenant) {
        return false;
    }
    match (named("JOB_ID"), job) {
        (Some(named), Some(job)) if named != job.to_string() => false,
        _ => since.is_none_or(|since| since.is_before(row)),
    }
}

fn event(row: &Row) -> RootServiceEvent {
    let at = word(row, "TIMESTAMP");
    let at = at.split('.').next().unwrap_or_default().to_owned();
    RootServiceEvent { at, name: word(row, "EVENT"), items: items(row).collect() }
}
