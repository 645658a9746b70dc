//! The server's look at the storage for the last good backup of a tenant, at any time (R10). It starts no backup.

use std::time::Duration;

use tokio::time::Instant;

use super::{AppContext, SecretFlag, SecretRequest, choices_from_inventory};
use crate::backend::Secrets;
use crate::backend::oceanbase::OceanBase;
use crate::config::directories;
use crate::config::inventory::Cluster;
use crate::domain::choices::{Choices, Mode};
use crate::domain::destination::Destination;
use crate::domain::exit::Exit;
use crate::domain::facts::{Facts, TenantFacts};
use crate::domain::fault::{Cause, Fault};
use crate::domain::last_good::last_good;
use crate::domain::outcome::{Assessment, Outcome, VerdictKind, assess, other_backups};
use crate::domain::plan::{Action, StatementSecrets, can_carry_to, can_decrypt, check_proof_possible, proof_action};
use crate::domain::proof::{ProofAnswer, ProofChoice, ProofRule, apply_proof};
use crate::domain::restorable::{self, BackupSet};
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;
use crate::journal::audit;
use crate::journal::clock::now;
use crate::journal::locks;

/// The action as the audit trail names it.
const AUDIT_ACTION: &str = "Look at the storage";

/// The access id and the sources of secrets for a proof.
#[derive(Debug, Clone, Default)]
pub struct ProofSecrets {
    /// The access id of the storage.
    pub access_id: Option<String>,
    /// Where its access key is to be found.
    pub access_key_from: Option<SecretSource>,
    /// Where the passwords of the sets are to be found.
    pub decrypt_from: Vec<SecretSource>,
}

/// The result of a proof for one tenant.
#[derive(Debug, Clone)]
pub struct ProofResult {
    /// The tenant.
    pub target: TargetName,
    /// The verdict of the views, weighed with what the server found.
    pub outcome: Outcome,
}

impl ProofResult {
    /// Returns the exit of the command: found 0, not yet 3, not restorable 22, whether the views or the storage say so; 21 where
    /// the views call it restorable and nothing is known of the storage.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.outcome.verdict {
            _ if self.outcome.proof.is_some() => Exit::OK,
            VerdictKind::NotYetRestorable => Exit::NOT_YET,
            VerdictKind::NotRestorable => Exit::NOT_RESTORABLE,
            _ => Exit::UNKNOWN,
        }
    }

    /// A tenant of which there is nothing to prove, and why.
    #[must_use]
    pub fn nothing(target: TargetName, why: Fault) -> Self {
        Self { target, outcome: Outcome::unknown(why) }
    }
}

/// Has the server look for the last good backup of a tenant. `say` is told what goes where before it is sent, and what is
/// waited for.
///
/// # Errors
/// There is no good backup, a secret cannot be had, or the audit trail cannot be written.
pub async fn prove(
    context: &AppContext,
    cluster: &Cluster,
    facts: &Facts,
    tenant: &TenantFacts,
    given: &ProofSecrets,
    say: impl Fn(&str),
) -> Result<ProofResult, Fault> {
    let target = facts.target(tenant);
    let set = set_to_prove(tenant).ok_or_else(|| no_good_backup(&target))?;
    let mut judged = assess(tenant, &target, set.id, false, &facts.cluster.time_zone);
    let action = match proof_query(facts, cluster, tenant, set, given) {
        Ok(action) => action,
        Err(why) => {
            let outcome = judged.unproven(Some(why)).outcome().clone();
            return Ok(ProofResult { target, outcome });
        }
    };
    let secrets_to_send = gathered(context, cluster, &action, given).await?;
    // A statement that cannot be made is neither announced nor in the audit trail.
    can_carry(&action, facts, &secrets_to_send)?;
    let mut server = context.oceanbase_with_secrets(cluster, secrets_to_send)?;
    if let Some(secrets) = describe_secrets(&action, given) {
        say(&format!("Sends {secrets} to the server {}, whose audit and logs may keep it.", facts.cluster.endpoint));
    }
    let limits = context.connection(cluster).limits;
    let _turn = wait_for_turn(context, facts, &limits).await?;
    let mut tenant = tenant.clone();
    let begun = Instant::now();
    loop {
        let looked = send_query(context, &mut server, &action, facts, (&target, &tenant, set.id)).await?;
        let zone = facts.cluster.time_zone.clone();
        let weighed = apply_proof(judged, &looked, &target, tenant.archive.expected_archive_delay(), || {
            other_backups(&tenant, set.id, &zone)
        });
        let lacks = matches!(looked, ProofAnswer::Lacks(_));
        let until = match &weighed {
            Assessment::Pending { at_least, .. } if lacks => limits.log_wait(*at_least),
            _ => Duration::ZERO,
        };
        if begun.elapsed() >= until {
            return Ok(ProofResult { target, outcome: weighed.outcome().clone() });
        }
        if let Assessment::Pending { what, .. } = &weighed {
            say(&format!("{target}: {what}"));
        }
        tokio::time::sleep(limits.proof_interval()).await;
        let again = server.detect().await?;
        tenant = again.tenant_by_id(tenant.id).cloned().ok_or_else(|| no_good_backup(&target))?;
        judged = assess(&tenant, &target, set.id, false, &again.cluster.time_zone);
    }
}

