//! The storage proof: one at a time per cluster, confirmed before, audited like every action, and never a reason for a step to
//! fail.

use std::time::Duration;

use tokio::time::Instant;

use super::Runner;
use crate::backend::oceanbase::RunId;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, TargetPlan};
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::journal::locks;

impl Runner {
    /// Requests the storage proof of one target. The next observation of the step has its result.
    pub(super) async fn prove_storage(
        &mut self,
        kind: StepKind,
        action: &Action,
        target: &TargetPlan,
    ) -> Result<(), Fault> {
        let name = target.target.clone();
        let vain = match self.turn().await? {
            Some(_turn) => {
                self.run_action(kind, action, std::slice::from_ref(target), std::slice::from_ref(&name)).await?
            }
            None => Some(Fault::new(
                Cause::Busy,
                "Another look at a storage of this cluster still runs.",
                "Its servers are asked by one at a time.",
                "Ask later with: obnow prove.",
            )),
        };
        if let Some(fault) = vain {
            self.system.record_proof_failure(&name, &fault);
        }
        Ok(())
    }

    /// Waits for the proof lock of the cluster on this host; `None` where it was not free within the limit.
    async fn turn(&self) -> Result<Option<locks::ProofLock>, Fault> {
        let cluster = &self.prepared.plan.cluster;
        let cluster = cluster.id.map_or_else(|| cluster.name.clone(), |id| id.to_string());
        let until = Instant::now() + Duration::from_millis(self.limits.proof);
        loop {
            match locks::turn(&self.state, &cluster)? {
                None if Instant::now() < until => tokio::time::sleep(Duration::from_millis(self.limits.poll)).await,
                turn => return Ok(turn),
            }
        }
    }

    /// Returns whether these statements were in the confirmed preview of that step for one of the targets. The number of the
    /// attempt may differ.
    pub(super) fn was_previewed(&self, kind: StepKind, names: &[TargetName], statements: &[String]) -> bool {
        let run = |attempt| RunId { task: self.task.as_str(), attempt, part: None }.variable();
        let (present, first) = (run(self.view.attempt), run(1));
        let first = |statement: &String| statement.replace(&present, &first);
        self.prepared.preview.iter().any(|step| {
            step.step == kind
                && names.contains(&step.target)
                && statements.iter().all(|statement| step.statements.contains(&first(statement)))
        })
    }
}
