//! What is found, what is typed, and the way on and back.

use super::*;
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::cluster_backup::CompactionRule;
use crate::domain::samples::{cluster, legacy, prod, wanted};
use crate::domain::template::DirKind::{Clog, Data};
use crate::domain::version::{Method, Version};
use crate::wizard::screens::storage::detected::source_label;

/// `prod` whose tenant `pay` has these destinations.
fn with_own(data: Option<&str>, archive: Option<&str>) -> Facts {
    let mut pay = tenant(1002, "pay");
    pay.data_destination = data.map(place);
    pay.archive.destination = archive.map(|uri| ArchiveDest::new(place(uri)));
    cluster(vec![pay])
}

#[test]
fn the_clusters_own_destinations_need_nothing_more() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    for part in [Data, Clog] {
        assert_eq!(source_label(&storage(&model).destination_part(part).detected), "the cluster's own destination");
    }
    assert!(press(&mut model, Key::Enter).is_empty());
    assert_eq!((model.screen, model.notice.clone(), choices(&model).storage), (Screen::Mode, None, None));
    assert!(!model.draft.as_ref().unwrap().is_edited() && storage(&model).unchecked_notes().is_empty());
    press(&mut model, Key::Esc);
    assert_eq!(model.screen, Screen::Storage);
    press(&mut model, Key::Esc);
    assert_eq!(model.screen, Screen::Detected);
}

#[test]
fn destination_sources_are_summed_over_tenants() {
    let strategy = || vec![wanted(Some("file:///strategy"), None, StorageSource::Strategy)];
    let said = |facts: Facts, name: &str, fallbacks: Vec<RequestedStorage>| {
        let model = opened(facts, name, fallbacks);
        source_label(&storage(&model).data.detected)
    };
    assert_eq!(said(three(), "prod", Vec::new()), "the own destinations of 3 tenants");
    assert_eq!(said(with_own(None, None), "prod/pay", strategy()), "the inventory's strategy");
    let last = vec![wanted(Some("file:///last"), None, StorageSource::LastTask)];
    assert_eq!(said(with_own(None, None), "prod/pay", last), "the last successful task");
    let mut facts = three();
    facts.tenants[2].data_destination = None;
    assert_eq!(said(facts.clone(), "prod", strategy()), "the inventory's strategy for 1, the own destinations of 2");
    assert_eq!(said(facts.clone(), "prod", Vec::new()), "nobody for 1, the own destinations of 2");
    // Who is not backed up at all needs no destination.
    facts.tenants[2].in_recycle_bin = true;
    assert_eq!(said(facts, "prod", Vec::new()), "the own destinations of 2 tenants");
}

#[test]
fn typing_a_data_backup_keeps_the_own_archive() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "/new/{tenant_id}");
    let expected = wanted(Some("file:///new/{tenant_id}"), Some("file:///own/clog"), StorageSource::Given);
    assert_eq!(choices(&model).storage, Some(expected));
    assert!(storage(&model).must_pass_test(Data) && !storage(&model).must_pass_test(Clog));
    let (chosen, _) = first_destination(&model, Data).unwrap();
    assert_eq!(chosen.unwrap().destination.uri_without_attributes(), "file:///new/1002/data");
    // The other row, once it is edited too, says its own.
    show_archive(&mut model);
    edit(&mut model, "/log");
    let expected = wanted(Some("file:///new/{tenant_id}"), Some("file:///log"), StorageSource::Given);
    assert_eq!(choices(&model).storage, Some(expected));
    assert!(storage(&model).must_pass_test(Clog));
}

#[test]
fn archives_of_several_tenants_are_derived() {
    let mut model = opened(three(), "prod", Vec::new());
    edit(&mut model, "/new");
    assert_eq!(choices(&model).storage, Some(wanted(Some("file:///new"), None, StorageSource::Given)));
    assert!(storage(&model).is_archive_derived() && storage(&model).must_pass_test(Clog));
    let of = |part| first_destination(&model, part).unwrap().0.unwrap().destination.uri_without_attributes();
    assert_eq!((of(Data), of(Clog)), ("file:///new/77/1002/data".into(), "file:///new/77/1002/clog".into()));
    // Edited, it begins as what it followed to.
    show_archive(&mut model);
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    assert_eq!(storage(&model).archive.form.directory.value(), "/new/{cluster_id}/{tenant_id}/{kind}");
    // Two rows of which one has no variable of a tenant are one directory for all.
    assert_eq!(model.choices(), None);
    press(&mut model, Key::Enter);
    assert_eq!((storage(&model).part, storage(&model).focus), (Data, Focus::Field(Field::Directory)));
    let notice = model.notice.clone().unwrap();
    assert!(notice.starts_with("The path file:///new is one for several tenants"), "{notice}");
}

