//! The server's own look at the storage: `RESTORE .. PREVIEW` makes it read the lists there and choose what it would restore
//! from. It reads no data blocks, and changes nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{Cause, Fault};
use super::outcome::{Judged, Outcome, VerdictWord, Without, bounded};
use super::scn::Scn;
use super::secret::SecretSource;
use super::target::TargetName;

#[cfg(test)]
mod tests;

/// On which releases of a line the server can be asked to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofRule {
    /// On none.
    #[default]
    Never,
    /// In the Community Edition, when a person asks for it by itself.
    OnDemandInCommunity,
    /// At the end of each backup.
    OfEachBackup,
}

/// What was chosen about the look, and the secrets that go with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProofChoice {
    /// True: with secrets where it needs them; false: not at all; None: only where it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<bool>,
    /// Where the access key of the storage is to be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<SecretSource>,
    /// Where the passwords of older sets are to be found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decrypt: Vec<SecretSource>,
}

impl ProofChoice {
    /// Whether nothing was said about it.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What an answer was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The lists on the storage.
    Media,
}

impl Evidence {
    /// The word of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Media => "media",
        }
    }
}

/// What the server would restore from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When it was asked, by this host's clock.
    pub at: Timestamp,
    /// What it read.
    pub by: Evidence,
    /// The point it was asked for.
    pub until_scn: Scn,
    /// The ids of the backup sets, as it lists them.
    pub sets: Vec<u64>,
    /// The ids of the archive pieces, as it lists them.
    pub pieces: Vec<u64>,
}

impl Proof {
    /// What was found, in one line: `the server found sets 41, 38 and pieces 3 to 9 on the storage`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut sets = self.sets.clone();
        sets.sort_unstable_by(|a, b| b.cmp(a));
        let ids: Vec<String> = sets.iter().map(ToString::to_string).collect();
        let sets = if sets.len() == 1 { format!("set {}", ids.join(", ")) } else { format!("sets {}", ids.join(", ")) };
        let pieces = match (self.pieces.iter().min(), self.pieces.iter().max()) {
            (Some(first), Some(last)) if first == last => format!(" and piece {first}"),
            (Some(first), Some(last)) => format!(" and pieces {first} to {last}"),
            _ => String::new(),
        };
        format!("the server found {sets}{pieces} on the storage: its lists, not the data blocks")
    }
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It holds what is needed.
    Found(Proof),
    /// The server does not find all that is needed; what it said.
    Lacks(String),
    /// Nothing is known from it, and why.
    NoAnswer(String),
}

impl Looked {
    /// Takes the server's list, which must hold these sets.
    #[must_use]
    pub fn listed(proof: Proof, needed: &[u64]) -> Self {
        let missing: Vec<String> =
            needed.iter().filter(|id| !proof.sets.contains(id)).map(ToString::to_string).collect();
        if missing.is_empty() {
            return Self::Found(proof);
        }
        let found: Vec<String> = proof.sets.iter().map(ToString::to_string).collect();
        let named = |ids: &[String]| format!("{} {}", if ids.len() == 1 { "set" } else { "sets" }, ids.join(", "));
        Self::Lacks(format!("the server would restore from {}, not from {}", named(&found), named(&missing)))
    }

    /// Takes a refusal, or that no answer came.
    #[must_use]
    pub fn refused(fault: &Fault) -> Self {
        match fault.code {
            Some(4018) => Self::Lacks("the server answers 4018: no enough log for restore".to_owned()),
            Some(9047) => Self::NoAnswer(
                "the server answers 9047: the password of some backup set in that directory was not given, or is another"
                    .to_owned(),
            ),
            Some(9080) => Self::NoAnswer(
                "the server answers 9080: the directory has no format file where that server looks, as when it is not mounted there"
                    .to_owned(),
            ),
            Some(code) => Self::NoAnswer(format!("the server answers {code}: {} {}", fault.what, fault.why)),
            None => Self::NoAnswer(format!("{} {}", fault.what, fault.why)),
        }
    }
}

impl Judged {
    /// The same with something changed in the verdict, final or not.
    #[must_use]
    pub fn map(mut self, change: impl FnOnce(&mut Outcome)) -> Self {
        match &mut self {
            Self::Final(outcome) | Self::StillComing { meanwhile: outcome, .. } => change(outcome),
        }
        self
    }

    /// The same with why the server has not looked at the storage.
    #[must_use]
    pub fn unproven(self, why: Option<String>) -> Self {
        self.map(|outcome| outcome.proof_why = why)
    }

    /// The verdict as it stands.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        match self {
            Self::Final(outcome) | Self::StillComing { meanwhile: outcome, .. } => outcome,
        }
    }
}

/// Weighs the server's answer with the verdict of the views (R10). What the storage lacks is waited for, `at_least` so many
/// milliseconds where that is known, and makes a backup bad only where the views have been past its earliest point. `without` is what the views
/// list beside it.
#[must_use]
pub fn weigh(
    judged: Judged,
    looked: &Looked,
    target: &TargetName,
    at_least: Option<u64>,
    without: impl FnOnce() -> Without,
) -> Judged {
    match (judged, looked) {
        (Judged::Final(outcome), Looked::Lacks(why)) if outcome.verdict == VerdictWord::Restorable => {
            Judged::StillComing {
                what: bounded(format!("waits for the storage to show it: {why}"), at_least),
                at_least,
                meanwhile: Box::new(lacking(*outcome, why, target, without())),
            }
        }
        (judged, looked) => judged.map(|outcome| match looked {
            Looked::Found(proof) => {
                if outcome.verdict != VerdictWord::Restorable {
                    let told = "The views say otherwise, and a restore goes by what is on the storage.";
                    outcome.told.push(told.to_owned());
                }
                outcome.proof = Some(proof.clone());
            }
            Looked::Lacks(why) | Looked::NoAnswer(why) => outcome.proof_why = Some(why.clone()),
        }),
    }
}

/// The verdict on a set that the views list and the storage lacks.
fn lacking(by_views: Outcome, why: &str, target: &TargetName, without: Without) -> Outcome {
    let name = target.tenant().unwrap_or(target.cluster());
    let fault = Fault::new(
        Cause::Server,
        format!("The backup of {name} is done, but it cannot be restored."),
        format!("The views list it, the storage lacks it: {why}."),
        "Find out who removed it from the storage, and take a new full backup.",
    );
    Outcome {
        verdict: VerdictWord::NotRestorable,
        from: None,
        to: None,
        windows: without.windows,
        told: without.told.into_iter().collect(),
        fault: Some(fault),
        recipe: Vec::new(),
        proof_why: Some(why.to_owned()),
        ..by_views
    }
}
