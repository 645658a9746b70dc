//! The Test: what is sent, what comes back, for what it counts, and what may go on.

use super::*;
use crate::domain::facts::TenantFacts;
use crate::domain::samples::{cluster, prod, wanted};
use crate::domain::storage_check::{Expected, Fit, OwnerFinding, TestResult, TestUpdate};
use crate::domain::template::DirKind::{Clog, Data};
use crate::wizard::effect::DirectoryTest;
use crate::wizard::screens::storage::test_run::TestProgress;

/// `pay` with its data backup typed.
fn typed(directory: &str) -> Model {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, directory);
    model
}

fn passed(model: &Model, part: DirKind) -> bool {
    matches!(storage(model).test_status(part), TestStatus::Passed(_))
}

#[test]
fn what_is_typed_must_pass_before_anything_goes_on() {
    let mut model = typed("/b/{tenant_id}");
    assert!(press(&mut model, Key::Enter).is_empty());
    assert_eq!((model.screen, storage(&model).focus), (Screen::Storage, Focus::Test));
    assert_eq!(model.notice.as_deref(), Some("Data backup: not tested. Enter tests it; it must pass."));
    let effects = press(&mut model, Key::Enter);
    let [Effect::Test(req, directories)] = effects.as_slice() else { panic!("{effects:?}") };
    let what = &directories[0].spec;
    assert_eq!(what.destination.to_string(), "file:///b/1002/data");
    let Expected::OfTenant(of) = &what.expected else { panic!("{:?}", what.expected) };
    assert_eq!((of.cluster_id, of.tenant_id, of.kind), (Some(77), 1002, Data));
    assert_eq!((of.cluster.as_deref(), of.tenant.as_str()), (Some("obprod"), "pay"));
    assert!(what.access_key.is_none());
    // While it runs nothing goes on, and no second one begins.
    assert!(press(&mut model, Key::Char('t')).is_empty());
    assert_eq!(model.notice.as_deref(), Some("A Test runs already; Esc stops it."));
    assert!(press(&mut model, Key::Enter).is_empty());
    assert_eq!((model.screen, model.notice.as_deref()), (Screen::Storage, Some("The Test runs; Esc stops it.")));
    answer(&mut model, *req, Answer::TestFinished(Box::new(failing())));
    go(&mut model, Focus::Home);
    press(&mut model, Key::Enter);
    let notice = model.notice.as_deref();
    assert_eq!(notice, Some("Data backup: the Test failed. Mend that; Enter tests again."));
    assert_eq!(storage(&model).focus, Focus::Test);
    let again = press(&mut model, Key::Enter);
    let [Effect::Test(req, _)] = again.as_slice() else { panic!("{again:?}") };
    answer(&mut model, *req, Answer::TestFinished(Box::new(passing())));
    assert!(press(&mut model, Key::Enter).is_empty(), "on the button, Enter goes on once it passed");
    assert_eq!(model.screen, Screen::Mode);
    assert_eq!(storage(&model).unchecked_notes(), ["that every server reaches it"]);
}

#[test]
fn checks_are_shown_as_they_begin_and_end() {
    let mut model = typed("/b");
    let (req, _) = test(&mut model);
    assert_eq!(storage(&model).test_status(Data), TestStatus::Running(None));
    let tell = |model: &mut Model, req, news| answer(model, req, Answer::TestProgressed(Box::new(news)));
    tell(&mut model, req, TestUpdate::Begins(StorageCheck::Write));
    assert_eq!(storage(&model).test_status(Data), TestStatus::Running(Some(StorageCheck::Write)));
    // News of another Test are nobody's.
    tell(&mut model, RequestId(req.0 + 7), TestUpdate::Begins(StorageCheck::List));
    assert_eq!(storage(&model).test_status(Data), TestStatus::Running(Some(StorageCheck::Write)));
    tell(&mut model, req, TestUpdate::Ended(TestedCheck::pass(StorageCheck::Write, Some(4), "written")));
    let trial = storage(&model).data.test_run.clone().unwrap();
    assert_eq!((trial.checks.len(), trial.progress), (1, TestProgress::Running(None)));
}

