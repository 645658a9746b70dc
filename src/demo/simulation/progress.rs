//! Computes the progress of a job from the work done.

use crate::demo::fleet::Cluster;
use crate::demo::release_line::PhaseWork;

use super::phase_length;

/// The progress of a tenant's job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tablets in all.
    pub tablets: i64,
    /// Tablets done.
    pub finished_tablets: i64,
    /// Macro blocks of 2 MB known so far: the count grows when the major data is reached.
    pub blocks: i64,
    /// Macro blocks done.
    pub finished_blocks: i64,
}

/// Returns how much of the present phase is done, in thousandths.
#[must_use]
pub fn phase_permille(cluster: &Cluster, index: usize) -> i64 {
    let all_work = phase_length(cluster, &[], index).unwrap_or(1).max(1);
    (cluster.jobs[index].work_done * 1000 / all_work).clamp(0, 1000)
}

/// Computes the progress of a tenant's job from the work done; the fleet must have been advanced to the present.
#[must_use]
pub fn progress(cluster: &Cluster, index: usize) -> Progress {
    let job = &cluster.jobs[index];
    let Some(tenant) = cluster.tenant_by_id(job.tenant_id) else { return Progress::default() };
    let Some(set) = tenant.sets.iter().find(|set| set.id == job.set_id) else { return Progress::default() };
    let permille = phase_permille(cluster, index);
    let tablets = 200 + tenant.megabytes / 20;
    let phases = cluster.line.phases;
    let early = if phases.iter().any(|(_, _, work)| *work == PhaseWork::FirstBlocks) { set.blocks / 5 } else { 0 };
    let (finished_tablets, blocks, finished_blocks) = match phases[job.phase].2 {
        PhaseWork::Queued | PhaseWork::Uncounted => (0, 0, 0),
        PhaseWork::Tablets => (tablets * permille / 1000, 0, 0),
        PhaseWork::TabletsDone => (tablets, 0, 0),
        PhaseWork::FirstBlocks => (tablets, set.blocks * 4 / 5, early * permille / 1000),
        PhaseWork::RemainingBlocks => {
            // Without a phase of their own the tablets, or partitions, are done along with their blocks.
            let counted = phases.iter().any(|(_, _, work)| *work == PhaseWork::Tablets);
            let finished = if counted { tablets } else { tablets * permille / 1000 };
            (finished, set.blocks, early + (set.blocks - early) * permille / 1000)
        }
        PhaseWork::AfterData | PhaseWork::BeforeLog | PhaseWork::Log => (tablets, set.blocks, set.blocks),
    };
    Progress { tablets, finished_tablets, blocks, finished_blocks }
}
