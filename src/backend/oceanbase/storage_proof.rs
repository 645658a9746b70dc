//! The storage proof (R10): `RESTORE .. PREVIEW` and its result, over one connection to an observer.

use std::time::Duration;

use tokio::time::Instant;

use super::release_profile::ViewId;
use super::session::{Failure, Row, WritingSession, number, text};
use super::view_reader::FilterValue;
use super::{OceanBase, render};
use crate::backend::system::{Execution, PreparedAction};
use crate::backend::{Observed, StepObservation};
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::outcome::{Assessment, VerdictKind, other_backups};
use crate::domain::plan::{Action, TargetPlan};
use crate::domain::proof::{Evidence, Proof, ProofAnswer, apply_proof};
use crate::domain::restorable::{self, BackupSet};
use crate::domain::scn::Scn;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::time_zone::ServerTimeZone;

/// The state of the storage proof of one target.
#[derive(Debug, Clone)]
pub(in crate::backend) struct ProofState {
    /// The set and the sets it is based on.
    needed: Vec<u64>,
    /// The restore point that is requested.
    until: Scn,
    /// When the server was last asked.
    asked: Instant,
    /// The result, once there is one.
    looked: Option<ProofAnswer>,
}

/// Returns the observation for an assessed set.
fn observed_assessment(judged: Assessment) -> Observed {
    match judged {
        Assessment::Final(outcome) => StepObservation::Verdict(outcome),
        Assessment::Pending { what, at_least, interim: meanwhile } => {
            StepObservation::Pending { what, at_least, outcome: meanwhile }
        }
    }
    .into()
}

impl OceanBase {
    /// Combines the assessment of a set by the views with the storage proof, where the plan has one.
    pub(super) fn proven(
        &mut self,
        target: &TargetPlan,
        tenant: &TenantFacts,
        (set, zone): (u64, &ServerTimeZone),
        judged: Assessment,
    ) -> Observed {
        let planned: Vec<&Action> = target.step(StepKind::ConfirmRestorable).map_or_else(Vec::new, |step| {
            step.actions.iter().filter(|action| matches!(action, Action::ProveOnStorage { .. })).collect()
        });
        if planned.is_empty() {
            return observed_assessment(judged.unproven(target.proof_why.clone()));
        }
        let name = &target.target;
        let known = self.looks.get(name).and_then(|looking| Some((looking.looked.clone()?, looking.asked)));
        let by_views = judged.outcome().verdict;
        match known {
            Some((looked, asked))
                if !matches!(looked, ProofAnswer::Lacks(_))
                    || by_views != VerdictKind::Restorable
                    || asked.elapsed() < self.connection.limits.proof_interval() =>
            {
                let others = || other_backups(tenant, set, zone);
                return observed_assessment(apply_proof(
                    judged,
                    &looked,
                    name,
                    tenant.archive.expected_archive_delay(),
                    others,
                ));
            }
            _ => {}
        }
        if by_views != VerdictKind::Restorable {
            let why = if by_views == VerdictKind::NotYetRestorable {
                "the views show no window yet"
            } else {
                "the views show already what is missing"
            };
            return observed_assessment(judged.unproven(Some(why.to_owned())));
        }
        match self.aim(name, tenant, set, &planned) {
            Ok(action) => StepObservation::NeedsAction(action.clone()).into(),
            Err(why) => observed_assessment(judged.unproven(Some(why))),
        }
    }

