//! The plan file: a saved plan as YAML, with the words of the command line. It holds no secret, only the source of each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::inventory_file::{bounded, sentence, syntax};
use super::{locate::locate, private_file};
use crate::domain::choices::{Choices, CompactionChoice, Mode, NoFullPolicy, RequestedStorage, StorageSource};
use crate::domain::digest;
use crate::domain::dump::ExcludedTables;
use crate::domain::fault::{Cause, Fault};
use crate::domain::identity::Created;
use crate::domain::plan::ExcludedTarget;
use crate::domain::preflight::CheckId;
use crate::domain::proof::ProofChoice;
use crate::domain::saved_plan::{ExpectedCluster, FileDigest, SavedPlan};
use crate::domain::secret::SecretSource;
use crate::domain::step::StepKind;
use crate::domain::target::TargetName;
use crate::domain::task::{PreviewStep, shared, unshared};

#[cfg(test)]
mod tests;

const FILE_LABEL: &str = "The plan file";

/// The format of the file, and the only one so far.
pub const FORMAT: u64 = 1;

/// The most targets of one plan: more than a cluster can have tenants.
const MOST_TARGETS: usize = 10_000;

/// The id of the sys tenant, whose creation identifies a cluster.
const SYS: u64 = 1;

const HEAD: &str = "\
# A backup that was planned with obnow and not started; it holds no secret. Run it with: obnow backup --plan FILE
# It is planned again then: `choices` are made again, `expect` must still hold, and what differs from `shown` is printed.
";

/// Writes a saved plan to a new file, with mode 0600; an existing one is never overwritten.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn write(path: &Path, plan: &SavedPlan) -> Result<(), Fault> {
    private_file::write_new(path, FILE_LABEL, &text(plan)?)
}

/// Reads the saved plan of this file.
///
/// # Errors
/// There is no file, others may write it, or it is not a plan of a known format; with the position in the file.
pub fn read(path: &Path) -> Result<SavedPlan, Fault> {
    let Some(bytes) = private_file::read_open(path, FILE_LABEL)? else {
        return Err(Fault::new(
            Cause::Usage,
            format!("{FILE_LABEL} {} is not there.", path.display()),
            "There is no file of that name.",
            "Name the right file, or save one with: obnow backup TARGET --mode full --save-plan FILE.",
        ));
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        unusable(path, &format!("line {line}: the text is not UTF-8"))
    })?;
    parse(text, path)
}

/// Returns the saved plan as YAML, with its digest.
///
/// # Errors
/// Never in practice: every plan can be written as YAML.
pub fn text(plan: &SavedPlan) -> Result<String, Fault> {
    let mut file = File::of(plan);
    file.expect.digest = Some(digest_of(&mut file));
    let yaml = serde_yaml::to_string(&file).map_err(|error| {
        Fault::new(
            Cause::Internal,
            "The plan cannot be written as YAML.",
            format!("The writer says: {error}."),
            "Report this as a fault of obnow.",
        )
    })?;
    Ok(format!("{HEAD}{yaml}"))
}

/// Parses the saved plan in this text; `path` appears only in errors.
///
/// # Errors
/// Another format, an unknown key, a wrong type or a missing part: with its path, line and column where known.
pub fn parse(text: &str, path: &Path) -> Result<SavedPlan, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let at = |place: &str, why: &str| unusable(path, &sentence(place, locate(text, place), why));
    let wrong = |error: &serde_yaml::Error| unusable(path, &syntax(text, error));
    bounded(text).map_err(|why| unusable(path, &why))?;
    // The format comes first: this release need not know the keys of a newer one.
    let head: Head = serde_yaml::from_str(text).map_err(|error| wrong(&error))?;
    match head.format {
        None => return Err(at("", "there is no `format`, so this is no plan file")),
        Some(format) if format.as_u64() == Some(FORMAT) => {}
        Some(format) if format.as_u64().is_some_and(|format| format > FORMAT) => {
            let why = format!("it is of a newer obnow; this one knows format {FORMAT}");
            return Err(Fault { next: "Run it with that obnow, or save it anew.".into(), ..at("format", &why) });
        }
        Some(_) => return Err(at("format", &format!("it must be {FORMAT}"))),
    }
    let mut file: File = serde_yaml::from_str(text).map_err(|error| wrong(&error))?;
    if file.choices.targets.is_empty() {
        return Err(at("choices.targets", "at least one target is needed"));
    }
    if file.choices.targets.len() > MOST_TARGETS {
        return Err(at("choices.targets", &format!("there are more than {MOST_TARGETS} targets")));
    }
    let placeless = file.choices.storage.is_none() && file.choices.archive_storage.is_none();
    if placeless && let Some(key) = file.choices.key_without_storage() {
        return Err(at(&format!("choices.{key}"), "it belongs to a `storage` or `archive_storage`, and there is none"));
    }
    let digest = match file.expect.digest.clone() {
        None => FileDigest::Missing,
        Some(kept) if kept == digest_of(&mut file) => FileDigest::Matches,
        Some(_) => FileDigest::Differs,
    };
    let saved = SavedPlan::try_from(file)
        .map_err(|owner| at("shown.steps", &format!("a step has the statements of {owner}, and that has none")))?;
    Ok(SavedPlan { digest, ..saved })
}