/// The set of the last good backup; where none can be restored, the newest that is done with its chain whole.
fn set_to_prove(tenant: &TenantFacts) -> Option<&BackupSet> {
    let good = last_good(tenant).and_then(|good| good.set);
    let whole = |set: &&BackupSet| restorable::chain(set, &tenant.sets).is_ok();
    let newest = || tenant.sets.iter().filter(whole).max_by_key(|set| set.id);
    tenant.sets.iter().find(|set| Some(set.id) == good).or_else(newest)
}

/// The query that is sent to the server.
enum ProofQuery {
    /// By the directories.
    ByDirectory(Action),
    /// Before V4: by the one destination, the cluster and the tenant.
    PerCluster(Destination),
}

/// Returns the query for a set, or why there is none.
fn proof_query(
    facts: &Facts,
    cluster: &Cluster,
    tenant: &TenantFacts,
    set: &BackupSet,
    given: &ProofSecrets,
) -> Result<ProofQuery, String> {
    let with_id = |place: Destination| match &given.access_id {
        Some(id) if place.needs_access_key() => {
            place.with_attribute("access_id", id).map_err(|error| error.to_string())
        }
        _ => Ok(place),
    };
    let written = Destination::parse_server(&set.path).map_err(|error| error.to_string())?;
    let own = |place: Destination, own: Option<&Destination>| match own {
        Some(own) if own.is_same_path(&place) => own.clone(),
        _ => place,
    };
    let data = with_id(own(written, tenant.data_destination.as_ref()))?;
    if facts.cluster.proof == ProofRule::OnDemandInCommunity {
        check_proof_possible(facts, ProofRule::OnDemandInCommunity)?;
        if facts.cluster.edition != Some(crate::domain::version::Edition::Community) {
            return Err("on this release only the Community Edition is known to be asked".to_owned());
        }
        if data.needs_access_key() && data.attribute("access_id").is_none() {
            return Err(format!("nothing says the access_id of {}", data.uri_without_attributes()));
        }
        return Ok(ProofQuery::PerCluster(data));
    }
    let pieces = tenant.archive.known_pieces();
    let log = if set.plus_archivelog && !restorable::log_covers(set, pieces, tenant.archive.known_rounds()) {
        None
    } else {
        let present = tenant.archive.destination.as_ref().map(|archive| &archive.location);
        let covering = restorable::covering(set.start_replay, tenant.archive.known_rounds());
        let path = covering.and_then(|round| Destination::parse_server(&round.path).ok()).or(present.cloned());
        let place = path.ok_or("no view says where the log of that set is")?;
        Some(with_id(own(place, present))?)
    };
    let choice = ProofChoice {
        asked: Some(true),
        access_key: given.access_key_from.clone(),
        decrypt: given.decrypt_from.clone(),
    };
    let choices =
        choices_from_inventory::with_strategies(Choices::new(vec![facts.target(tenant)], Mode::Full), cluster);
    let mut known = choices.fallbacks.iter().filter(|wanted| wanted.covers(&tenant.name));
    let key = known.find_map(|wanted| wanted.access_key.clone());
    proof_action(facts, tenant, &choice, (&data, log.as_ref()), key, Vec::new())
        .map(ProofQuery::ByDirectory)
        .map_err(|unasked| unasked.why)
}

/// Describes the secrets that are sent to the server.
fn describe_secrets(question: &ProofQuery, given: &ProofSecrets) -> Option<String> {
    match question {
        ProofQuery::ByDirectory(action) => action.secrets(),
        ProofQuery::PerCluster(data) => {
            let key = data.needs_access_key().then(|| format!("the access key of {}", data.uri_without_attributes()));
            let passwords = (!given.decrypt_from.is_empty()).then(|| "the passwords".to_owned());
            let parts: Vec<String> = key.into_iter().chain(passwords).collect();
            (!parts.is_empty()).then(|| parts.join(" and "))
        }
    }
}

/// Whether the statement of a question can be made with these secrets.
fn can_carry(question: &ProofQuery, facts: &Facts, secrets: &Secrets) -> Result<(), Fault> {
    let carried =
        StatementSecrets { access_key: secrets.access_key.as_ref(), encryption: None, decryption: &secrets.decryption };
    let version = Some(&facts.cluster.version);
    match question {
        ProofQuery::ByDirectory(action) => action.can_carry(version, carried),
        ProofQuery::PerCluster(data) => can_carry_to(data, version, carried).and_then(|()| can_decrypt(carried)),
    }
}

