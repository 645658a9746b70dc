//! Reads the secrets of a task before its runner is launched: those that were typed, else from their sources.

use super::launch::TaskSecrets;
use super::tasks::Task;
use super::{AppContext, Asking, Flag};
use crate::config::inventory::Cluster;
use crate::domain::fault::{Cause, Fault};
use crate::domain::plan::{Carried, Plan, can_decrypt};
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::task::Prepared;

/// Secrets and sources that replace those of the inventory.
#[derive(Debug, Clone, Default)]
pub struct SecretOverrides {
    /// Another source of the access key.
    pub access_key_from: Option<SecretSource>,
    /// Another source of the encryption password.
    pub encrypt_from: Option<SecretSource>,
    /// The access key itself, typed on a screen.
    pub access_key: Option<Secret>,
    /// The encryption password itself, typed on a screen.
    pub encryption: Option<Secret>,
    /// Passwords of older backup sets, typed on a screen, in the order of their places in the plan.
    pub decryption: Vec<Secret>,
}

/// Reads the secrets of a task that starts.
///
/// # Errors
/// A secret cannot be had.
pub async fn for_start(
    context: &AppContext,
    cluster: &Cluster,
    prepared: &Prepared,
    given: SecretOverrides,
) -> Result<TaskSecrets, Fault> {
    let login = Some(context.password(cluster).await?);
    let tenant = prepared.plan.targets.first().and_then(|target| target.target.tenant());
    storage_secrets(context, &cluster.name, (tenant, true), prepared, given, login).await
}

/// Of a plan that is about to be shown, and then begins. For one that nobody can confirm, or that is only shown, no secret is
/// asked for; one that is seen to be unfit stops it all the same.
///
/// # Errors
/// A secret cannot be had, or no statement can carry it.
pub async fn for_plan(
    context: &AppContext,
    cluster: &Cluster,
    prepared: &Prepared,
    may_begin: bool,
) -> Result<TaskSecrets, Fault> {
    if may_begin {
        return for_start(context, cluster, prepared, SecretOverrides::default()).await;
    }
    check_available(context, prepared).await?;
    Ok(TaskSecrets::default())
}

/// Reads the secrets of a task that resumes. Its journal holds no secret, only the sources.
///
/// # Errors
/// A secret cannot be had, or the journal does not say what was confirmed.
pub async fn for_retry(context: &AppContext, task: &Task, given: SecretOverrides) -> Result<TaskSecrets, Fault> {
    let (prepared, login) = read_login(context, task).await?;
    let tenant = prepared.plan.targets.first().and_then(|target| target.target.tenant());
    if !task.view.retry_may_start() {
        // What only looks again needs no more than the login. Secrets of a look at the storage go along where they are still
        // found without a question.
        let only = TaskSecrets { login: Some(login.clone()), ..TaskSecrets::default() };
        let plan = &prepared.plan;
        if plan.access_key().is_none() && plan.decrypt().is_empty() || needs_prompt(plan, &given) {
            return Ok(only);
        }
        let found = storage_secrets(context, &plan.cluster.name, (tenant, false), prepared, given, Some(login)).await;
        return Ok(found.unwrap_or(only));
    }
    storage_secrets(context, &prepared.plan.cluster.name, (tenant, true), prepared, given, Some(login)).await
}

/// Reads the login's password, which is enough to cancel a task without a runner.
///
/// # Errors
/// The login's password cannot be had, or the journal does not say what was confirmed.
pub async fn for_cancel(context: &AppContext, task: &Task) -> Result<TaskSecrets, Fault> {
    let (_, login) = read_login(context, task).await?;
    Ok(TaskSecrets { login: Some(login), ..TaskSecrets::default() })
}

/// Returns the confirmed plan of a task and its login's password.
async fn read_login<'a>(context: &AppContext, task: &'a Task) -> Result<(&'a Prepared, Secret), Fault> {
    let (Some(prepared), Some(connection)) = (&task.view.prepared, &task.view.connection) else {
        return Err(Fault::new(
            Cause::Usage,
            format!("Task {} cannot go on.", task.id),
            "Its journal does not say what was confirmed.",
            "Start the backup anew.",
        ));
    };
    let name = &prepared.plan.cluster.name;
    let login = match context.inventory.clusters.iter().find(|cluster| cluster.name == *name) {
        Some(cluster) if cluster.user == connection.user => context.password(cluster).await?,
        Some(_) | None => {
            let lasting = connection.password.clone().filter(|source| !source.is_only_a_marker());
            let source = context.password_source(name).or(lasting).unwrap_or(SecretSource::Prompt);
            let what = format!("the password of {} on {name}", connection.user);
            context.secret(&source, Asking { what: &what, flag: Flag::PasswordFrom }).await?
        }
    };
    Ok((prepared, login))
}

/// Whether a person would have to be asked for a secret of a look at the storage: nothing leads to it, and it was not typed.
fn needs_prompt(plan: &Plan, given: &SecretOverrides) -> bool {
    let own = plan.choices.encrypt.iter().filter(|_| !plan.decrypt().is_empty());
    let older = plan.decrypt_older().iter().filter(|source| !source.lasts()).count();
    plan.access_key().is_some_and(|source| !source.lasts() && given.access_key.is_none())
        || own.into_iter().any(|source| !source.lasts() && given.encryption.is_none())
        || older > given.decryption.len()
}

