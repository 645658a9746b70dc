//! Starts a dump: renders its command for the preview, prepares the start, and executes it once.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use super::command::command_line;
use super::process::{DumpProcess, SESSION_LIMIT};
use super::releases::{self, Tool};
use super::run_paths::RunPaths;
use super::service::find_tool;
use super::start_record::StartRecord;
use super::system::{DumpSystem, internal_fault};
use super::upload::RunObjects;
use super::{Login, directory, queries, run_blocking};
use crate::backend::StepContext;
use crate::backend::oceanbase::session::{Failure, read_endpoint};
use crate::backend::system::{Execution, PreparedAction};
use crate::domain::connection::TlsMode;
use crate::domain::dump::ExcludedTables;
use crate::domain::endpoint::Endpoint;
use crate::domain::facts::{BackupServiceFacts, Facts, JobFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Need, Plan, TargetPlan};
use crate::domain::secret::Secret;
use crate::domain::task::PreviewStep;

/// A prepared dump that has not been started yet.
pub struct PendingDump {
    tool: Tool,
    paths: RunPaths,
    /// The directory that must already exist; `None` where it may be created.
    required_base: Option<PathBuf>,
    login: Login,
    /// The start record; its server time is read right before the start.
    start_record: StartRecord,
}

/// Renders the steps of a plan from the facts it was made from, with the command of the first attempt.
///
/// # Errors
/// The backup service is not there, or a directory that is no place for a dump.
pub fn preview(facts: &Facts, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
    match &facts.cluster.backup_service {
        Some(BackupServiceFacts::Ready { release, path }) => {
            render_steps(Path::new(path), releases::parse_release(release)?, plan, task)
        }
        Some(BackupServiceFacts::Missing(fault)) => Err(fault.clone()),
        None => Err(Fault::new(
            Cause::Internal,
            format!("A dump of {} cannot be shown.", facts.cluster.target),
            "Nobody looked for the backup service.",
            "Look at the target again.",
        )),
    }
}

fn render_steps(
    program: &Path,
    release: &releases::Release,
    plan: &Plan,
    task: &str,
) -> Result<Vec<PreviewStep>, Fault> {
    let steps = plan.targets.iter().flat_map(|target| target.steps.iter().map(move |step| (target, step)));
    steps
        .map(|(target, step)| {
            let statements = step.actions.iter().map(|action| match action {
                Action::Upload { destination, .. } => {
                    let to = RunObjects::for_run(destination, &format!("{task}.1")).display_uri;
                    Ok(format!("PUT {to}<every file, {} last>", super::manifest::MANIFEST_NAME))
                }
                action => {
                    let start = planned_start(action)?;
                    let place = RunPaths::for_attempt(start.directory, task, 1)?;
                    Ok(command_line(program, release.options, &place.partial(), start.exclude))
                }
            });
            Ok(PreviewStep {
                target: target.target.clone(),
                step: step.kind,
                needed: matches!(step.need, Need::Needed),
                statements: statements.collect::<Result<_, Fault>>()?,
                effect: step.effect.clone(),
                interrupts: step.interrupts.clone(),
            })
        })
        .collect()
}

/// The start of a dump as the plan describes it.
pub(super) struct PlannedStart<'a> {
    /// The destination directory of the plan; it may contain the variable of the run.
    pub(super) directory: &'a str,
    /// Tables and databases that are left out.
    pub(super) exclude: &'a ExcludedTables,
    /// The directory that existed when the plan was confirmed; `None` where it may be created.
    pub(super) required_base: Option<PathBuf>,
}

/// Returns the start that an action describes; an error for any other action.
pub(super) fn planned_start(action: &Action) -> Result<PlannedStart<'_>, Fault> {
    match action {
        Action::StartDump { directory, exclude, makes } => {
            let base = (*makes == Some(false)).then(|| RunPaths::base_directory(directory));
            Ok(PlannedStart { directory, exclude, required_base: base })
        }
        _ => Err(internal_fault("an act of a physical backup")),
    }
}

impl DumpSystem {
    /// Prepares the action that ends the running dump or its upload; `None` where neither runs.
    pub(in crate::backend) fn prepare_cancel(
        &self,
        run: &StepContext<'_>,
        targets: &[&TargetPlan],
    ) -> Option<PreparedAction> {
        let shown = if let Some(shown) = Self::upload_cancel_text(run, targets) {
            shown
        } else {
            let dump = self.dump.as_ref()?;
            format!("kill the dump {}, process {}", dump.record().run, dump.record().pid)
        };
        Some(PreparedAction {
            shown_statements: vec![shown],
            confirmed_statements: None,
            description: None,
            highest_job: None,
            connection: None,
            server: "this host".to_owned(),
            server_limit_ms: 0,
            execution: Execution::StopDump,
        })
    }

    /// Kills the running dump and stops its upload; files that were written stay.
    pub(in crate::backend) fn stop_work(&mut self) {
        if let Some(dump) = &self.dump {
            dump.kill();
        }
        self.was_cancelled = true;
    }