#[test]
fn an_edit_begins_with_what_was_found_and_never_with_a_key() {
    let uri = "s3://b/pay/data?host=h&access_id=AKIA1&access_key=***&delete_mode=tagging&addressing_model=path_style";
    let mut model =
        opened(with_own(Some(uri), Some("s3://b/clog?host=h&access_id=OLD&encrypt_key=ABC")), "prod/pay", vec![]);
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    let (form, access) = (&storage(&model).data.form, &storage(&model).access);
    assert_eq!(form.kind.label(), "S3");
    assert_eq!(
        [form.directory.value(), form.domain.value(), form.options.value()],
        ["b/pay/data", "h", "delete_mode=tagging"]
    );
    assert_eq!((access.id.value(), access.key.value()), ("AKIA1", ""), "a masked key is no key");
    assert_eq!(storage(&model).typed_storage(), Err("Enter the access key.".to_owned()));
    go(&mut model, Focus::Field(Field::AccessKey));
    type_in(&mut model, "s3cr3tKEY");
    let wanted = choices(&model).storage.unwrap();
    let same = "s3://b/pay/data?host=h&addressing_model=path_style&access_id=AKIA1&delete_mode=tagging";
    assert_eq!((wanted.data.as_deref(), wanted.access_key), (Some(same), Some(SecretSource::Prompt)));
    // The archive keeps the id it has, and no key at all.
    assert_eq!(wanted.archive.as_deref(), Some("s3://b/clog?host=h&access_id=OLD"));
    assert_eq!(storage(&model).access_key().map(|key| key.expose().to_owned()).as_deref(), Some("s3cr3tKEY"));
    let (_, what) = test(&mut model);
    assert!(what.access_key.is_some());
    let printed = format!("{model:?} {what:?} {:?}", storage(&model).typed_storage());
    assert!(!printed.contains("s3cr3tKEY") && printed.contains("AKIA1"));
}

#[test]
fn an_unchanged_edit_keeps_the_directories() {
    let strategy = wanted(Some("file:///base/{cluster_id}/{tenant_id}/{kind}"), None, StorageSource::Strategy);
    let mut model = opened(with_own(None, None), "prod/pay", vec![strategy]);
    let places = |model: &Model| {
        [Data, Clog].map(|part| first_destination(model, part).unwrap().0.unwrap().destination.path().to_owned())
    };
    let before = places(&model);
    assert!(before[0].starts_with("/base/") && before[0].ends_with("/data"), "{before:?}");
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    assert!(storage(&model).data.is_typed && storage(&model).is_archive_derived());
    assert_eq!(places(&model), before);
}

#[test]
fn several_directories_are_edited_with_variables() {
    let mut facts = three();
    facts.tenants[2].data_destination = Some(place("file:///own/elsewhere"));
    let mut model = opened(facts, "prod", Vec::new());
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    assert_eq!(storage(&model).data.form.directory.value(), "", "the first one's directory is not that of the others");
    let mut facts = three();
    for (tenant, id) in facts.tenants.iter_mut().skip(2).zip([1002, 1004, 1006]) {
        tenant.data_destination = Some(place(&format!("file:///own/77/{id}/data")));
    }
    let mut model = opened(facts, "prod", Vec::new());
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    assert_eq!(storage(&model).data.form.directory.value(), "/own/{cluster_id}/{tenant_id}/{kind}");
}

#[test]
fn where_nobody_names_one_it_is_typed_at_once() {
    let mut model = opened(with_own(None, None), "prod/pay", Vec::new());
    assert_eq!(storage(&model).focus, Focus::Field(Field::Directory));
    assert!(model.is_typing() && !storage(&model).is_edited(), "nothing would be lost yet");
    assert!(press(&mut model, Key::Enter).is_empty());
    assert_eq!((model.screen, model.notice.as_deref()), (Screen::Storage, Some("Enter a storage directory.")));
    type_in(&mut model, "/b");
    assert!(storage(&model).is_edited() && storage(&model).is_archive_derived());
    let (chosen, _) = first_destination(&model, Clog).unwrap();
    assert_eq!(chosen.unwrap().destination.uri_without_attributes(), "file:///b/77/1002/clog");
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    assert_eq!(model.notice.as_deref(), Some("Nobody else names a destination: it must be typed."));
}

