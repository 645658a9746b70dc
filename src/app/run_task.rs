//! The runner process: reads the launch payload, takes the locks, writes the journal, replies, and runs the task.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::context::backend_for;
use super::launch::{BUSY, LaunchPayload, LaunchRequest, REFUSED, STARTED};
use super::object_store::object_store_for;
use crate::backend::oceanbase::OceanBase;
use crate::backend::{InheritLocks, Secrets};
use crate::domain::connection::Connection;
use crate::domain::fault::{Cause, Fault};
use crate::domain::secret::Secret;
use crate::domain::target::TargetName;
use crate::domain::task::{Event, Prepared, TaskView};
use crate::journal::Writer;
use crate::journal::clock::now;
use crate::journal::heartbeat;
use crate::journal::locks::{self, Claim, HeldLocks, LockResult, Owner};
use crate::journal::reader;
use crate::journal::tasks::TaskId;
use crate::runner::Runner;

/// What a runner needs after it has accepted the launch.
struct RunnerSetup {
    /// The locks; or who has them, where that is what this task itself left behind.
    held: Result<Arc<HeldLocks>, Fault>,
    writer: Writer<Event>,
    view: TaskView,
    system: crate::backend::System,
    /// A major compaction was asked for.
    compact_first: bool,
}

/// Runs `obnow run-task ID`: standard input is the parcel, standard output gets one line. The process must have left
/// the session of its face before.
///
/// # Errors
/// What it could not say on standard output any more.
pub async fn run(state: &Path, id: &str, input: impl Read, mut output: impl Write) -> Result<(), Fault> {
    let taken = accept_launch(state, id, input);
    let (line, taken) = match taken {
        Ok(Ok(taken)) => (STARTED.to_owned(), Some(taken)),
        Ok(Err(busy)) => (reply_line(BUSY, &busy), None),
        Err(fault) => (reply_line(REFUSED, &fault), None),
    };
    let task: TaskId = id.parse().map_err(|_| invalid_task(id))?;
    let mut held = None;
    // Before the face is told: whoever follows the task then finds this process in the journal, and not the one before it.
    let runner = taken.map(|taken| {
        held = Some(taken.held);
        let runner = Runner::new(state.to_path_buf(), task.clone(), taken.writer, taken.view, taken.system)?;
        let mut runner = runner.compacting(taken.compact_first);
        runner.begin().map(|()| runner)
    });
    // A face that is gone does not stop a task that was handed over.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
    drop(output);
    let outcome = match runner {
        None => return Ok(()),
        Some(Err(fault)) => Err(fault),
        // In a task of its own: a panic in it is said like any other reason to stop.
        Some(Ok(runner)) => tokio::spawn(runner.run()).await.unwrap_or_else(|_| Err(runner_panicked(id))),
    };
    if let Err(fault) = &outcome {
        // The journal takes nothing more. If this place does not either, the runner is just gone.
        let _ = heartbeat::write_exit_message(state, &task, fault);
    }
    drop(held);
    outcome.map(drop)
}

fn reply_line(word: &str, fault: &Fault) -> String {
    format!("{word} {}", serde_json::to_string(fault).unwrap_or_default())
}

fn invalid_task(id: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{id} is not a task."),
        "Ids are made by obnow.",
        "List the tasks with: obnow tasks.",
    )
}