/// Returns the digest of everything in the file except the digest itself, independent of the layout of the YAML.
fn digest_of(file: &mut File) -> String {
    let kept = file.expect.digest.take();
    // What serializes as YAML does so as JSON.
    let text = serde_json::to_vec(file).unwrap_or_default();
    file.expect.digest = kept;
    digest::digest_of(&text)
}

fn unusable(path: &Path, why: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        format!("{FILE_LABEL} {} cannot be used.", path.display()),
        format!("{}.", why.trim_end_matches('.')),
        "Correct it there, or save it anew with --save-plan.",
    )
}

/// The part of the file that shows whether the rest can be read.
#[derive(Deserialize)]
struct Head {
    format: Option<serde_yaml::Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u64,
    saved: Timestamp,
    choices: Chosen,
    expect: Expected,
    shown: Shown,
}

/// The choices, under the names of their options.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    targets: Vec<TargetName>,
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    storage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive_storage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_id: Option<String>,
    #[serde(default, with = "word", skip_serializing_if = "Option::is_none")]
    access_key_from: Option<SecretSource>,
    compact: CompactionChoice,
    #[serde(default)]
    plus_archivelog: bool,
    #[serde(default, with = "word", skip_serializing_if = "Option::is_none")]
    encrypt_from: Option<SecretSource>,
    no_full: NoFullPolicy,
    #[serde(default)]
    skip: BTreeSet<CheckId>,
    #[serde(default, skip_serializing_if = "ExcludedTables::is_empty")]
    exclude_table: ExcludedTables,
    /// `--prove` where true, `--no-proof` where false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prove: Option<bool>,
    #[serde(default, with = "word", skip_serializing_if = "Option::is_none")]
    prove_access_key_from: Option<SecretSource>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    decrypt_from: Vec<Word>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    resume_archive: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    proven_archives: BTreeSet<String>,
}

/// The source of a secret in a list.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Word(#[serde(with = "word")] Option<SecretSource>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    cluster_id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cluster_created: Option<Timestamp>,
    /// The tenant that was created then; absent where it is sys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_tenant: Option<u64>,
    version: String,
    tenant_ids: BTreeMap<TargetName, u64>,
    /// The digest of everything else in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    steps: Vec<ShownStep>,
    #[serde(default)]
    left_out: Vec<ShownLeftOut>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownStep {
    target: TargetName,
    step: StepKind,
    needed: bool,
    effect: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    interrupts: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    statements: Vec<String>,
    /// The target whose step of that kind has the same statements, which are not repeated here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statements_of: Option<TargetName>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShownLeftOut {
    target: TargetName,
    reason: String,
}

impl Chosen {
    fn of(choices: &Choices) -> Self {
        let storage = choices.storage.as_ref();
        Self {
            targets: choices.targets.clone(),
            mode: choices.mode,
            storage: storage.and_then(|wanted| wanted.data.clone()),
            archive_storage: storage.and_then(|wanted| wanted.archive.clone()),
            access_id: storage.and_then(|wanted| wanted.access_id.clone()),
            access_key_from: storage.and_then(|wanted| wanted.access_key.clone()),
            compact: choices.compact,
            plus_archivelog: choices.plus_archivelog,
            encrypt_from: choices.encrypt.clone(),
            no_full: choices.no_full,
            skip: choices.skip.clone(),
            exclude_table: choices.exclude.clone(),
            prove: choices.proof.asked,
            prove_access_key_from: choices.proof.access_key.clone(),
            decrypt_from: choices.proof.decrypt.iter().cloned().map(|source| Word(Some(source))).collect(),
            resume_archive: choices.resume_archive,
            proven_archives: choices.proven_archives.clone(),
        }
    }

    fn key_without_storage(&self) -> Option<&'static str> {
        match (&self.access_id, &self.access_key_from) {
            (Some(_), _) => Some("access_id"),
            (None, Some(_)) => Some("access_key_from"),
            (None, None) => None,
        }
    }
}

