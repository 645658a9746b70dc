//! The end of a plan: the verdict, and whether the storage proof is requested for it.

use super::destinations::ResolvedDestinations;
use super::{Action, Plan, PlannedStep};
use crate::domain::choices::Choices;
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, Scope, TenantFacts};
use crate::domain::proof::{ProofChoice, ProofRule};
use crate::domain::restorable::{BackupSet, EncryptionMode};
use crate::domain::secret::SecretSource;
use crate::domain::step::StepKind;

/// The last step, why the proof is not requested in it, and a note about it.
pub(super) struct ConfirmStep {
    pub(super) step: PlannedStep,
    pub(super) unasked: Option<ProofSkipped>,
    pub(super) note: Option<String>,
}

/// The reason why the storage proof is not requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofSkipped {
    /// The reason, as it is shown.
    pub why: String,
    /// The secrets that the request would send, where they alone are the reason.
    pub needs: Option<String>,
}

impl From<String> for ProofSkipped {
    fn from(why: String) -> Self {
        Self { why, needs: None }
    }
}

/// Returns the last step of one tenant's backup (R10).
pub(super) fn confirm_step(
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    wanted: &ResolvedDestinations<'_>,
) -> ConfirmStep {
    let (data, log) = (&wanted.data.destination, &wanted.archive.destination);
    let known = wanted.data.from.or(wanted.archive.from).and_then(|wanted| wanted.access_key.clone());
    let own = choices.encrypt.iter().cloned();
    match proof_action(facts, tenant, &choices.proof, (data, Some(log)), known, own.collect()) {
        Err(unasked) => {
            let step = PlannedStep::reads(StepKind::ConfirmRestorable);
            ConfirmStep { step, unasked: Some(unasked), note: None }
        }
        Ok(asked) => {
            let mut actions = vec![asked.clone()];
            let mut effect = "reads only; the server lists what it would restore from (the set's MIN_RESTORE_SCN is \
                              filled in)"
                .to_owned();
            // Such a set needs no archive: without the archive's path the server reads the log inside it.
            if choices.plus_archivelog {
                actions.extend(asked.without_log());
                effect.push_str(", the second time only where the archive does not cover the set");
            }
            let note = asked.secrets().map(|secrets| {
                format!(
                    "Confirm restorable sends {secrets} to the server {}, whose audit and logs may keep it.",
                    facts.cluster.endpoint
                )
            });
            ConfirmStep { step: PlannedStep::with(StepKind::ConfirmRestorable, actions, effect), unasked: None, note }
        }
    }
}

/// Returns the action that requests the proof of what these directories hold. `key` is where the access key is read from if the
/// choice names no source, `own` where the password of this backup is.
///
/// # Errors
/// Why it is not requested, as it is shown.
pub fn proof_action(
    facts: &Facts,
    tenant: &TenantFacts,
    choice: &ProofChoice,
    (data, log): (&Destination, Option<&Destination>),
    key: Option<SecretSource>,
    own: Vec<SecretSource>,
) -> Result<Action, ProofSkipped> {
    if choice.asked == Some(false) {
        return Err("it was left out by --no-proof".to_owned().into());
    }
    check_proof_possible(facts, ProofRule::OfEachBackup)?;
    let both: Vec<&Destination> = [data].into_iter().chain(log).collect();
    let locked: Vec<&&Destination> = both.iter().filter(|place| place.needs_access_key()).collect();
    let encrypted: Vec<String> = tenant
        .sets
        .iter()
        .filter(|set| set.encryption() != EncryptionMode::NoPassword && is_in(set, data))
        .map(|set| set.id.to_string())
        .collect();
    let needs_password = !encrypted.is_empty() || !own.is_empty();
    if choice.asked.is_none() && (!locked.is_empty() || needs_password) {
        let mut needs: Vec<String> = Vec::new();
        needs.extend((!locked.is_empty()).then(|| "the access key of the storage".to_owned()));
        needs.extend((!own.is_empty()).then(|| "the password of this backup".to_owned()));
        needs.extend((!encrypted.is_empty()).then(|| format!("the password of set {}", encrypted.join(", "))));
        let needs = needs.join(" and ");
        let why = format!("it needs {needs}, and secrets are sent only with --prove");
        return Err(ProofSkipped { why, needs: Some(needs) });
    }
    if let Some(place) = both.iter().find(|place| place.uri_without_attributes().contains(',')) {
        return Err(format!(
            "the path of {} has a comma, which the statement cannot carry",
            place.uri_without_attributes()
        )
        .into());
    }
    if let Some((place, lacks)) = both.iter().find_map(|place| Some((place, *place.missing_keys().first()?))) {
        return Err(format!("nothing says the {lacks} of {}", place.uri_without_attributes()).into());
    }
    let ids: Vec<_> = locked.iter().map(|place| place.attribute("access_id")).collect();
    if ids.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err("data and log have different access ids, and one key is given".to_owned().into());
    }
    let key = choice.access_key.clone().or(key).unwrap_or(SecretSource::Prompt);
    Ok(Action::ProveOnStorage {
        data: data.clone(),
        log: log.cloned(),
        access_key: (!locked.is_empty()).then_some(key),
        decrypt: own.into_iter().chain(choice.decrypt.iter().cloned()).collect(),
    })
}