#[test]
fn escape_ends_a_test_and_what_it_still_says_is_dropped() {
    let mut model = typed("/b");
    let (req, _) = test(&mut model);
    let effects = press(&mut model, Key::Esc);
    assert!(matches!(effects.as_slice(), [Effect::StopTest]), "{effects:?}");
    assert_eq!((model.screen, storage(&model).test_status(Data)), (Screen::Storage, TestStatus::Stopped));
    answer(&mut model, req, Answer::TestFinished(Box::new(passing())));
    assert_eq!(storage(&model).test_status(Data), TestStatus::Stopped, "a late answer passes nothing");
    assert!(press(&mut model, Key::Esc).is_empty());
    assert_eq!(model.screen, Screen::Detected, "the next one goes back");
    // A new Test hears only its own.
    model.screen = Screen::Storage;
    let (new, _) = test(&mut model);
    answer(&mut model, req, Answer::TestFinished(Box::new(passing())));
    assert_eq!(storage(&model).test_status(Data), TestStatus::Running(None));
    answer(&mut model, new, Answer::TestFinished(Box::new(passing())));
    assert!(passed(&model, Data));
}

#[test]
fn an_edit_outdates_a_test_until_undone() {
    let mut model = typed("/b");
    tested(&mut model, passing());
    assert!(passed(&model, Data));
    go(&mut model, Focus::Field(Field::Directory));
    type_in(&mut model, "x");
    assert_eq!(storage(&model).test_status(Data), TestStatus::Outdated("Storage Directory".to_owned()));
    press(&mut model, Key::Enter);
    let notice = model.notice.as_deref();
    assert_eq!(notice, Some("Data backup: not tested since Storage Directory changed. Enter tests it."));
    go(&mut model, Focus::Field(Field::Directory));
    press(&mut model, Key::Backspace);
    assert!(passed(&model, Data), "exactly these values were tested");
    go(&mut model, Focus::Field(Field::Options));
    type_in(&mut model, "idc=a");
    assert_eq!(storage(&model).test_status(Data), TestStatus::Outdated("Other options".to_owned()));
    press(&mut model, Key::Ctrl('u'));
    go(&mut model, Focus::Kind);
    press(&mut model, Key::Right);
    assert_eq!(storage(&model).test_status(Data), TestStatus::Outdated("Storage Type".to_owned()));
    assert!(storage(&model).unchecked_notes().is_empty(), "a void Test has checked nothing");
}

#[test]
fn every_field_of_an_object_storage_makes_its_test_void() {
    let mut model = opened(prod(), "prod/pay", Vec::new());
    edit(&mut model, "");
    let _ = update(&mut model, Msg::Paste("s3://b/p?host=h&access_id=ID&s3_region=r1".into()));
    go(&mut model, Focus::Field(Field::AccessKey));
    type_in(&mut model, "key");
    tested(&mut model, passing());
    for field in storage(&model).data.form.kind.fields() {
        go(&mut model, Focus::Field(*field));
        let label = field.labels(storage(&model).data.form.kind).label;
        let (there, back) = match field {
            Field::Addressing => (Key::Char(' '), Key::Char(' ')),
            _ => (Key::Char('x'), Key::Backspace),
        };
        press(&mut model, there);
        assert_eq!(storage(&model).test_status(Data), TestStatus::Outdated(label.to_owned()));
        press(&mut model, back);
        assert!(passed(&model, Data), "{label}");
    }
}

#[test]
fn nothing_but_an_edit_makes_a_test_void() {
    let mut model = typed("/b");
    tested(&mut model, passing());
    for key in [Key::Tab, Key::BackTab, Key::Down, Key::Up, Key::PageDown, Key::PageUp, Key::Esc, Key::Enter] {
        press(&mut model, key);
        model.screen = Screen::Storage;
        assert!(passed(&model, Data), "{key:?}");
    }
    show_archive(&mut model);
    press(&mut model, Key::Left);
    let effects = target::detect_one(&mut model, "prod");
    let [Effect::Detect(req, _)] = effects.as_slice() else { panic!("{effects:?}") };
    answered(&mut model, *req, prod());
    let _ = update(&mut model, Msg::Resized(120, 40));
    assert!(passed(&model, Data));
    // A Test of the other row is its own affair.
    show_archive(&mut model);
    tested(&mut model, failing());
    assert!(passed(&model, Data) && matches!(storage(&model).test_status(Clog), TestStatus::Failed(_)));
    // A key that a directory does not need is no part of it.
    assert!(storage(&model).access_key().is_none());
}

