//! When the storage proof is requested, and which secrets it needs (R10).

use super::*;
use crate::domain::facts::Scope;
use crate::domain::proof::{ProofChoice, ProofRule};
use crate::domain::samples::{cluster, place};

const OSS: &str = "oss://b/p/data?host=h&access_id=i";
const OSS_LOG: &str = "oss://b/p/clog?host=h&access_id=i";

fn stored_at(data: &str, log: &str) -> Facts {
    let mut pay = tenant(1002, "pay");
    pay.data_destination = Some(place(data));
    if let Some(archive) = &mut pay.archive.destination {
        archive.location = place(log);
    }
    cluster(vec![pay])
}

fn choosing(asked: Option<bool>) -> Choices {
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.proof.asked = asked;
    choices
}

/// Returns the letters of the proofs, and why there is none.
fn looks(facts: &Facts, choices: &Choices) -> (String, Option<String>) {
    let plan = planned(facts, choices);
    (letters(&plan, StepKind::ConfirmRestorable), plan.proof_why)
}

fn why(facts: &Facts, choices: &Choices) -> String {
    let (none, why) = looks(facts, choices);
    assert_eq!(none, "");
    why.unwrap()
}

#[test]
fn by_itself_only_where_no_secret_is_needed() {
    assert_eq!(looks(&prod(), &choosing(None)), ("L".to_owned(), None));
    let role = "s3://b/p/data?host=h&s3_region=r&role_arn=arn:x";
    assert_eq!(looks(&stored_at(role, role), &choosing(None)).0, "L");
    let needs_key = stored_at(OSS, OSS_LOG);
    let said = why(&needs_key, &choosing(None));
    assert_eq!(said, "it needs the access key of the storage, and secrets are sent only with --prove");
    assert_eq!(planned(&needs_key, &choosing(None)).proof_needs.as_deref(), Some("the access key of the storage"));
    let mut encrypting = choosing(None);
    encrypting.encrypt = Some(SecretSource::Stdin);
    assert!(why(&prod(), &encrypting).contains("the password of this backup"));
    let mut pay = tenant(1002, "pay");
    let mut set = full(1);
    set.path = pay.data_destination.as_ref().unwrap().uri_without_attributes();
    set.encryption_mode = "PASSWORD".to_owned();
    pay.sets = vec![set.clone()];
    assert!(why(&cluster(vec![pay.clone()]), &choosing(None)).contains("the password of set 1"));
    // A set in another directory does not count.
    set.path = "file:///elsewhere".to_owned();
    pay.sets = vec![set];
    assert_eq!(looks(&cluster(vec![pay]), &choosing(None)).0, "L");
}

#[test]
fn with_prove_the_secrets_go_along_and_it_is_said_where_to() {
    let mut choices = choosing(Some(true));
    choices.encrypt = Some(SecretSource::Env("OWN".into()));
    choices.proof.decrypt = vec![SecretSource::Env("OLD".into())];
    let plan = planned(&stored_at(OSS, OSS_LOG), &choices);
    let step = plan.step(StepKind::ConfirmRestorable).unwrap();
    let Action::ProveOnStorage { data, log, access_key, decrypt } = &step.actions[0] else { unreachable!("{step:?}") };
    assert_eq!((data, log.as_ref()), (&place(OSS), Some(&place(OSS_LOG))));
    assert_eq!(access_key, &Some(SecretSource::Prompt), "nobody named it, so it is asked for before the start");
    assert_eq!(decrypt.len(), 2);
    let note = plan.notes.iter().find(|note| note.contains("audit and logs may keep it")).unwrap();
    assert!(note.contains("the access key of oss://b/p/data and 2 passwords to the server 10.0.0.1:2881"), "{note}");
    assert!(step.effect.contains("MIN_RESTORE_SCN is filled in"));
}

#[test]
fn where_it_cannot_be_asked_the_reason_is_kept() {
    assert_eq!(why(&prod(), &choosing(Some(false))), "it was left out by --no-proof");
    let mut proxied = prod();
    proxied.cluster.through_proxy = Some(true);
    assert!(why(&proxied, &choosing(Some(true))).contains("through a proxy"));
    let mut own = prod();
    own.cluster.scope = Scope::Tenant;
    assert!(why(&own, &choosing(None)).contains("only the sys tenant"));
    let mut old = prod();
    old.cluster.proof = ProofRule::Never;
    assert!(why(&old, &choosing(None)).ends_with("cannot be asked to look at the storage"));
    let other = "oss://b/p/clog?host=h&access_id=other";
    assert!(why(&stored_at(OSS, other), &choosing(Some(true))).contains("different access ids"));
    let comma = stored_at("file:///a,b/data", "file:///a/clog");
    assert!(why(&comma, &choosing(None)).contains("has a comma"));
}

#[test]
fn a_set_with_its_own_log_may_be_asked_for_alone() {
    let mut choices = choosing(None);
    choices.plus_archivelog = true;
    let plan = planned(&prod(), &choices);
    let step = plan.step(StepKind::ConfirmRestorable).unwrap();
    let logs: Vec<bool> = step
        .actions
        .iter()
        .map(|action| matches!(action, Action::ProveOnStorage { log, .. } if log.is_some()))
        .collect();
    assert_eq!(logs, [true, false]);
}

#[test]
fn a_choice_that_was_not_made_is_not_written_down() {
    let text = serde_json::to_string(&choosing(None)).unwrap();
    assert!(!text.contains("proof"), "{text}");
    let old: Choices = serde_json::from_str(&text).unwrap();
    assert_eq!(old.proof, ProofChoice::default());
    let asked = serde_json::to_string(&choosing(Some(true))).unwrap();
    assert_eq!(serde_json::from_str::<Choices>(&asked).unwrap(), choosing(Some(true)));
}