/// The secrets that go to the server, and the login's.
async fn gathered(
    context: &AppContext,
    cluster: &Cluster,
    question: &ProofQuery,
    given: &ProofSecrets,
) -> Result<Secrets, Fault> {
    let login = Some(context.password(cluster).await?);
    let source = match question {
        ProofQuery::ByDirectory(Action::ProveOnStorage { access_key, .. }) => access_key.clone(),
        ProofQuery::PerCluster(data) if data.needs_access_key() => {
            Some(given.access_key_from.clone().unwrap_or(SecretSource::Prompt))
        }
        _ => None,
    };
    let access_key = match source {
        Some(source) => {
            let source = context.completed_source(source, &cluster.name, None);
            let asking = SecretRequest { what: "the access key of the storage", flag: SecretFlag::AccessKeyFrom };
            Some(context.secret(&source, asking).await?)
        }
        None => None,
    };
    let mut decryption = Vec::with_capacity(given.decrypt_from.len());
    for source in &given.decrypt_from {
        let asking = SecretRequest { what: "the password of backup sets", flag: SecretFlag::DecryptFrom };
        decryption.push(context.secret(source, asking).await?);
    }
    Ok(Secrets { login, access_key, encryption: None, decryption })
}

/// One look: audited before it is sent. What is not asked is an answer too, and says why.
async fn send_query(
    context: &AppContext,
    server: &mut OceanBase,
    question: &ProofQuery,
    facts: &Facts,
    (target, tenant, set): (&TargetName, &TenantFacts, u64),
) -> Result<ProofAnswer, Fault> {
    let ready = match question {
        ProofQuery::ByDirectory(action) => server.prepare_proof(target, tenant, set, action).await,
        ProofQuery::PerCluster(data) => server.prepare_cluster_proof(target, facts, tenant, set, data).await,
    };
    let act = match ready {
        Ok(act) => act,
        Err(fault) => return Ok(ProofAnswer::refused(&fault)),
    };
    context.ensure_state_directory()?;
    for statement in &act.shown_statements {
        audit::write(
            &context.directories.state,
            &audit::AuditEntry {
                at: now(),
                task: None,
                target: target.to_string(),
                who: directories::who(),
                host: directories::host(),
                action: AUDIT_ACTION.to_owned(),
                statement: statement.clone(),
            },
        )?;
    }
    Ok(match server.execute_proof(act).await {
        Err(failure) => server.looked(target).unwrap_or_else(|| ProofAnswer::refused(&failure.fault)),
        Ok(()) => server.looked(target).unwrap_or_else(|| ProofAnswer::NoAnswer("no answer was taken".to_owned())),
    })
}

/// Waits for the turn to query this cluster; queries run one at a time.
async fn wait_for_turn(
    context: &AppContext,
    facts: &Facts,
    limits: &crate::domain::connection::Limits,
) -> Result<locks::ProofLock, Fault> {
    let cluster = facts.cluster.id.map_or_else(|| facts.cluster.name().to_owned(), |id| id.to_string());
    context.ensure_state_directory()?;
    let until = Instant::now() + Duration::from_millis(limits.proof);
    loop {
        if let Some(turn) = locks::turn(&context.directories.state, &cluster)? {
            return Ok(turn);
        }
        if Instant::now() >= until {
            return Err(Fault::new(
                Cause::Busy,
                format!("Another look at a storage of {} still runs.", facts.cluster.target),
                "Its servers are asked by one at a time.",
                "Try again later.",
            ));
        }
        tokio::time::sleep(context.poll_interval()).await;
    }
}

fn no_good_backup(target: &TargetName) -> Fault {
    Fault::new(
        Cause::Unknown,
        format!("There is no backup of {target} to prove."),
        "No view lists a set of it that is done and whose files are there.",
        format!("Take one with: obnow backup {target} --mode full."),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;
    use crate::domain::proof::{Evidence, Proof};
    use crate::domain::scn::Scn;

    #[test]
    fn the_exit_goes_with_the_verdict() {
        let exit = |verdict, proof: Option<Proof>| {
            let fault = Fault::new(Cause::Server, "W.", "Y.", "N.");
            let outcome = Outcome { verdict, proof, ..Outcome::unknown(fault) };
            ProofResult { target: "prod/pay".parse().unwrap(), outcome }.exit()
        };
        let found =
            || Some(Proof { at: now(), by: Evidence::Media, until_scn: Scn(7), sets: vec![1], pieces: vec![1] });
        assert_eq!(exit(VerdictKind::Restorable, found()), Exit::OK);
        assert_eq!(exit(VerdictKind::Restorable, None), Exit::UNKNOWN, "nothing is known of the storage");
        assert_eq!(exit(VerdictKind::NotYetRestorable, None), Exit::NOT_YET);
        assert_eq!(exit(VerdictKind::NotRestorable, None), Exit::NOT_RESTORABLE);
        assert_eq!(exit(VerdictKind::Unknown, None), Exit::UNKNOWN);
    }
}