#[test]
fn a_tenant_without_destination_blocks_next() {
    let mut facts = three();
    facts.tenants[3].data_destination = None;
    let mut model = opened(facts, "prod", Vec::new());
    press(&mut model, Key::Enter);
    assert_eq!((model.screen, storage(&model).focus), (Screen::Storage, Focus::Edit));
    assert_eq!(model.notice.as_deref(), Some("Data backup: none for order. Enter types one for all."));
}

#[test]
fn back_and_forward_and_another_target_lose_nothing() {
    let mut model = opened(three(), "prod/pay", Vec::new());
    edit(&mut model, "/typed");
    let before = storage(&model).clone();
    press(&mut model, Key::Esc);
    assert_eq!(model.screen, Screen::Detected);
    press(&mut model, Key::Enter);
    assert_eq!((model.screen, storage(&model)), (Screen::Storage, &before));
    let _ = target::open_draft(&mut model, vec!["prod/order".parse().unwrap()]);
    assert!(!storage(&model).is_edited());
    let _ = target::open_draft(&mut model, vec!["prod/pay".parse().unwrap()]);
    assert_eq!(storage(&model), &before);
    // Nor does going back to what was found, and typing again.
    model.screen = Screen::Storage;
    go(&mut model, Focus::Edit);
    press(&mut model, Key::Enter);
    assert_eq!(choices(&model).storage, None);
    press(&mut model, Key::Enter);
    assert_eq!(storage(&model).data.form.directory.value(), "/typed");
}

#[test]
fn facts_that_come_later_change_only_what_nobody_typed() {
    let mut model = opened(with_own(None, None), "prod/pay", Vec::new());
    assert!(storage(&model).data.is_typed);
    let learn = |model: &mut Model, facts: Facts| {
        let effects = target::detect_one(model, "prod");
        let [Effect::Detect(req, _)] = effects.as_slice() else { panic!("{effects:?}") };
        answered(model, *req, facts);
    };
    learn(&mut model, prod());
    assert!(!storage(&model).data.is_typed && storage(&model).focus == Focus::Home);
    edit(&mut model, "/typed");
    learn(&mut model, with_own(Some("file:///other"), None));
    assert_eq!(storage(&model).data.form.directory.value(), "/typed");
    assert!(storage(&model).data.is_typed);
}

fn edit_again(model: &mut Model, directory: &str) {
    go(model, Focus::Field(Field::Directory));
    press(model, Key::Ctrl('u'));
    type_in(model, directory);
}

