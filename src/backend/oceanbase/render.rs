//! Renders actions as statements. Rendering is pure: the statements of the confirm screen are rendered again, identically,
//! before they are sent.

use super::release_profile::{BackupScope, ReleaseProfile, StatementId};
use super::statement::Statement;
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::choices::Mode;
use crate::domain::destination::Destination;
use crate::domain::facts::{JobFacts, Scope};
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Action, Plan, RUN, TargetPlan};
use crate::domain::scn::Scn;
use crate::domain::sql::{quoted_name, quoted_text};
use crate::domain::step::StepKind;
use crate::domain::task::PreviewStep;

#[cfg(test)]
mod tests;

/// The task, attempt and part of a plan that a statement is sent for.
#[derive(Debug, Clone, Copy)]
pub struct RunId<'a> {
    /// The task.
    pub task: &'a str,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The part, where the plan has several.
    pub part: Option<u32>,
}

impl RunId<'_> {
    /// Returns the marker of a start, `obnow <task>.<attempt>`, with `/<part>` where there are several: the DESCRIPTION of the
    /// job.
    #[must_use]
    pub fn description(self) -> String {
        let part = self.part.map_or_else(String::new, |part| format!("/{part}"));
        format!("{}{}{part}", JobFacts::MARK, self.variable())
    }

    /// Returns the value of the template variable `{run}`, `<task>.<attempt>`.
    #[must_use]
    pub fn variable(self) -> String {
        format!("{}.{}", self.task, self.attempt)
    }
}

/// A release profile and the scope of a login, which decide how statements are written.
#[derive(Debug, Clone, Copy)]
pub struct Dialect<'a> {
    /// The release profile.
    pub profile: &'a ReleaseProfile,
    /// The scope of the login.
    pub scope: Scope,
}

/// Values for the common placeholders of a template.
struct TemplateArguments<'a> {
    tenants: &'a [&'a str],
    description: &'a str,
}

/// Renders the statements of an action for these tenants, in the order they are sent.
///
/// # Errors
/// The release profile has no template for it.
pub fn render_action(
    words: Dialect<'_>,
    action: &Action,
    tenants: &[&str],
    of: RunId<'_>,
) -> Result<Vec<Statement>, Fault> {
    let run = of.variable();
    let filling = TemplateArguments { tenants, description: &of.description() };
    let one =
        |id: StatementId, value: Value<'_>| fill_template(words, id, &filling, &value).map(|statement| vec![statement]);
    match action {
        Action::SetDataDestination { destination, .. } => {
            one(StatementId::SetDataDestination, Value::Uri(destination_for_run(destination, &run)?))
        }
        Action::SetArchiveDestination { destination, .. } => {
            let location = destination_for_run(&destination.location, &run)?;
            one(StatementId::SetArchiveDestination, Value::Archive(ArchiveDest { location, ..destination.clone() }))
        }
        Action::SetArchiveLagTarget { seconds } => {
            one(StatementId::SetArchiveLagTarget, Value::Text(format!("{seconds}s")))
        }
        Action::StopArchiving => one(StatementId::StopArchiving, Value::None),
        Action::StartArchiving => one(StatementId::StartArchiving, Value::None),
        Action::ResumeArchiving => one(StatementId::ResumeArchiving, Value::None),
        Action::Compact => one(StatementId::Compact, Value::None),
        Action::StartBackup { mode, plus_archivelog, encrypt, to } => {
            let (id, value) = match (to, mode) {
                (Some(to), _) => (StatementId::BackupTenants, Value::Uri(destination_for_run(&to.destination, &run)?)),
                (None, Mode::Full) => (StatementId::BackupFull, Value::PlusArchivelog(*plus_archivelog)),
                (None, Mode::Incremental) => (StatementId::BackupIncremental, Value::PlusArchivelog(*plus_archivelog)),
            };
            let mut statements = Vec::new();
            if encrypt.is_some() {
                statements.push(fill_template(words, StatementId::Encrypt, &filling, &Value::None)?);
            }
            statements.push(fill_template(words, id, &filling, &value)?);
            Ok(statements)
        }
        Action::ProveOnStorage { .. } => render_proof(words, action, Scn(0), of),
        Action::StartDump { .. } | Action::Upload { .. } => Err(missing_template(words.profile, "a dump")),
    }
}

/// What a plan shows in place of a restore point that is read from the server later.
const PLANNED_SCN: &str = "0";

