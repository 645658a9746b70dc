//! Diagnoses below V4 why a step makes no progress: events of the root service, the cluster's archive, and the servers at work.

use super::super::OceanBase;
use super::super::parse::Parameters;
use super::super::release_profile::{TENANT_ID, ViewId};
use super::super::rows::{self as v4_rows, word};
use super::super::session::{Row, number};
use super::super::stall::items;
use super::super::view_reader::FilterValue;
use super::detect::lag_target;
use super::rows::{self, CLUSTER};
use crate::backend::StepContext;
use crate::domain::facts::Known;
use crate::domain::plan::TargetPlan;
use crate::domain::restorable::Round;
use crate::domain::scn::Scn;
use crate::domain::stall::{ArchiveProgress, RootServiceEvent, Stall};
use crate::domain::step::StepKind;

/// Order and limit of the running parts that are read for the names of their servers.
const PART_ORDER: &str = "SVR_IP, SVR_PORT LIMIT 200";

impl OceanBase {
    /// Diagnoses why these targets make no progress.
    pub(in super::super) async fn diagnose_cluster_stall(
        &mut self,
        run: &StepContext<'_>,
        step: StepKind,
        stuck: &[(&TargetPlan, &str)],
    ) -> Vec<Stall> {
        let of_archive =
            matches!(step, StepKind::SetDestination | StepKind::StartArchiving | StepKind::ConfirmRestorable);
        let module = if of_archive { "log_archive" } else { "backup" };
        let events =
            self.read(ViewId::Events, &[("MODULE", vec![FilterValue::Text(module)])], "GMT_CREATE DESC LIMIT 1").await;
        let event = match events {
            Ok(rows) => Known::Known(rows.first().map(event)),
            Err(fault) => Known::NotChecked(fault.why),
        };
        let cluster = (TENANT_ID, vec![FilterValue::Number(CLUSTER)]);
        let rounds = self.read(ViewId::ArchiveRounds, &[cluster], "LOG_ARCHIVE_ROUND").await;
        let parameters = self.parameters().await.ok();
        let clock = self.clock.clone();
        let archive = match rounds {
            Err(fault) => Known::NotChecked(fault.why),
            Ok(rows) => Known::Known(rows.last().zip(clock.as_ref()).and_then(|(row, clock)| {
                let round = rows::round(row, &clock.time_zone).ok()?;
                Some(stand(&round, clock.at(run.now), parameters.as_ref()))
            })),
        };
        let ids = (TENANT_ID, stuck.iter().map(|(target, _)| FilterValue::Number(target.tenant.id)).collect());
        let doing = ("STATUS", vec![FilterValue::Text("DOING")]);
        let parts = self.read(ViewId::BrokenParts, &[ids, doing], PART_ORDER).await.unwrap_or_default();
        let hanging = self.hanging(stuck).await;
        stuck
            .iter()
            .map(|(target, _)| Stall {
                clock: clock.clone(),
                servers: servers(&parts, target.tenant.id),
                archive: archive.clone(),
                event: event.clone(),
                hanging: hanging.clone(),
            })
            .collect()
    }
}

/// Returns the state of the archive at a time of the server's clock.
pub(super) fn stand(round: &Round, now: Scn, parameters: Option<&Parameters>) -> ArchiveProgress {
    let behind = (round.checkpoint.0 != 0).then(|| now.seconds_since(round.checkpoint));
    ArchiveProgress {
        status: round.status.to_string(),
        behind,
        slowest: None,
        lag_target: parameters.and_then(lag_target),
    }
}

/// Returns the servers that work on a tenant.
fn servers(parts: &[Row], tenant: u64) -> Vec<String> {
    let own = parts.iter().filter(|row| number(row, TENANT_ID) == Some(tenant));
    let mut servers: Vec<String> = own.map(v4_rows::server).collect();
    servers.dedup();
    servers
}

fn event(row: &Row) -> RootServiceEvent {
    let at = word(row, "GMT_CREATE");
    let at = at.split('.').next().unwrap_or_default().to_owned();
    RootServiceEvent { at, name: word(row, "EVENT"), items: items(row).collect() }
}
