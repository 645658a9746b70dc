//! The storage proof: with `RESTORE .. PREVIEW` the server reads the catalogues on the storage and chooses what it would restore
//! from. It reads no data blocks and changes nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{Cause, Fault};
use super::outcome::{Assessment, OtherBackups, Outcome, VerdictKind, bounded};
use super::scn::Scn;
use super::secret::SecretSource;
use super::target::TargetName;

#[cfg(test)]
mod tests;

/// When the servers of a release line can be asked for the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofRule {
    /// Never.
    #[default]
    Never,
    /// In the Community Edition, and only when the proof is requested alone.
    OnDemandInCommunity,
    /// At the end of each backup.
    OfEachBackup,
}

/// The choice about the proof, and the sources of the secrets that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProofChoice {
    /// Whether it is requested: `true`, even where it needs secrets; `false`, never; `None`, only where it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<bool>,
    /// Where the access key of the storage is read from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<SecretSource>,
    /// Where the passwords of older sets are read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decrypt: Vec<SecretSource>,
}

impl ProofChoice {
    /// Returns whether nothing was chosen.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the server read for a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The catalogues on the storage.
    Media,
}

impl Evidence {
    /// Returns the word of JSON.
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
    /// The moment of the request, by this host's clock.
    pub at: Timestamp,
    /// What the server read.
    pub by: Evidence,
    /// The point to which a restore was previewed.
    pub until_scn: Scn,
    /// The ids of the backup sets, in the server's order.
    pub sets: Vec<u64>,
    /// The ids of the archive pieces, in the server's order.
    pub pieces: Vec<u64>,
}

impl Proof {
    /// Returns the proof as one line of text: `the server found sets 41, 38 and pieces 3 to 9 on the storage`.
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

/// The result of a preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofAnswer {
    /// The storage holds what is needed.
    Found(Proof),
    /// The server does not find all that is needed; its reason.
    Lacks(String),
    /// The preview shows nothing, and why.
    NoAnswer(String),
}

impl ProofAnswer {
    /// Returns the result of the server's list, which must contain the `needed` sets.
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

    /// Returns the result of a preview that was refused or got no answer.
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

impl Assessment {
    /// Returns the verdict with a change in its outcome, final or not.
    #[must_use]
    pub fn map(mut self, change: impl FnOnce(&mut Outcome)) -> Self {
        match &mut self {
            Self::Final(outcome) | Self::Pending { interim: outcome, .. } => change(outcome),
        }
        self
    }

    /// Returns the verdict with the reason why there is no storage proof.
    #[must_use]
    pub fn unproven(self, why: Option<String>) -> Self {
        self.map(|outcome| outcome.proof_why = why)
    }

    /// Returns the outcome, which is preliminary while the log is still coming.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        match self {
            Self::Final(outcome) | Self::Pending { interim: outcome, .. } => outcome,
        }
    }
}

/// Combines the result of a preview with the verdict of the views (R10). Where the views say restorable and the storage lacks
/// something, the verdict becomes a wait, with a bound derived from `at_least` milliseconds, that ends as not restorable. Every
/// other verdict stays as the views gave it. `without` returns what the views show to be restorable by other sets.
#[must_use]
pub fn apply_proof(
    judged: Assessment,
    looked: &ProofAnswer,
    target: &TargetName,
    at_least: Option<u64>,
    without: impl FnOnce() -> OtherBackups,
) -> Assessment {
    match (judged, looked) {
        (Assessment::Final(outcome), ProofAnswer::Lacks(why)) if outcome.verdict == VerdictKind::Restorable => {
            Assessment::Pending {
                what: bounded(format!("waits for the storage to show it: {why}"), at_least),
                at_least,
                interim: Box::new(lacking(*outcome, why, target, without())),
            }
        }
        (judged, looked) => judged.map(|outcome| match looked {
            ProofAnswer::Found(proof) => {
                if outcome.verdict != VerdictKind::Restorable {
                    let told = "The views say otherwise, and a restore goes by what is on the storage.";
                    outcome.notes.push(told.to_owned());
                }
                outcome.proof = Some(proof.clone());
            }
            ProofAnswer::Lacks(why) | ProofAnswer::NoAnswer(why) => outcome.proof_why = Some(why.clone()),
        }),
    }
}

/// Returns the outcome of a set that the views list and the storage lacks.
fn lacking(by_views: Outcome, why: &str, target: &TargetName, without: OtherBackups) -> Outcome {
    let name = target.tenant().unwrap_or(target.cluster());
    let fault = Fault::new(
        Cause::Server,
        format!("The backup of {name} is done, but it cannot be restored."),
        format!("The views list it, the storage lacks it: {why}."),
        "Find out who removed it from the storage, and take a new full backup.",
    );
    Outcome {
        verdict: VerdictKind::NotRestorable,
        from: None,
        to: None,
        windows: without.windows,
        notes: without.told.into_iter().collect(),
        fault: Some(fault),
        restore_instructions: Vec::new(),
        proof_why: Some(why.to_owned()),
        ..by_views
    }
}
