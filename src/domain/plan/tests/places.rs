//! R1: where the destinations come from, and which directories clash.

use super::*;
use crate::domain::choices::StorageSource::{Given, LastTask, Strategy};
use crate::domain::facts::ArchiveFacts;
use crate::domain::samples::{cluster, other_tenant, place, wanted};

/// Returns the destinations that the plan sets, in the order of their statements.
fn set(plan: &TargetPlan) -> Vec<String> {
    let uri = |action: &Action| match action {
        Action::SetDataDestination { destination, .. } => Some(destination.redacted_statement_uri()),
        Action::SetArchiveDestination { destination, .. } => Some(destination.location.redacted_statement_uri()),
        _ => None,
    };
    plan.step(StepKind::SetDestination).unwrap().actions.iter().filter_map(uri).collect()
}

fn given(data: Option<&str>, archive: Option<&str>) -> Choices {
    Choices { storage: Some(wanted(data, archive, Given)), ..choose(&["prod/pay"], Mode::Full) }
}

#[test]
fn what_is_given_becomes_two_directories() {
    for (data, archive, expected) in [
        // A base alone moves both, and so does a path with variables.
        (Some("file:///b"), None, vec!["file:///b/77/1002/clog", "file:///b/77/1002/data"]),
        (Some("file:///b/{tenant}"), None, vec!["file:///b/pay/clog", "file:///b/pay/data"]),
        (Some("file:///b/{kind}/{tenant}"), None, vec!["file:///b/clog/pay", "file:///b/data/pay"]),
        (Some("file:///b/{run}"), None, vec!["file:///b/{run}/clog", "file:///b/{run}/data"]),
        // Two destinations are used as they are.
        (Some("file:///d"), Some("file:///a"), vec!["file:///a", "file:///d"]),
        (Some("file:///d/{tenant_id}"), Some("file:///a"), vec!["file:///a", "file:///d/1002/data"]),
        (None, Some("file:///a"), vec!["file:///a"]),
        (None, Some("file:///a/{cluster}/{tenant_id}"), vec!["file:///a/prod/1002/clog"]),
        // A destination that is set already is not set again.
        (Some("file:///own/data/"), Some("file:///own/clog/"), vec![]),
        // As the server compares: another spelling is another destination.
        (Some("file:///own/data"), Some("file:///own//clog"), vec!["file:///own//clog"]),
        (Some("file:///own/data"), Some("file:///a"), vec!["file:///a"]),
        (Some("file:///own/{kind}"), None, vec![]),
    ] {
        let plan = planned(&prod(), &given(data, archive));
        assert_eq!(set(&plan), expected, "{data:?} {archive:?}");
    }
}

#[test]
fn a_path_with_two_dots_is_shown_as_it_is() {
    let plan = planned(&prod(), &given(Some("file:///d..e"), Some("file:///own/clog")));
    let effect = &plan.step(StepKind::SetDestination).unwrap().effect;
    assert!(effect.starts_with("DATA_BACKUP_DEST becomes file:///d..e (given); the chain"), "{effect}");
    assert!(effect.ends_with("full. This setting stays: later scheduled backups go there too."), "{effect}");
}

#[test]
fn the_clusters_own_destination_goes_before_the_inventorys() {
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.fallbacks = vec![
        crate::domain::choices::RequestedStorage {
            tenants: Some(vec!["else".into()]),
            ..wanted(Some("file:///not-ours"), None, Strategy)
        },
        wanted(Some("file:///strategy"), None, Strategy),
        wanted(Some("file:///last"), None, LastTask),
    ];
    let mut facts = prod();
    assert_eq!(set(&planned(&facts, &choices)), Vec::<String>::new());
    // Only the missing destination is filled in.
    facts.tenants[2].data_destination = None;
    assert_eq!(set(&planned(&facts, &choices)), ["file:///strategy/77/1002/data"]);
    facts.tenants[2].archive = ArchiveFacts { destination: None, ..crate::domain::samples::archive(None) };
    assert_eq!(set(&planned(&facts, &choices)), ["file:///strategy/77/1002/clog", "file:///strategy/77/1002/data"]);
    // Where only one destination is given, the other comes from the next source.
    choices.storage = Some(wanted(None, Some("file:///a"), Given));
    let plan = planned(&facts, &choices);
    assert_eq!(set(&plan), ["file:///a", "file:///strategy/77/1002/data"]);
    let effect = &plan.step(StepKind::SetDestination).unwrap().effect;
    assert!(effect.contains("file:///a (given)") && effect.contains("data (the inventory's strategy)"), "{effect}");
    facts.tenants[2].data_destination = Some(place("file:///own/data"));
    choices.storage = None;
    assert_eq!(set(&planned(&facts, &choices)), ["file:///strategy/77/1002/clog"]);
}

#[test]
fn what_nobody_said_is_asked_for_by_its_flag() {
    let mut facts = prod();
    facts.tenants[2].archive = ArchiveFacts { destination: None, ..crate::domain::samples::archive(None) };
    let fault = refused(&facts, &choose(&["prod/pay"], Mode::Full));
    assert_eq!((fault.cause, fault.what.as_str()), (Cause::Usage, "prod/pay has no log archive destination."));
    assert!(fault.next.contains("--archive-storage URI"), "{}", fault.next);
    facts.tenants[2].data_destination = None;
    let fault = refused(&facts, &choose(&["prod/pay"], Mode::Full));
    assert_eq!((fault.cause, fault.what.as_str()), (Cause::Usage, "prod/pay has no data backup destination."));
    assert!(fault.next.contains("--storage URI"), "{}", fault.next);
}