/// Renders the statements of a storage proof for a restore point.
///
/// # Errors
/// The release profile has no template, or the action is another one.
pub fn render_proof(words: Dialect<'_>, action: &Action, until: Scn, of: RunId<'_>) -> Result<Vec<Statement>, Fault> {
    let Action::ProveOnStorage { data, log, decrypt, .. } = action else {
        return Err(missing_template(words.profile, "a look that is none"));
    };
    let run = of.variable();
    let filling = TemplateArguments { tenants: &[], description: "" };
    let mut places = vec![destination_for_run(data, &run)?];
    places.extend(log.as_ref().map(|log| destination_for_run(log, &run)).transpose()?);
    let mut statements = Vec::new();
    if !decrypt.is_empty() {
        statements.push(fill_template(words, StatementId::Decrypt, &filling, &Value::Passwords(decrypt.len()))?);
    }
    statements.push(fill_template(words, StatementId::RestorePreview, &filling, &Value::Proof(places, until))?);
    statements.push(fill_template(words, StatementId::ShowRestorePreview, &filling, &Value::None)?);
    Ok(statements)
}

/// The values of a storage proof below V4.
pub(super) struct ClusterProofRequest<'a> {
    /// A tenant that does not exist.
    pub new_tenant: String,
    /// The tenant that was backed up.
    pub tenant: &'a str,
    /// The cluster's one destination.
    pub data: &'a Destination,
    /// The restore point, in the session's time zone.
    pub time: String,
    /// Name and id of the cluster that made the backup.
    pub options: String,
    /// Number of decryption passwords.
    pub passwords: usize,
}

/// Renders the statements of a storage proof below V4.
///
/// # Errors
/// The release profile has no template for it.
pub(super) fn render_cluster_proof(
    words: Dialect<'_>,
    asked: &ClusterProofRequest<'_>,
) -> Result<Vec<Statement>, Fault> {
    let filling = TemplateArguments { tenants: &[asked.tenant], description: "" };
    let mut statements = Vec::new();
    if asked.passwords > 0 {
        statements.push(fill_template(words, StatementId::Decrypt, &filling, &Value::Passwords(asked.passwords))?);
    }
    statements.push(fill_template(words, StatementId::RestorePreview, &filling, &Value::ClusterProof(asked))?);
    statements.push(fill_template(words, StatementId::ShowRestorePreview, &filling, &Value::None)?);
    Ok(statements)
}

/// Returns the destination with the variable of the run filled in.
fn destination_for_run(destination: &Destination, run: &str) -> Result<Destination, Fault> {
    if !destination.path().contains(RUN) {
        return Ok(destination.clone());
    }
    destination.clone().with_path(&destination.path().replace(RUN, run)).map_err(|error| {
        let what = format!("{} cannot be used.", destination.uri_without_attributes());
        Fault::new(Cause::Usage, what, error.to_string(), "Choose another path.")
    })
}

/// The value of the placeholder of one statement.
enum Value<'a> {
    None,
    Uri(Destination),
    Archive(ArchiveDest),
    Text(String),
    PlusArchivelog(bool),
    Passwords(usize),
    /// The directories and the restore point.
    Proof(Vec<Destination>, Scn),
    /// The values of a proof below V4.
    ClusterProof(&'a ClusterProofRequest<'a>),
}

fn fill_template(
    words: Dialect<'_>,
    id: StatementId,
    filling: &TemplateArguments<'_>,
    value: &Value<'_>,
) -> Result<Statement, Fault> {
    let Dialect { profile: line, scope } = words;
    let template = line.template(id, scope).ok_or_else(|| missing_template(line, &format!("{id:?}")))?;
    match line.backup_scope {
        // It names directories and no tenants, and changes nothing.
        BackupScope::PerTenant if id == StatementId::RestorePreview => {}
        BackupScope::PerTenant => check_tenants_named(scope, filling.tenants, template)?,
        // Statements concern the whole cluster, and only sys may send them.
        BackupScope::PerCluster(_) => {}
    }
    let mut statement = Statement::default();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        statement.push(before);
        let (placeholder, after) = after.split_once('}').ok_or_else(|| missing_template(line, template))?;
        rest = after;
        match (placeholder, value) {
            ("tenant", _) => statement.push(&quoted_name(filling.tenants.first().copied().unwrap_or_default())),
            ("tenants", _) => {
                let names: Vec<String> = filling.tenants.iter().map(|name| quoted_name(name)).collect();
                statement.push(&names.join(", "));
            }
            ("description", _) => statement.push(&quoted_text(filling.description)),
            ("password", _) => statement.push_encryption_password(),
            ("plus_archivelog", Value::PlusArchivelog(plus)) => {
                statement.push(if *plus { " PLUS ARCHIVELOG" } else { "" });
            }
            ("uri", Value::Uri(destination)) => statement.push_uri(destination.clone()),
            ("value", Value::Archive(destination)) => statement.push_archive_value(destination.clone()),
            ("passwords", Value::Passwords(count)) => statement.push_decryption_passwords(*count),
            ("uris", Value::Proof(places, _)) => statement.push_uris(places.iter().cloned()),
            ("scn", Value::Proof(_, until)) => statement.push_server_value(until.0.to_string(), PLANNED_SCN),
            ("new_tenant", Value::ClusterProof(asked)) => statement.push(&quoted_name(&asked.new_tenant)),
            ("uri", Value::ClusterProof(asked)) => statement.push_uri(asked.data.clone()),
            ("time", Value::ClusterProof(asked)) => statement.push(&quoted_text(&asked.time)),
            ("value", Value::ClusterProof(asked)) => statement.push(&quoted_text(&asked.options)),
            ("value", Value::Text(text)) => statement.push(&quoted_text(text)),
            (unknown, _) => return Err(missing_template(line, unknown)),
        }
    }
    statement.push(rest);
    Ok(statement)
}