#[test]
fn below_v4_and_for_a_dump_there_is_one_destination() {
    let model = opened(legacy("3.1.2-20220101000000", CompactionRule::Enforced, 60), "legacy", Vec::new());
    assert_eq!((storage(&model).layout, storage(&model).parts()), (DestinationLayout::ClusterWide, [Data].as_slice()));
    assert_eq!(source_label(&storage(&model).data.detected), "the cluster's own destination");
    let new = legacy("3.2.3-20220804134610", CompactionRule::AsAnswered, 60);
    let mut model = opened(new, "legacy/pay", Vec::new());
    assert_eq!(storage(&model).layout, DestinationLayout::TenantBackup);
    assert!(storage(&model).data.is_typed, "a backup of tenants never goes to the destination of the cluster");
    type_in(&mut model, "/nfs/");
    let (chosen, _) = first_destination(&model, Data).unwrap();
    assert_eq!(
        chosen.unwrap().destination.uri_without_attributes(),
        "file:///nfs/{run}",
        "an empty directory each time"
    );
    let (_, what) = test(&mut model);
    assert_eq!(what.expected, crate::domain::storage_check::Expected::Empty);
    edit_again(&mut model, "/nfs/{kind}");
    assert!(storage(&model).typed_storage().unwrap_err().contains("{kind} does not go with a backup before V4"));
    let mut engine = prod();
    engine.cluster.method = Method::Logical;
    engine.cluster.version = Version::seekdb([1, 4, 0, 0], None);
    engine.tenants.retain(|tenant| tenant.name == "pay");
    engine.tenants[0].id = 0;
    let mut model = opened(engine, "prod", Vec::new());
    assert_eq!(storage(&model).layout, DestinationLayout::DumpDirectory);
    type_in(&mut model, "/dumps");
    assert_eq!(choices(&model).storage, Some(wanted(Some("file:///dumps"), None, StorageSource::Given)));
    let (chosen, _) = first_destination(&model, Data).unwrap();
    assert_eq!(chosen.unwrap().destination.path(), "/dumps");
    // Every kind of object storage can be chosen, too: this host uploads the dump.
    go(&mut model, Focus::Kind);
    for kind in ["S3", "OSS", "COS", "OBS", "Azure Blob", "File (NFS)", "S3"] {
        press(&mut model, Key::Right);
        assert_eq!((storage(&model).data.form.kind.label(), model.notice.as_deref()), (kind, None));
    }
    edit_again(&mut model, "backups/seek");
    for (field, text) in [
        (Field::Domain, "s3.example.com"),
        (Field::Region, "eu-1"),
        (Field::AccessId, "AKIA"),
        (Field::AccessKey, "k-1"),
    ] {
        go(&mut model, Focus::Field(field));
        type_in(&mut model, text);
    }
    let wanted = choices(&model).storage.unwrap();
    assert!(wanted.data.unwrap().starts_with("s3://backups/seek?host=s3.example.com&s3_region=eu-1"));
    assert!(wanted.access_key.is_some(), "the key that is typed is asked of nobody else");
    let (_, what) = test(&mut model);
    assert_eq!(what.expected, crate::domain::storage_check::Expected::OwnHost);
    assert_eq!(what.destination.attribute("access_id"), Some("AKIA"));
}

#[test]
fn a_kind_the_version_lacks_is_passed_over_with_the_reason() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "/b");
    go(&mut model, Focus::Kind);
    press(&mut model, Key::Left);
    assert_eq!(storage(&model).data.form.kind.label(), "OBS");
    let notice = model.notice.clone().unwrap();
    assert!(notice.contains("supported since V4.2.5.6 and V4.3.5.3"), "{notice}");
    press(&mut model, Key::Char(' '));
    assert_eq!(storage(&model).data.form.kind.label(), "File (NFS)");
    assert_eq!(storage(&model).data.form.directory.value(), "/b", "another kind and back loses nothing");
}

#[test]
fn a_pasted_uri_fills_the_form_without_submit() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "");
    let paste = |model: &mut Model, text: &str| update(model, Msg::Paste(text.to_owned()));
    assert!(paste(&mut model, "/pasted/dir\n").is_empty());
    assert_eq!(storage(&model).data.form.directory.value(), "/pasted/dir");
    assert_eq!(model.screen, Screen::Storage);
    assert!(paste(&mut model, "s3://b/p?host=h&access_id=ID&access_key=s3cr3t\n").is_empty());
    let notice = model.notice.clone().unwrap();
    assert!(notice.contains("has a key or a login in it and was not used") && !format!("{model:?}").contains("s3cr3t"));
    assert_eq!(storage(&model).data.form.directory.value(), "/pasted/dir");
    assert!(paste(&mut model, "s3://b/p?host=h&access_id=ID&s3_region=r1\n").is_empty());
    let form = &storage(&model).data.form;
    assert_eq!((form.kind.label(), form.directory.value(), form.region.value()), ("S3", "b/p", "r1"));
    assert_eq!(storage(&model).access.id.value(), "ID");
    paste(&mut model, "azblob://c/p?host=h");
    assert!(model.notice.as_ref().unwrap().contains("does not back up to azblob"));
    assert_eq!(storage(&model).data.form.kind.label(), "S3");
}

#[test]
fn letters_are_text_in_a_field_and_keys_outside_of_one() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "/t?q b");
    assert_eq!(storage(&model).data.form.directory.value(), "/t?q b");
    assert!(model.overlay.is_none() && !model.is_leaving);
    // Left behind, the field says what is wrong with it.
    press(&mut model, Key::Tab);
    assert!(storage(&model).visible_error(Data, Field::Directory).unwrap().contains("a question mark"));
    press(&mut model, Key::Tab);
    assert_eq!(storage(&model).focus, Focus::Test, "a Tab stop after the last field");
    press(&mut model, Key::Char('t'));
    assert_eq!(storage(&model).focus, Focus::Field(Field::Directory), "what is wrong is mended first");
}