/// Checks that this login can request the proof from the cluster, where its release has the rule `by`.
///
/// # Errors
/// Why it cannot.
pub fn check_proof_possible(facts: &Facts, by: ProofRule) -> Result<(), String> {
    let cluster = &facts.cluster;
    if cluster.proof != by {
        return Err(match cluster.proof {
            ProofRule::OnDemandInCommunity => {
                "this release is asked by itself only, and only in the Community Edition: obnow prove".to_owned()
            }
            _ => format!("{} cannot be asked to look at the storage", cluster.version),
        });
    }
    if cluster.scope != Scope::Sys {
        return Err("only the sys tenant may ask for it".to_owned());
    }
    if cluster.through_proxy == Some(true) {
        return Err(
            "the cluster is reached through a proxy, and the question belongs on one connection to an observer"
                .to_owned(),
        );
    }
    Ok(())
}

/// Returns why the proof is not requested at the end of backups on this cluster; `None` where it can be.
pub(super) fn why_not(facts: &Facts) -> Option<String> {
    check_proof_possible(facts, ProofRule::OfEachBackup).err()
}

fn is_in(set: &BackupSet, place: &Destination) -> bool {
    Destination::parse_server(&set.path).is_ok_and(|path| path.may_be_same_directory(place))
}

impl Plan {
    /// Returns where the passwords are read from that the storage proof needs.
    #[must_use]
    pub fn decrypt(&self) -> &[SecretSource] {
        let mut actions = self.targets.iter().flat_map(|target| &target.steps).flat_map(|step| &step.actions);
        let sources = actions.find_map(|action| match action {
            Action::ProveOnStorage { decrypt, .. } => Some(decrypt.as_slice()),
            _ => None,
        });
        sources.unwrap_or_default()
    }

    /// Returns these sources without the one of this backup's own password, which is the first where the backup is encrypted.
    #[must_use]
    pub fn decrypt_older(&self) -> &[SecretSource] {
        let all = self.decrypt();
        all.get(usize::from(self.choices.encrypt.is_some())..).unwrap_or_default()
    }
}

impl Action {
    /// Returns the action for the data alone; `None` where it names no log.
    fn without_log(&self) -> Option<Self> {
        let mut alone = self.clone();
        match &mut alone {
            Self::ProveOnStorage { log, .. } => log.take().map(|_| alone),
            _ => None,
        }
    }

    /// Returns the secrets that the proof sends to the server, as text; `None` where it needs none.
    #[must_use]
    pub fn secrets(&self) -> Option<String> {
        let Self::ProveOnStorage { data, access_key, decrypt, .. } = self else { return None };
        let key = access_key.as_ref().map(|_| format!("the access key of {}", data.uri_without_attributes()));
        let passwords = match decrypt.len() {
            0 => None,
            1 => Some("a password".to_owned()),
            several => Some(format!("{several} passwords")),
        };
        let parts: Vec<String> = key.into_iter().chain(passwords).collect();
        (!parts.is_empty()).then(|| parts.join(" and "))
    }
}