#[test]
fn what_cannot_be_used_is_refused_with_its_reason() {
    for (data, archive, says) in [
        (Some("ftp://x"), None, "ftp"),
        (Some("file:///b/{town}/{tenant}"), None, "{town} is not a variable"),
        (Some("file:///b/{tenant"), None, "brace"),
        (Some("oss://b/p?host=h&access_key=CANARY"), None, "--access-key-from"),
        (Some("file:///d"), Some("file:///d"), "would share the directory"),
        (Some("file:///d"), Some("file:///d/x"), "lies inside"),
    ] {
        let fault = refused(&prod(), &given(data, archive));
        assert_eq!(fault.cause, Cause::Usage, "{fault}");
        assert!(fault.to_string().contains(says), "{data:?}: {fault}");
        assert!(!fault.to_string().contains("CANARY"), "{fault}");
    }
}

#[test]
fn several_tenants_need_a_path_for_each() {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    let with = |data: &str, archive: Option<&str>| Choices {
        storage: Some(wanted(Some(data), archive, Given)),
        ..choose(&["prod"], Mode::Full)
    };
    for (data, archive) in [
        ("file:///b/{cluster}", None),
        ("file:///d", Some("file:///a/{tenant}")),
        ("file:///d/{tenant}", Some("file:///a")),
    ] {
        let fault = refused(&facts, &with(data, archive));
        assert!(fault.why.contains("is one for several tenants"), "{data}: {fault}");
    }
    let only_archive =
        Choices { storage: Some(wanted(None, Some("file:///a"), Given)), ..choose(&["prod"], Mode::Full) };
    assert!(refused(&facts, &only_archive).why.contains("is one for several tenants"));
    let made = plan(&facts, &with("file:///b", None)).unwrap();
    let all: Vec<Vec<String>> = made.targets.iter().map(set).collect();
    assert_eq!(
        all,
        [["file:///b/77/1002/clog", "file:///b/77/1002/data"], ["file:///b/77/1004/clog", "file:///b/77/1004/data"]]
    );
}

#[test]
fn a_new_directory_must_be_nobodys() {
    let facts = cluster(vec![tenant(1002, "pay"), other_tenant(1004, "log")]);
    // The other tenant is not backed up, and its directories count all the same.
    for (data, archive, says) in [
        (Some("file:///own/1004/data"), Some("file:///own/clog"), "would share the directory file:///own/1004/data"),
        (None, Some("file:///own/1004/data"), "would share"),
        (None, Some("file:///own/data"), "prod/pay (data) and prod/pay (clog) would share"),
        (Some("file:///own/1004"), Some("file:///own/clog"), "lies inside the one of prod/pay (data)"),
    ] {
        let refusal = plan(&facts, &given(data, archive)).unwrap_err();
        assert!(refusal.fault.what.contains(says), "{data:?} {archive:?}: {}", refusal.fault.what);
        assert_eq!(refusal.fault.cause, Cause::Usage);
        assert!(!refusal.checks.is_empty(), "the checks that were made can be shown");
    }
    // Directories that stay were accepted by the server, even where they clash.
    let mut strange = facts.clone();
    strange.tenants[3].data_destination = Some(place("file:///own/data"));
    assert!(plan(&strange, &choose(&["prod"], Mode::Full)).is_ok());
    // A new directory may lie below one that stays: it is a directory of its own.
    assert!(plan(&facts, &given(Some("file:///own/1004/data/x"), Some("file:///own/clog"))).is_ok());
}

#[test]
fn object_storage_needs_its_id_and_its_key() {
    let uri = "oss://b/data?host=h";
    let mut choices = given(Some(uri), Some("file:///own/clog"));
    let fault = refused(&prod(), &choices);
    assert_eq!(fault.cause, Cause::Usage);
    assert!(fault.next.contains("--access-id"), "{fault}");
    choices.storage.as_mut().unwrap().access_id = Some("id".into());
    let fault = refused(&prod(), &choices);
    assert!(fault.next.contains("--access-key-from"), "{fault}");
    choices.storage.as_mut().unwrap().access_key = Some(SecretSource::File("/k".into()));
    let plan = planned(&prod(), &choices);
    assert_eq!(set(&plan), ["oss://b/data?host=h&access_id=id&access_key=***"]);
    let Action::SetDataDestination { access_key, .. } = &plan.step(StepKind::SetDestination).unwrap().actions[0] else {
        unreachable!()
    };
    assert_eq!(*access_key, Some(SecretSource::File("/k".into())));
    // A missing host is named too, and a role needs neither id nor key.
    let fault = refused(&prod(), &given(Some("oss://b/data"), Some("file:///own/clog")));
    assert!(fault.to_string().contains("host"), "{fault}");
    let role = given(Some("oss://b/data?host=h&role_arn=r"), Some("file:///own/clog"));
    assert_eq!(set(&planned(&prod(), &role)), ["oss://b/data?host=h&role_arn=r"]);
}

#[test]
fn an_id_given_for_one_storage_does_not_touch_the_other() {
    let mut facts = prod();
    facts.tenants[2].data_destination = Some(place("oss://own/data?host=h&access_id=mine&access_key=***"));
    let mut choices = given(None, Some("oss://new/clog?host=h"));
    let storage = choices.storage.as_mut().unwrap();
    storage.access_id = Some("theirs".into());
    storage.access_key = Some(SecretSource::Stdin);
    assert_eq!(set(&planned(&facts, &choices)), ["oss://new/clog?host=h&access_id=theirs&access_key=***"]);
    // A destination that stays needs no key.
    assert_eq!(set(&planned(&facts, &choose(&["prod/pay"], Mode::Full))), Vec::<String>::new());
}