#[test]
fn a_derived_archive_must_pass_its_own_test() {
    let mut model = opened(three(), "prod", Vec::new());
    edit(&mut model, "/b");
    let what = tested(&mut model, passing());
    assert_eq!(what.destination.to_string(), "file:///b/77/1002/data");
    press(&mut model, Key::Enter);
    assert_eq!((model.screen, storage(&model).part, storage(&model).focus), (Screen::Storage, Clog, Focus::Test));
    let what = tested(&mut model, passing());
    assert_eq!(what.destination.to_string(), "file:///b/77/1002/clog");
    assert_eq!(storage(&model).unchecked_notes(), ["that every server reaches it"]);
    go(&mut model, Focus::Home);
    press(&mut model, Key::Left);
    go(&mut model, Focus::Field(Field::Directory));
    type_in(&mut model, "x");
    assert_eq!(
        storage(&model).test_status(Clog),
        TestStatus::Outdated("Storage Directory of the data backup".to_owned())
    );
    press(&mut model, Key::Backspace);
    press(&mut model, Key::Enter);
    assert_eq!(model.screen, Screen::Mode);
}

/// As on the command line: each tenant's directory is its own, and one that is in order says nothing of the others.
#[test]
fn one_failed_tenant_directory_blocks_next() {
    let mut model = opened(three(), "prod", Vec::new());
    edit(&mut model, "/b/{tenant_id}");
    let (req, all) = test_all(&mut model);
    let uris: Vec<String> = all.iter().map(|what| what.destination.uri_without_attributes()).collect();
    assert_eq!(uris, ["file:///b/1002/data", "file:///b/1004/data", "file:///b/1006/data"]);
    let whose = |model: &Model| storage(model).data.test_run.as_ref().unwrap().tenant_suffix();
    let say = |model: &mut Model, uri: &str, report: TestReport| {
        let report = TestReport { uri: uri.to_owned(), ..report };
        assert!(answer(model, req, Answer::TestFinished(Box::new(report))).is_empty());
    };
    assert_eq!(whose(&model), "; pay's, 1 of 3 tenants");
    say(&mut model, &uris[0], passing());
    assert!(storage(&model).is_testing() && !passed(&model, Data));
    assert_eq!(whose(&model), "; order's, 2 of 3 tenants");
    say(&mut model, &uris[1], failing());
    say(&mut model, &uris[2], passing());
    assert!(!storage(&model).is_testing());
    assert!(matches!(storage(&model).test_status(Data), TestStatus::Failed(report) if report.uri == uris[1]));
    assert_eq!(whose(&model), "; order's alone, of 3 tenants");
    go(&mut model, Focus::Home);
    press(&mut model, Key::Enter);
    assert_eq!(model.screen, Screen::Storage, "{:?}", model.notice);

    // What was seen of each counts, and an archive is proven by its own Test alone.
    tested(&mut model, passing());
    show_archive(&mut model);
    let (req, all) = test_all(&mut model);
    for (what, result) in all.iter().zip([TestResult::Pass, TestResult::NotChecked, TestResult::Pass]) {
        let mut every = TestedCheck::pass(StorageCheck::EveryServer, None, "each of 3 servers");
        every.result = result;
        every.seen = Some(OwnerFinding { format: true, doubted: false, fit: Fit::Fit });
        let report = TestReport { uri: what.destination.to_string(), ..report(vec![every]) };
        answer(&mut model, req, Answer::TestFinished(Box::new(report)));
    }
    let proven: Vec<String> = storage(&model).proven_archives().into_iter().collect();
    assert_eq!(proven, ["file:///b/1002/clog", "file:///b/1006/clog"]);
    assert_eq!(storage(&model).seen_directories().len(), 3);
}