    /// Renders the steps of a plan with the command of the first attempt.
    ///
    /// # Errors
    /// The backup service is not there, or a directory that is no place for a dump.
    pub async fn preview(&mut self, plan: &Plan, task: &str) -> Result<Vec<PreviewStep>, Fault> {
        let tool = self.current_tool().await?;
        render_steps(&tool.path, tool.release, plan, task)
    }

    /// Prepares a start: finds the tool, reads the login and lists what the dump must contain. Writes nothing.
    ///
    /// # Errors
    /// Nothing was started, and why.
    pub async fn prepare_action(
        &mut self,
        action: &Action,
        group: &[TargetPlan],
        task: &str,
        attempt: u32,
    ) -> Result<PreparedAction, Fault> {
        let PlannedStart { directory, exclude, required_base: base } = planned_start(action)?;
        let place = RunPaths::for_attempt(directory, task, attempt)?;
        let tool = self.current_tool().await?;
        let login = self.dump_login().await?;
        let utc_offset = self.server.utc_offset().await?;
        let session = self.server.session()?;
        let (before, catalogue) = queries::read_dumpable_contents(session, exclude).await?;
        let begun = StartRecord {
            format: 1,
            run: place.run_id().to_owned(),
            target: group.iter().map(|target| target.target.to_string()).collect::<Vec<_>>().join(", "),
            server: session.version_text.clone(),
            release: tool.release.version.to_owned(),
            utc_offset,
            not_before: jiff::Timestamp::UNIX_EPOCH,
            not_after: None,
            estimate: queries::estimate_size(session).await,
            before,
            after: None,
            exclude: exclude.clone(),
            changed: catalogue.changed(exclude).map(ToString::to_string).collect(),
            left_out: catalogue.left_out_words(),
        };
        let shown = command_line(&tool.path, tool.release.options, &place.partial(), exclude);
        Ok(PreparedAction {
            shown_statements: vec![shown],
            confirmed_statements: None,
            description: Some(format!("{}{task}.{attempt}", JobFacts::MARK)),
            highest_job: None,
            connection: None,
            server: format!("{}:{}", login.host, login.port),
            server_limit_ms: u64::try_from(SESSION_LIMIT.as_millis()).unwrap_or(u64::MAX),
            execution: Execution::StartDump(Box::new(PendingDump {
                tool,
                paths: place,
                required_base: base,
                login,
                start_record: begun,
            })),
        })
    }

    /// Starts the dump once; the start record is on disk before that.
    ///
    /// # Errors
    /// Nothing was started, and why; `answered` is false only where it is unknown whether it was started.
    pub async fn execute(&mut self, pending: PendingDump) -> Result<(), Failure> {
        let PendingDump { tool, paths: place, required_base: base, login, start_record: mut begun } = pending;
        let refused = Failure::refused;
        let session = self.server.session().map_err(refused)?;
        begun.not_before = queries::read_time(session).await.map_err(refused)?;
        let lend = self.inherit_locks.clone();
        let kept = begun.clone();
        let exclude = begun.exclude.clone();
        let started = run_blocking(move || {
            base.as_deref().map_or(Ok(()), directory::check_still_exists)?;
            directory::create_directory(place.directory())?;
            kept.write(&place)?;
            let locks = lend.map_or_else(|| Ok(Vec::new()), |lend| lend())?;
            let borrowed: Vec<_> = locks.iter().map(|lock| lock.as_fd()).collect();
            // The copies end with this block: nothing started later inherits them.
            DumpProcess::start(&tool, &login, &place, &exclude, &borrowed)
        });
        match started.await {
            Ok(Ok(dump)) => {
                self.track_dump(dump, begun);
                Ok(())
            }
            Ok(Err(fault)) => Err(refused(fault)),
            Err(fault) => Err(Failure::lost(fault)),
        }
    }

    /// Finds the tool anew, since it may have been installed meanwhile.
    pub(super) async fn current_tool(&mut self) -> Result<Tool, Fault> {
        let named = self.server.connection().mydumper.clone();
        find_tool(named.as_deref()).await
    }

    /// Returns the login of the dump. It uses the endpoint that answered here, so that the clock and the tables are the same.
    async fn dump_login(&mut self) -> Result<Login, Fault> {
        self.server.ensure_session().await?;
        let Endpoint { host, port } = read_endpoint(&self.server.session()?.endpoint)?;
        let connection = self.server.connection();
        Ok(Login {
            host,
            port,
            user: connection.user.clone(),
            password: self.server.password().cloned().unwrap_or_else(|| Secret::new(String::new())),
            requires_tls: requires_tls(connection.tls),
        })
    }
}

/// Returns whether the inventory refuses an unencrypted connection.
pub(super) fn requires_tls(mode: TlsMode) -> bool {
    match mode {
        TlsMode::Off | TlsMode::Prefer => false,
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => true,
    }
}