/// Where the password that encrypts the backup is to be found; `Lost` where nothing needs it: a task that only looks again
/// starts no backup, and needs it for a look at encrypted sets alone.
fn encryption_source(plan: &Plan, given: Option<SecretSource>, may_start: bool) -> Option<SecretSource> {
    given.or_else(|| plan.choices.encrypt.clone()).filter(|_| may_start || !plan.decrypt().is_empty())
}

/// The secrets beside the login. `may_start`: a backup may be started with them; else there is only a look at the storage.
async fn storage_secrets(
    context: &AppContext,
    cluster: &str,
    (tenant, may_start): (Option<&str>, bool),
    prepared: &Prepared,
    given: SecretOverrides,
    login: Option<Secret>,
) -> Result<TaskSecrets, Fault> {
    let written = prepared.plan.access_key().map(|source| context.completed_source(source, cluster, tenant));
    let key = given.access_key_from.or(written);
    let encrypt = encryption_source(&prepared.plan, given.encrypt_from, may_start);
    let access_key =
        resolve_secret(context, given.access_key, key, "the access key of the storage", Flag::AccessKeyFrom).await?;
    let encryption =
        resolve_secret(context, given.encryption, encrypt, "the encryption password", Flag::EncryptFrom).await?;
    let carried = Carried { access_key: access_key.as_ref(), encryption: encryption.as_ref(), ..Carried::default() };
    prepared.plan.can_carry(carried)?;
    let decrypt = prepared.plan.decrypt();
    let mut decryption = Vec::with_capacity(decrypt.len());
    // The backup's own password is the first of them, and was found already.
    decryption.extend(encryption.clone().filter(|_| prepared.plan.choices.encrypt.is_some() && !decrypt.is_empty()));
    let mut typed = given.decryption.into_iter();
    for source in prepared.plan.decrypt_older() {
        // What a source still leads to was not asked for on a screen.
        let typed = if source.lasts() { None } else { typed.next() };
        let found = resolve_secret(
            context,
            typed,
            Some(source.clone()),
            "the password of older backup sets",
            Flag::DecryptFrom,
        );
        decryption.extend(found.await?);
    }
    can_decrypt(Carried { decryption: &decryption, ..Carried::default() })?;
    Ok(TaskSecrets { login, access_key, encryption, decryption })
}

/// Judges the secrets of a plan that is only shown, as far as they lie where a look costs nothing: a variable, a file, standard input. What is
/// not there yet is none of its business.
///
/// # Errors
/// A secret is there that no statement can carry, or standard input gives none.
pub async fn check_available(context: &AppContext, prepared: &Prepared) -> Result<(), Fault> {
    let access_key = read_without_prompt(context, prepared.plan.access_key(), Flag::AccessKeyFrom).await;
    let encrypt = prepared.plan.choices.encrypt.clone();
    let encryption = match encrypt {
        // It is there now or never.
        Some(SecretSource::Stdin) => {
            let asking = Asking { what: "the encryption password", flag: Flag::EncryptFrom };
            Some(context.secret(&SecretSource::Stdin, asking).await?)
        }
        other => read_without_prompt(context, other, Flag::EncryptFrom).await,
    };
    let mut decryption = Vec::new();
    for source in prepared.plan.decrypt_older() {
        decryption.extend(read_without_prompt(context, Some(source.clone()), Flag::DecryptFrom).await);
    }
    prepared.plan.can_carry(Carried {
        access_key: access_key.as_ref(),
        encryption: encryption.as_ref(),
        decryption: &decryption,
    })
}

/// A secret that lies where a look costs nothing: a variable, a file.
pub(super) async fn read_without_prompt(
    context: &AppContext,
    source: Option<SecretSource>,
    flag: Flag,
) -> Option<Secret> {
    let source = source.filter(|source| matches!(source, SecretSource::Env(_) | SecretSource::File(_)))?;
    context.secret(&source, Asking { what: "the secret", flag }).await.ok()
}

/// Returns the typed secret, else the one from its source; `Lost` if there is no source.
async fn resolve_secret(
    context: &AppContext,
    typed: Option<Secret>,
    source: Option<SecretSource>,
    what: &str,
    flag: Flag,
) -> Result<Option<Secret>, Fault> {
    match (typed, source) {
        (_, None) => Ok(None),
        (Some(typed), Some(_)) => Ok(Some(typed)),
        (None, Some(source)) => context.secret(&source, Asking { what, flag }).await.map(Some),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::choices::Mode;
    use crate::domain::destination::Destination;
    use crate::domain::plan::{Action, plan};
    use crate::domain::samples::{choose, cluster, tenant};
    use crate::domain::step::StepKind;

    #[test]
    fn a_retry_that_only_looks_needs_no_encryption_password() {
        let mut choices = choose(&["prod/pay"], Mode::Full);
        choices.encrypt = Some(SecretSource::Stdin);
        let mut plan = plan(&cluster(vec![tenant(1002, "pay")]), &choices).unwrap();
        assert_eq!(plan.decrypt(), []);
        assert_eq!(encryption_source(&plan, None, true), Some(SecretSource::Stdin));
        assert_eq!(encryption_source(&plan, None, false), None);
        // A look at encrypted sets needs it.
        let confirm = plan.targets[0].steps.iter_mut().find(|step| step.kind == StepKind::ConfirmRestorable).unwrap();
        confirm.actions = vec![Action::LookAtStorage {
            data: Destination::parse_user("file:///b/data").unwrap(),
            log: None,
            access_key: None,
            decrypt: vec![SecretSource::Stdin],
        }];
        assert_eq!(encryption_source(&plan, None, false), Some(SecretSource::Stdin));
    }
}