    /// Sets the restore point and the required sets of a proof, and selects the planned action that fits.
    ///
    /// # Errors
    /// Why none fits.
    pub(in crate::backend) fn aim<'a>(
        &mut self,
        name: &TargetName,
        tenant: &TenantFacts,
        set: u64,
        questions: &[&'a Action],
    ) -> Result<&'a Action, String> {
        let set = tenant.sets.iter().find(|other| other.id == set).ok_or("the set is in no view any more")?;
        let needed = restorable::chain(set, &tenant.sets).unwrap_or_else(|_| vec![set.id]);
        let pieces = tenant.archive.known_pieces();
        let by_log = restorable::log_covers(set, pieces, tenant.archive.known_rounds()) || !set.plus_archivelog;
        let fits =
            |action: &&&'a Action| matches!(action, Action::ProveOnStorage { log, .. } if log.is_some() == by_log);
        let action =
            *questions.iter().find(fits).ok_or("the question that was confirmed is about another kind of set")?;
        let Action::ProveOnStorage { data, log, .. } = action else { return Err("nothing was asked".to_owned()) };
        check_directories(set, tenant, data, log.as_ref())?;
        let looking = ProofState { needed, until: point(set)?, asked: Instant::now(), looked: None };
        self.looks.insert(name.clone(), looking);
        Ok(action)
    }

    /// Returns the result of the last proof of a target.
    #[must_use]
    pub fn looked(&self, name: &TargetName) -> Option<ProofAnswer> {
        self.looks.get(name)?.looked.clone()
    }

    /// Records that a proof was not requested, and why.
    pub fn looked_in_vain(&mut self, name: &TargetName, fault: &Fault) {
        if let Some(looking) = self.looks.get_mut(name).filter(|looking| looking.looked.is_none()) {
            looking.looked = Some(ProofAnswer::refused(fault));
        }
    }

    /// Prepares a proof over one connection to an observer, with a time limit of its own.
    pub(super) async fn open_proof(
        &mut self,
        action: &Action,
        name: &TargetName,
        task: &str,
        attempt: u32,
    ) -> Result<PreparedAction, Fault> {
        let Action::ProveOnStorage { access_key, decrypt, .. } = action else {
            return Err(self.internal_fault("a look that is none"));
        };
        let lacks_key = access_key.is_some() && self.secrets.access_key.is_none();
        if lacks_key || self.secrets.decryption.len() < decrypt.len() {
            let which = if lacks_key { "the access key of the storage" } else { "the passwords of the sets" };
            return Err(not_asked_fault(name, format!("This run was not given {which}.")));
        }
        let until = self.looks.get(name).map(|looking| looking.until);
        let until = until.ok_or_else(|| self.internal_fault("a look at the storage without its point"))?;
        let statements =
            render::render_proof(self.words()?, action, until, render::RunId { task, attempt, part: None })?;
        let session = match self.look_session.take() {
            Some(session) => session,
            None => self.open_proof_session(name).await?,
        };
        if let Some(looking) = self.looks.get_mut(name) {
            looking.asked = Instant::now();
        }
        Ok(PreparedAction::looking(session, statements, name.clone()))
    }

    /// Opens a direct connection to an observer, with a time limit of its own.
    async fn open_proof_session(&mut self, name: &TargetName) -> Result<WritingSession, Fault> {
        let mut session = self.open_verified_session().await?;
        if self.is_direct(session.id).await != Some(true) {
            let why = "The connection does not lead straight to an observer, and what is asked and its answer must stay on one.";
            return Err(not_asked_fault(name, why.to_owned()));
        }
        session.set_limit(Duration::from_millis(self.connection.limits.proof)).await?;
        Ok(session)
    }

    /// Prepares a proof outside of a task.
    ///
    /// # Errors
    /// The proof is not requested, and why.
    pub async fn prepare_proof(
        &mut self,
        name: &TargetName,
        tenant: &TenantFacts,
        set: u64,
        action: &Action,
    ) -> Result<PreparedAction, Fault> {
        self.ensure_session().await?;
        self.aim(name, tenant, set, &[action])
            .map_err(|why| not_asked_fault(name, format!("It was not asked: {why}.")))?;
        self.open_proof(action, name, "", 1).await
    }

    /// Prepares a proof below V4: by the cluster's one destination, as a restore into a tenant that does not exist.
    ///
    /// # Errors
    /// The proof is not requested, and why.
    pub async fn prepare_cluster_proof(
        &mut self,
        name: &TargetName,
        facts: &Facts,
        tenant: &TenantFacts,
        set: u64,
        data: &Destination,
    ) -> Result<PreparedAction, Fault> {
        self.ensure_session().await?;
        let unasked = |why: &str| not_asked_fault(name, why.to_owned());
        let set = tenant.sets.iter().find(|other| other.id == set).ok_or_else(|| unasked("Its set is in no view."))?;
        let (Some(cluster), Some(id)) = (&facts.cluster.server_name, facts.cluster.id) else {
            return Err(unasked("The servers do not say the cluster's name and id."));
        };
        let needed = restorable::chain(set, &tenant.sets).unwrap_or_else(|_| vec![set.id]);
        let until = point(set).map_err(|why| unasked(&format!("It was not asked: {why}.")))?;
        let looking = ProofState { needed, until, asked: Instant::now(), looked: None };
        // The point is read in the session's zone (V3.1.5 source, `ObPhysicalRestoreTenantResolver`), which is set to this.
        let local = until.to_local(&ServerTimeZone::fixed(0));
        let time = local.rsplit_once(' ').map_or(local.as_str(), |(time, _)| time);
        let asked = render::ClusterProofRequest {
            new_tenant: unused_tenant_name(facts),
            tenant: &tenant.name,
            data,
            time: format!("{time}.{:06}", until.0 / 1_000 % 1_000_000),
            options: format!("backup_cluster_name={cluster}&backup_cluster_id={id}"),
            passwords: self.secrets.decryption.len(),
        };
        let statements = render::render_cluster_proof(self.words()?, &asked)?;
        self.looks.insert(name.clone(), looking);
        let mut session = self.open_verified_session().await?;
        if self.is_direct(session.id).await == Some(false) {
            return Err(unasked("The connection leads through a proxy."));
        }
        session.rows("SET SESSION time_zone = '+00:00'").await.map_err(|failure| failure.fault)?;
        session.set_limit(Duration::from_millis(self.connection.limits.proof)).await?;
        Ok(PreparedAction::looking(session, statements, name.clone()))
    }

    /// Executes a prepared proof.
    ///
    /// # Errors
    /// The server refused, or did not answer; [`OceanBase::looked`] has what that means.
    pub async fn execute_proof(&mut self, act: PreparedAction) -> Result<(), Failure> {
        match act.execution {
            Execution::Statements(pending) => self.perform(*pending).await,
            Execution::StartDump(_) | Execution::StopDump => Ok(()),
        }
    }

    /// Returns whether a connection leads directly to an observer: the servers list it without a proxy session. `None` where
    /// they do not say.
    pub(super) async fn is_direct(&mut self, id: u64) -> Option<bool> {
        let rows = self.read(ViewId::Connections, &[("ID", vec![FilterValue::Number(id)])], "").await;
        self.is_direct_from_rows(rows)
    }

    /// Returns whether a connection is direct, from its rows.
    pub(super) fn is_direct_from_rows(&self, rows: Result<Vec<Row>, Fault>) -> Option<bool> {
        if !self.sees(ViewId::Connections).ok()? {
            // Before V4 an observer takes no login with a cluster's name in it.
            return self.connection.user.contains('#').then_some(false);
        }
        let rows = rows.ok()?;
        Some(rows.first().is_some_and(|row| number(row, "PROXY_SESSID").is_none_or(|proxy| proxy == 0)))
    }

    /// Sends the statements of a proof; the rows of the last one are its result.
    pub(super) async fn send_proof(
        &mut self,
        session: &mut WritingSession,
        statements: &[super::Statement],
        name: &TargetName,
    ) -> Result<(), Failure> {
        let answer = async {
            let mut rows = Vec::new();
            for statement in statements {
                rows = session.send_for_rows(statement, &self.secrets).await?;
            }
            Ok(rows)
        };
        let answer: Result<Vec<Row>, Failure> = answer.await;
        if let Some(looking) = self.looks.get_mut(name) {
            looking.asked = Instant::now();
            looking.looked = Some(match &answer {
                Ok(rows) => parse_proof(looking, rows),
                Err(failure) => ProofAnswer::refused(&failure.fault),
            });
        }
        answer.map(drop)
    }
}