#[test]
fn another_row_matters_only_where_it_changes_the_directory() {
    for (directory, standing) in [
        ("/b/{tenant_id}", None),
        // Alone it is a base; beside another it is the directory itself, and one for three tenants.
        ("/b", Some(TestStatus::Outdated("the log archive".to_owned()))),
    ] {
        let mut model = opened(three(), "prod", Vec::new());
        edit(&mut model, directory);
        tested(&mut model, passing());
        show_archive(&mut model);
        go(&mut model, Focus::Edit);
        press(&mut model, Key::Enter);
        match standing {
            None => assert!(passed(&model, Data)),
            Some(standing) => assert_eq!(storage(&model).test_status(Data), standing),
        }
        go(&mut model, Focus::Edit);
        press(&mut model, Key::Enter);
        assert!(passed(&model, Data), "as it was tested");
    }
}

#[test]
fn what_only_one_row_left_unchecked_names_the_row() {
    let mut model = typed("/b");
    tested(&mut model, passing());
    show_archive(&mut model);
    edit(&mut model, "/log");
    let skipped = TestedCheck::not_checked(StorageCheck::Mount, "whether it is a mount");
    let mut report = passing();
    report.checks.push(skipped);
    tested(&mut model, report);
    assert_eq!(
        storage(&model).unchecked_notes(),
        ["that every server reaches it", "log archive: whether it is a mount"],
        "the data backup was tested with the archive kept, and that is the same directory still"
    );
}

#[test]
fn a_strategy_is_tested_with_the_inventory_key() {
    let source = SecretSource::Env("OB_KEY".into());
    let uri = "s3://b/p?host=h&access_id=ID";
    let strategy =
        RequestedStorage { access_key: Some(source.clone()), ..wanted(Some(uri), None, StorageSource::Strategy) };
    let mut pay: TenantFacts = tenant(1002, "pay");
    (pay.data_destination, pay.archive.destination) = (None, None);
    let mut model = opened(cluster(vec![pay]), "prod/pay", vec![strategy]);
    let effects = press(&mut model, Key::Char('t'));
    let [Effect::Test(_, directories)] = effects.as_slice() else { panic!("{effects:?}") };
    let DirectoryTest { spec: what, key_from } = &directories[0];
    assert_eq!(
        (what.destination.uri_without_attributes().as_str(), key_from),
        ("s3://b/p/77/1002/data", &Some(source))
    );
    assert!(what.access_key.is_none());
}

#[test]
fn an_answer_finds_its_draft_though_another_target_is_open() {
    let mut model = opened(three(), "prod/pay", Vec::new());
    let (req, _) = test(&mut model);
    let _ = target::open_draft(&mut model, vec!["prod/order".parse().unwrap()]);
    answer(&mut model, req, Answer::TestFinished(Box::new(passing())));
    assert_eq!(storage(&model).test_status(Data), TestStatus::NotTested);
    let _ = target::open_draft(&mut model, vec!["prod/pay".parse().unwrap()]);
    assert!(passed(&model, Data) && !storage(&model).is_testing());
}

#[test]
fn quitting_stops_the_test_and_asks_after_edits() {
    let mut model = typed("/b");
    test(&mut model);
    assert!(press(&mut model, Key::Ctrl('c')).is_empty());
    assert!(model.overlay.is_some());
    let effects = press(&mut model, Key::Char('y'));
    assert!(matches!(effects.as_slice(), [Effect::StopTest, Effect::Quit]), "{effects:?}");
}

/// Where only the directory itself may be written to, the next Test is the answer to the question about that.
#[test]
fn a_test_that_asked_writes_inside_the_second_time() {
    let mut model = typed("/b");
    let asks = TestedCheck { asks_inside: true, ..TestedCheck::not_checked(StorageCheck::Write, "beside it nothing") };
    let first = tested(&mut model, report(vec![asks]));
    assert!(!first.may_probe_inside, "never without being asked");
    let (req, again) = test(&mut model);
    assert!(again.may_probe_inside);
    answer(&mut model, req, Answer::TestFinished(Box::new(passing())));
    let (_, later) = test(&mut model);
    assert!(!later.may_probe_inside, "nothing was asked");
}