/// Refuses a statement that a server would apply to other tenants than these (R6). From sys every ALTER SYSTEM must name its
/// tenants; a tenant's own form names none and applies to that tenant only.
fn check_tenants_named(scope: Scope, tenants: &[&str], template: &str) -> Result<(), Fault> {
    let names = template.contains("{tenant");
    let why = match (scope, tenants) {
        _ if !names && !template.starts_with("ALTER SYSTEM") => return Ok(()),
        (_, []) => "It names no tenant, and would concern all of them.".to_owned(),
        (Scope::Sys, _) if !names => "From the sys tenant it would concern all tenants.".to_owned(),
        (Scope::Tenant, [_]) if !names => return Ok(()),
        (Scope::Tenant, _) => "A tenant's own form is for that one tenant.".to_owned(),
        (Scope::Sys, [_, _, ..]) if template.contains("{tenant}") => "It is for one tenant at a time.".to_owned(),
        (Scope::Sys, names) => {
            let word =
                |name: &&&str| ["all", "all_user", "all_meta"].iter().any(|word| word.eq_ignore_ascii_case(name));
            match names.iter().find(word) {
                None => return Ok(()),
                Some(name) => format!("The server takes the name {name} for many tenants, quoted or not."),
            }
        }
    };
    let what = "A statement cannot be written for these tenants.";
    Err(Fault::new(Cause::Internal, what, why, "Report this; nothing was sent."))
}

fn missing_template(line: &ReleaseProfile, what: &str) -> Fault {
    Fault::new(
        Cause::Internal,
        format!("obnow has no words for {what} on {}.", line.name),
        "The line's table does not list that statement.",
        "Report this; nothing was sent.",
    )
}

/// Renders the CANCEL BACKUP of these tenants.
///
/// # Errors
/// The release profile has no template for it.
pub fn render_cancel(words: Dialect<'_>, tenants: &[&str]) -> Result<Statement, Fault> {
    fill_template(words, StatementId::CancelBackup, &TemplateArguments { tenants, description: "" }, &Value::None)
}

/// Returns the targets that one start covers: those of the plan with the same mode and part.
fn start_group<'a>(plan: &'a Plan, of: &TargetPlan) -> impl Iterator<Item = &'a TargetPlan> {
    let (mode, part) = (of.mode, of.part);
    plan.targets.iter().filter(move |target| plan.is_per_cluster || (target.mode, target.part) == (mode, part))
}

/// Renders every step of every target of a plan, with its statements.
///
/// # Errors
/// The release profile has no template for a planned action.
pub fn render_plan(words: Dialect<'_>, plan: &Plan, task: &str, attempt: u32) -> Result<Vec<PreviewStep>, Fault> {
    let mut shown = Vec::new();
    // A start is the same for all targets it covers, and long where they are many.
    let mut starts: Vec<(&TargetPlan, Vec<String>)> = Vec::new();
    for target in &plan.targets {
        let of = RunId { task, attempt, part: target.part };
        for step in &target.steps {
            let rendered = |tenants: &[&str]| -> Result<Vec<String>, Fault> {
                let mut statements = Vec::new();
                for planned in &step.actions {
                    statements.extend(render_action(words, planned, tenants, of)?.iter().map(ToString::to_string));
                }
                Ok(statements)
            };
            let covered =
                |(first, _): &&(&TargetPlan, Vec<String>)| (first.mode, first.part) == (target.mode, target.part);
            let statements = if step.kind != StepKind::StartBackup {
                rendered(&[target.tenant.name.as_str()])?
            } else if let Some((_, statements)) = starts.iter().find(covered) {
                statements.clone()
            } else {
                let group: Vec<&str> = start_group(plan, target).map(|other| other.tenant.name.as_str()).collect();
                let statements = rendered(&group)?;
                starts.push((target, statements.clone()));
                statements
            };
            shown.push(PreviewStep {
                target: target.target.clone(),
                step: step.kind,
                needed: matches!(step.need, crate::domain::plan::Need::Needed),
                statements,
                effect: step.effect.clone(),
                interrupts: step.interrupts.clone(),
            });
        }
    }
    Ok(shown)
}