/// Parses the rows of a proof. A row of an unknown type is neither a set nor a piece.
fn parse_proof(looking: &ProofState, rows: &[Row]) -> ProofAnswer {
    let of = |kind: &str| {
        rows.iter().filter(|row| text(row, "BACKUP_TYPE") == kind).filter_map(|row| number(row, "BACKUP_ID")).collect()
    };
    let (sets, pieces) = (of("BACKUP_SET"), of("BACKUP_PIECE"));
    let proof = Proof { at: super::now(), by: Evidence::Media, until_scn: looking.until, sets, pieces };
    ProofAnswer::listed(proof, &looking.needed)
}

/// Returns the earliest point that a set can be restored to, which a proof requests.
///
/// # Errors
/// No view has it: 0 is not a point.
fn point(set: &BackupSet) -> Result<Scn, String> {
    let known = Some(set.min_restore).filter(|point| *point > Scn(0));
    known.ok_or_else(|| format!("no view says the earliest point that set {} can be restored to", set.id))
}

/// Refuses a set whose data or log is not in the confirmed directories.
fn check_directories(
    set: &BackupSet,
    tenant: &TenantFacts,
    data: &Destination,
    log: Option<&Destination>,
) -> Result<(), String> {
    let at =
        |path: &str, place: &Destination| Destination::parse_server(path).is_ok_and(|path| path.is_same_path(place));
    if !at(&set.path, data) {
        return Err(format!("the set lies in {}, and {} was confirmed", set.path, data.uri_without_attributes()));
    }
    let covering = restorable::covering(set.start_replay, tenant.archive.known_rounds());
    match (log, covering) {
        (Some(log), Some(round)) if !round.path.is_empty() && !at(&round.path, log) => {
            Err(format!("its log lies in {}, and {} was confirmed", round.path, log.uri_without_attributes()))
        }
        _ => Ok(()),
    }
}

/// Returns a name that no tenant has.
fn unused_tenant_name(facts: &Facts) -> String {
    let free = |name: &String| facts.tenants.iter().all(|tenant| !tenant.name.eq_ignore_ascii_case(name));
    (0..=facts.tenants.len()).map(|number| format!("obnow_look_{number}")).find(free).unwrap_or_default()
}

fn not_asked_fault(name: &TargetName, why: String) -> Fault {
    let what = format!("The server was not asked to look at the storage of {name}.");
    Fault::new(Cause::Precondition, what, why, "Ask it by hand, or with: obnow prove.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::samples::full;

    #[test]
    fn set_without_restore_point_has_no_proof() {
        let set = full(7);
        assert_eq!(point(&set), Ok(set.min_restore));
        let unread = BackupSet { min_restore: Scn(0), ..set };
        assert_eq!(point(&unread), Err("no view says the earliest point that set 7 can be restored to".to_owned()));
    }
}