impl From<Chosen> for Choices {
    fn from(chosen: Chosen) -> Self {
        let given = chosen.storage.is_some() || chosen.archive_storage.is_some();
        let storage = given.then_some(RequestedStorage {
            data: chosen.storage,
            archive: chosen.archive_storage,
            access_id: chosen.access_id,
            access_key: chosen.access_key_from,
            source: StorageSource::Given,
            tenants: None,
        });
        Self {
            storage,
            plus_archivelog: chosen.plus_archivelog,
            compact: chosen.compact,
            encrypt: chosen.encrypt_from,
            no_full: chosen.no_full,
            skip: chosen.skip,
            exclude: chosen.exclude_table,
            proof: ProofChoice {
                asked: chosen.prove,
                access_key: chosen.prove_access_key_from,
                decrypt: chosen.decrypt_from.into_iter().filter_map(|word| word.0).collect(),
            },
            resume_archive: chosen.resume_archive,
            proven_archives: chosen.proven_archives,
            ..Self::new(chosen.targets, chosen.mode)
        }
    }
}

impl File {
    fn of(plan: &SavedPlan) -> Self {
        let steps = shared(&plan.shown).map(|(step, owner)| ShownStep {
            target: step.target.clone(),
            step: step.step,
            needed: step.needed,
            effect: step.effect.clone(),
            interrupts: step.interrupts.clone(),
            statements: if owner.is_some() { Vec::new() } else { step.statements.clone() },
            statements_of: owner.cloned(),
        });
        let left_out = plan.left_out.iter().cloned();
        Self {
            format: FORMAT,
            saved: plan.saved,
            choices: Chosen::of(&plan.choices),
            expect: Expected {
                cluster_id: plan.expect.cluster_id,
                cluster_created: plan.expect.created.map(|created| created.at),
                created_tenant: plan.expect.created.map(|created| created.tenant).filter(|tenant| *tenant != SYS),
                version: plan.expect.version.clone(),
                tenant_ids: plan.expect.tenant_ids.clone(),
                digest: None,
            },
            shown: Shown {
                steps: steps.collect(),
                left_out: left_out.map(|left| ShownLeftOut { target: left.target, reason: left.reason }).collect(),
            },
        }
    }
}

impl TryFrom<File> for SavedPlan {
    /// The target that a step takes its statements from, where that target has none.
    type Error = TargetName;

    fn try_from(file: File) -> Result<Self, TargetName> {
        let Expected { cluster_id, cluster_created, created_tenant, version, tenant_ids, digest: _ } = file.expect;
        let created = cluster_created.map(|at| Created { tenant: created_tenant.unwrap_or(SYS), at });
        let steps = file.shown.steps.into_iter().map(|step| {
            let ShownStep { target, step, needed, effect, interrupts, statements, statements_of } = step;
            (PreviewStep { target, step, needed, statements, effect, interrupts }, statements_of)
        });
        let left_out = file.shown.left_out.into_iter();
        Ok(Self {
            saved: file.saved,
            choices: file.choices.into(),
            expect: ExpectedCluster { cluster_id, created, version, tenant_ids },
            shown: unshared(steps.collect())?,
            left_out: left_out.map(|left| ExcludedTarget { target: left.target, reason: left.reason }).collect(),
            digest: FileDigest::Matches,
        })
    }
}

/// (De)serialises a source as the command line writes it. A secret in its place is refused and not repeated.
mod word {
    use serde::de::{Deserializer, Error};
    use serde::ser::Serializer;

    use crate::config::values::source::{SourceForm, SourceVisitor};
    use crate::domain::secret::SecretSource;

    #[allow(clippy::ref_option, reason = "serde calls it with a reference")]
    pub fn serialize<S: Serializer>(source: &Option<SecretSource>, to: S) -> Result<S::Ok, S::Error> {
        match source {
            Some(source) => to.serialize_str(&source.word()),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretSource>, D::Error> {
        from.deserialize_any(SourceVisitor(Source))
    }

    const EXPECTED: &str = "write env:NAME, file:PATH or stdin; a secret itself is never written here";

    struct Source;

    impl SourceForm for Source {
        const SHORT: &'static str = "env:NAME, file:PATH or stdin";

        fn refused(&self) -> &'static str {
            EXPECTED
        }

        // A key without a value is a mistake: if it meant "not encrypted", the backup would be unprotected.
        fn unit<E: Error>(self) -> Result<Option<SecretSource>, E> {
            Err(E::custom("the value is missing; leave the key out where nothing is meant"))
        }

        fn text(&self, text: &str) -> Option<SecretSource> {
            SecretSource::from_word(text).ok()
        }
    }
}
