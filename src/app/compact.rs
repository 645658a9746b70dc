//! The question before a major compaction that is requested for a task that needs one.

use crate::backend::oceanbase::{self, Dialect, ReleaseProfile, RunId};
use crate::domain::cluster_backup::CompactionFacts;
use crate::domain::confirmation::needs_name;
use crate::domain::facts::Facts;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, cluster_scope};
use crate::domain::step::StepKind;
use crate::domain::task::TaskView;

use super::AppContext;
use super::detect;
use super::tasks::Task;

/// What a person is shown before a compaction is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactionQuestion {
    /// The scope: `ALL 14 tenants of legacy-sh`.
    pub scope: String,
    /// `the last one took 1 h 52 min`.
    pub last_duration: String,
    /// What is sent.
    pub statements: Vec<String>,
    /// The name to type where the cluster is prod; None: yes is enough.
    pub required_name: Option<String>,
}

impl CompactionQuestion {
    /// Returns the question in one sentence.
    #[must_use]
    pub fn text(&self) -> String {
        format!("A major compaction of {}; {}. It may affect the business.", self.scope, self.last_duration)
    }
}

/// Whether a compaction may be asked for on a task: it has a target that has not passed the step, on a line that has one.
#[must_use]
pub fn can_compact(view: &TaskView) -> bool {
    let whole = view.prepared.as_ref().is_some_and(|prepared| prepared.plan.is_per_cluster);
    whole
        && view.targets.iter().any(|target| {
            let before = target.current().is_some_and(|step| step.kind <= StepKind::Compact);
            target.wants_retry() && (before || target.needs_new_backup())
        })
}

/// Detects the cluster and returns the question of a task; nothing is changed.
///
/// # Errors
/// The task is past the step or its line needs none; or the cluster cannot be asked.
pub async fn question(context: &AppContext, task: &Task) -> Result<CompactionQuestion, Fault> {
    let Some(prepared) = task.view.prepared.as_ref().filter(|_| can_compact(&task.view)) else {
        return Err(not_offered(task));
    };
    let cluster = context.cluster(&prepared.plan.cluster.name)?;
    let facts = detect::one(context, cluster).await?;
    let last_one =
        facts.cluster.cluster_backup.as_ref().and_then(|whole| whole.compaction.get()).map(CompactionFacts::last_one);
    let type_name = needs_name(cluster.environment.as_deref()).then(|| cluster.name.clone());
    Ok(CompactionQuestion {
        scope: cluster_scope(&facts),
        last_duration: last_one.unwrap_or_else(|| "how long the last one took is not known".to_owned()),
        statements: statements(&facts, task)?,
        required_name: type_name,
    })
}

fn statements(facts: &Facts, task: &Task) -> Result<Vec<String>, Fault> {
    let Some(line) = ReleaseProfile::for_version(&facts.cluster.version) else { return Err(not_offered(task)) };
    let words = Dialect { profile: line, scope: facts.cluster.scope };
    let of = RunId { task: task.id.as_str(), attempt: task.view.attempt + 1, part: None };
    let sent = oceanbase::render_action(words, &Action::Compact, &[], of)?;
    Ok(sent.iter().map(ToString::to_string).collect())
}

fn not_offered(task: &Task) -> Fault {
    let whole = task.view.prepared.as_ref().is_some_and(|prepared| prepared.plan.is_per_cluster);
    let why = if whole {
        "No target of it waits at that step or before it."
    } else {
        "Start cluster compact if necessary: not needed on V4."
    };
    Fault::new(
        Cause::Usage,
        format!("Task {} needs no major compaction.", task.id),
        why,
        format!("Go on without it: obnow retry {}.", task.id),
    )
}