/// Reads the launch payload, takes the locks, and opens the journal. `Ok(Err)`: another task holds the locks.
fn accept_launch(state: &Path, id: &str, mut input: impl Read) -> Result<Result<RunnerSetup, Fault>, Fault> {
    let task: TaskId = id.parse().map_err(|_| invalid_task(id))?;
    let mut text = Zeroizing::new(Vec::new());
    input.read_to_end(&mut text).map_err(|error| invalid_payload(&error.to_string()))?;
    let parcel: LaunchPayload =
        serde_json::from_slice(&text).map_err(|_| invalid_payload("it is not what a face hands over"))?;
    drop(text);
    let secret = |text: Option<Zeroizing<String>>| text.map(|text| Secret::new((*text).clone()));
    let secrets = Secrets {
        login: secret(parcel.login),
        access_key: secret(parcel.access_key),
        encryption: secret(parcel.encryption),
        decryption: parcel.decryption.into_iter().filter_map(|text| secret(Some(text))).collect(),
    };
    let compact_first = matches!(parcel.request, LaunchRequest::ResumeWithCompaction);
    let (prepared, connection, created) = match parcel.request {
        LaunchRequest::Start { prepared, connection, by } => {
            let created = Event::Created { prepared: prepared.clone(), connection: connection.clone(), by };
            (prepared, connection, Some(created))
        }
        LaunchRequest::Resume | LaunchRequest::ResumeWithCompaction => {
            let view = read_task(state, &task)?;
            view.may_go_on(id)?;
            match (view.prepared, view.connection) {
                (Some(prepared), Some(connection)) => (prepared, connection, None),
                _ => return Err(invalid_task(id)),
            }
        }
    };
    let owner = Owner::here(&task, now());
    let held = match acquire_locks(state, &[claim(&prepared, &connection)], &owner)? {
        LockResult::Held(held) => Ok(Arc::new(held)),
        // What this very task started still runs and holds them: it is waited for. The journal keeps other runners away.
        LockResult::Busy(busy) if busy.owner.as_ref().is_some_and(|owner| owner.task == task && !owner.alive()) => {
            Err(busy.fault())
        }
        LockResult::Busy(busy) => return Ok(Err(busy.fault())),
    };
    let mut view = TaskView::default();
    let writer = if let Some(created) = created {
        let at = now();
        let mut writer = Writer::create(state, &task, at)?;
        writer.append(at, &created, true)?;
        view.apply(at, &created);
        writer
    } else {
        let writer = Writer::open(state, &task, now())?;
        view = read_task(state, &task)?;
        writer
    };
    let limit = Duration::from_millis(connection.limits.statement);
    let storage = object_store_for(&prepared.plan, secrets.access_key.as_ref(), limit);
    let mut system = backend_of(&prepared, *connection, secrets)?;
    if let Some(storage) = storage {
        system.set_object_store(storage);
    }
    system.set_inherited_locks(lock_inheritance(held.clone()));
    Ok(Ok(RunnerSetup { held, writer, view, system, compact_first }))
}

/// Tries for the locks. Who holds one says so a moment after he got it, and may be about to give it back: where nobody is
/// named, the try is repeated for that moment.
fn acquire_locks(state: &Path, claims: &[Claim], owner: &Owner) -> Result<LockResult, Fault> {
    for _ in 0..50 {
        match locks::take(state, claims, owner)? {
            LockResult::Busy(busy) if busy.owner.is_none() => std::thread::sleep(Duration::from_millis(10)),
            taken => return Ok(taken),
        }
    }
    locks::take(state, claims, owner)
}

/// Returns the locks as child processes inherit them; an error where they are not held: nothing may be started then.
fn lock_inheritance(held: Result<Arc<HeldLocks>, Fault>) -> InheritLocks {
    Box::new(move || held.as_ref().map_err(Clone::clone)?.inheritable())
}

fn runner_panicked(id: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        format!("The runner of task {id} broke off."),
        "This is a mistake in obnow.",
        "Report it with the journal of the task.",
    )
}

fn invalid_payload(why: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        "The runner was not given its task.",
        format!("Its standard input cannot be read: {why}."),
        "Start the backup with: obnow backup.",
    )
}

fn read_task(state: &Path, task: &TaskId) -> Result<TaskView, Fault> {
    let journal = reader::read::<Event>(state, task)?;
    Ok(TaskView::of_lines(journal.entries.iter().map(|entry| (entry.at, &entry.event))))
}

/// What the task works on: the cluster by its id and its creation, a tenant's own login by its tenant's. Where no cluster id
/// is seen (an engine without one, a tenant's own login) the place where it listens stands for it; a login that sees the id
/// then takes other locks, and what the servers show keeps them apart.
pub(super) fn claim(prepared: &Prepared, connection: &Connection) -> Claim {
    let plan = &prepared.plan;
    let cluster = plan.cluster.id.map_or_else(
        || {
            let endpoint = connection.endpoints.first().map_or("", String::as_str);
            endpoint.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
        },
        |id| id.to_string(),
    );
    let whole = plan.choices.targets.iter().any(|target| target.tenant().is_none());
    let tenants = if whole { Vec::new() } else { plan.targets.iter().map(|target| target.tenant.id).collect() };
    Claim::known(cluster, plan.cluster.created, tenants)
}

fn backend_of(prepared: &Prepared, connection: Connection, secrets: Secrets) -> Result<crate::backend::System, Fault> {
    let name = &prepared.plan.cluster.name;
    let target = TargetName::cluster_named(name).map_err(|_| invalid_task(name))?;
    Ok(backend_for(OceanBase::new(target, None, connection, secrets), prepared.plan.method))
}
