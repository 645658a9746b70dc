//! Strategies of property tests: every combination of choices that a user can make.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use crate::domain::choices::{Choices, CompactionChoice, Mode, NoFullPolicy, RequestedStorage, StorageSource};
use crate::domain::dump::ExcludedTables;
use crate::domain::preflight::CheckId;
use crate::domain::secret::SecretSource;
use crate::domain::target::TargetName;

/// Returns names with any character that a server allows in one: dashes, quotes and letters of other scripts among them.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9_-]{1,8}", r"[^/\p{C}\p{Z}]([^/\p{C}]{0,6}[^/\p{C}\p{Z}])?"]
}

fn target() -> impl Strategy<Value = TargetName> {
    (name(), of(name())).prop_map(|(cluster, tenant)| match tenant {
        Some(tenant) => TargetName::tenant_named(&cluster, &tenant).unwrap(),
        None => TargetName::cluster_named(&cluster).unwrap(),
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["(file|s3|oss)://[a-z0-9/{}._-]{0,20}(\\?host=[a-z.:]{1,9})?", "-[a-z]{0,5}", "\\PC{0,12}"]
}

fn source() -> impl Strategy<Value = SecretSource> {
    prop_oneof![
        "[A-Z_]{1,12}".prop_map(SecretSource::Env),
        "\\PC{1,20}".prop_map(SecretSource::File),
        "\\PC{1,20}".prop_map(SecretSource::Command),
        Just(SecretSource::Stdin),
        Just(SecretSource::Prompt),
    ]
}

fn storage() -> impl Strategy<Value = RequestedStorage> {
    let uris = (of(text()), of(text())).prop_filter("one of them is given", |(a, b)| a.is_some() || b.is_some());
    (uris, of(text()), of(source())).prop_map(|((data, archive), access_id, access_key)| RequestedStorage {
        data,
        archive,
        access_id,
        access_key,
        source: StorageSource::Given,
        tenants: None,
    })
}

/// Returns any choices of a user, without what the inventory adds.
pub fn any_choices() -> impl Strategy<Value = Choices> {
    let words = (
        prop_oneof![Just(Mode::Full), Just(Mode::Incremental)],
        prop_oneof![Just(CompactionChoice::Auto), Just(CompactionChoice::Never)],
        prop_oneof![Just(NoFullPolicy::Fail), Just(NoFullPolicy::Full), Just(NoFullPolicy::Skip)],
    );
    let skip = proptest::collection::btree_set(proptest::sample::select(CheckId::ALL.to_vec()), 0..3);
    let table = prop_oneof!["[a-z]{1,4}[.][a-z_]{1,6}", "-[a-z]{1,3}[.][ -~]{1,6}"];
    let exclude = proptest::collection::btree_set(table, 0..3).prop_map(ExcludedTables);
    (vec(target(), 1..4), words, of(storage()), any::<(bool, bool)>(), of(source()), skip, exclude).prop_map(
        |(targets, (mode, compact, no_full), storage, (plus_archivelog, resume_archive), encrypt, skip, exclude)| {
            Choices {
                storage,
                plus_archivelog,
                compact,
                encrypt,
                no_full,
                skip,
                resume_archive,
                exclude,
                ..Choices::new(targets, mode)
            }
        },
    )
}

/// Returns the choices as they read back from a command line or a plan file: a secret that was typed, or printed by a
/// command, is read from standard input there.
pub fn with_lasting_sources(mut choices: Choices) -> Choices {
    let given_anew = |source: &mut SecretSource| {
        if matches!(source, SecretSource::Command(_) | SecretSource::Prompt) {
            *source = SecretSource::Stdin;
        }
    };
    choices.encrypt.iter_mut().for_each(given_anew);
    choices.storage.iter_mut().filter_map(|storage| storage.access_key.as_mut()).for_each(given_anew);
    choices
}
