//! The server's look at the storage: one at a time for a cluster, shown before, audited like everything that is sent, and
//! never a reason for a step to fail.

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
    /// Has the server look for one target. What came of it is seen with the next look at the step.
    pub(super) async fn look_at_storage(
        &mut self,
        kind: StepKind,
        action: &Action,
        target: &TargetPlan,
    ) -> Result<(), Fault> {
        let name = target.target.clone();
        let vain = match self.turn().await? {
            Some(_turn) => {
                self.act_once(kind, action, std::slice::from_ref(target), std::slice::from_ref(&name)).await?
            }
            None => Some(Fault::new(
                Cause::Busy,
                "Another look at a storage of this cluster still runs.",
                "Its servers are asked by one at a time.",
                "Ask later with: obnow prove.",
            )),
        };
        if let Some(fault) = vain {
            self.system.looked_in_vain(&name, &fault);
        }
        Ok(())
    }

    /// The turn to ask, when nobody else on this host asks the same cluster; None: it did not come within the limit.
    async fn turn(&self) -> Result<Option<locks::Turn>, Fault> {
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

    /// Whether these statements were shown for that step of one of the targets. The number of the attempt may differ.
    pub(super) fn was_shown(&self, kind: StepKind, names: &[TargetName], statements: &[String]) -> bool {
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
