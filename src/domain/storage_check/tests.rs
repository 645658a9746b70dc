#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeSet;

use super::*;

fn destination(uri: &str) -> Destination {
    Destination::parse_user(uri).unwrap()
}

fn report(checks: Vec<TestedCheck>) -> TestReport {
    let uri = "file:///backup".to_owned();
    TestReport { uri, checks, at: Timestamp::UNIX_EPOCH, left_behind: None, by_hand: Vec::new() }
}

fn failed(check: StorageCheck) -> TestedCheck {
    TestedCheck::fail(check, None, Fault::new(Cause::Storage, "It cannot be written.", "Why.", "Next."))
}

#[test]
fn names_and_labels_are_one_each_and_in_the_order_shown() {
    let all = StorageCheck::ALL;
    assert!(all.is_sorted());
    let names: BTreeSet<&str> = all.iter().map(|check| check.name()).collect();
    let labels: BTreeSet<&str> = all.iter().map(|check| check.label()).collect();
    assert_eq!((names.len(), labels.len()), (all.len(), all.len()));
    for check in all {
        let json = serde_json::to_string(&check).unwrap();
        assert_eq!(json, format!("\"{}\"", check.name()), "the journal of a Test and its events use one word");
    }
}

#[test]
fn what_was_not_checked_does_not_fail_a_test_and_is_listed_once_for_each_reason() {
    let unchecked = |check, why: &str| TestedCheck::not_checked(check, why);
    let report = report(vec![
        TestedCheck::pass(StorageCheck::Write, Some(41), "written"),
        unchecked(StorageCheck::Mount, "whether it is a mount"),
        unchecked(StorageCheck::Clock, "whether it is a mount"),
        unchecked(StorageCheck::EveryServer, "that every server reaches it"),
    ]);
    assert!(report.passed());
    assert_eq!(report.not_checked(), ["whether it is a mount", "that every server reaches it"]);
    assert_eq!(report.headline("03:31:02"), "passed at 03:31:02: 1 of 1");
}

#[test]
fn the_headline_names_what_failed() {
    let passed = TestedCheck::pass(StorageCheck::List, None, "listed");
    let report_of = |checks| report(checks).headline("03:31:02");
    assert_eq!(
        report_of(vec![failed(StorageCheck::Write), failed(StorageCheck::Directory), passed]),
        "failed at 03:31:02: write 1 MiB, directory; 1 of 3 passed"
    );
    let nothing = TestedCheck::not_checked(StorageCheck::Write, "anything");
    assert_eq!(report_of(vec![nothing]), "not checked at 03:31:02: nothing could be tested from here");
    let other = TestedCheck::pass(StorageCheck::Directory, None, "empty");
    let unwritten = TestedCheck::not_checked(StorageCheck::Write, "anything");
    assert_eq!(report_of(vec![unwritten, other]), "nothing was written at 03:31:02: 1 other checks passed");
    let report = report(vec![failed(StorageCheck::Write)]);
    assert!(!report.passed());
    assert_eq!(report.fault().unwrap().what, "It cannot be written.");
}

#[test]
fn a_directory_of_another_one_around_it_or_inside_it_is_refused() {
    let used =
        |uri: &str| [DestinationUse { by: "prod/order".into(), kind: DirKind::Clog, destination: destination(uri) }];
    let own = destination("file:///backup/a/data");
    let said = |uri: &str| sole_use(&own, &used(uri)).map_err(|fault| fault.what);
    assert_eq!(
        said("file:///backup/a/data/"),
        Err("file:///backup/a/data is the directory of prod/order (clog).".to_owned())
    );
    assert_eq!(
        said("file:///backup/a"),
        Err("file:///backup/a/data lies inside file:///backup/a, the directory of prod/order (clog).".to_owned())
    );
    assert_eq!(
        said("file:///backup/a/data/x"),
        Err("file:///backup/a/data/x, the directory of prod/order (clog), lies inside file:///backup/a/data."
            .to_owned())
    );
    assert_eq!(said("file:///backup/a/data2"), Ok("no other destination of the cluster is there".to_owned()));
    assert_eq!(sole_use(&own, &[]), Ok("no other destination of the cluster is there".to_owned()));
}

#[test]
fn a_format_file_of_somebody_else_is_predicted() {
    let contents = |path: &str, tenant: u64, kind: u64| Contents {
        names: vec![FORMAT_FILE.to_owned()],
        has_format: true,
        format: FormatFile::read(&written_format(path, 7, tenant, kind)),
    };
    let ours = Expected::EmptyOrOurs { cluster_id: Some(7), tenant_id: Some(1004), kind: Some(DirKind::Data) };
    let judged = |expected: &Expected, contents: &Contents| assess_owner("/backup/data", expected, contents);
    let own = contents("file:///backup/data", 1004, 0);
    assert_eq!(judged(&ours, &own), Ok(Ok("ours, format file matches".to_owned())));
    for (contents, why) in [
        (contents("file:///backup/data", 1005, 0), "Its format.obbak names the tenant with the id 1005"),
        (contents("file:///backup/data", 1004, 1), "Its format.obbak says that it holds something else"),
        (contents("file:///old/data", 1004, 0), "Its format.obbak was written for file:///old/data"),
    ] {
        let fault = judged(&ours, &contents).unwrap_err();
        assert_eq!((fault.code, fault.why), (Some(9081), format!("{why}, and the server would answer 9081.")));
    }
    let other = Expected::EmptyOrOurs { cluster_id: Some(8), tenant_id: None, kind: None };
    let fault = judged(&other, &own).unwrap_err();
    assert_eq!(fault.what, "/backup/data is the directory of prod/pay (data).");
    let nobody = Expected::EmptyOrOurs { cluster_id: None, tenant_id: None, kind: None };
    let unknown = "whether it may be used: it is the directory of prod/pay (data)";
    assert_eq!(judged(&nobody, &own), Ok(Err(unknown.to_owned())));
    let torn = Contents { format: None, ..own };
    assert_eq!(judged(&ours, &torn), Ok(Err("whose directory it is: its format.obbak cannot be read".to_owned())));
}

/// Administrators choose ids, so the same ids and path prove nothing; what is listed under the directory's `DEST_ID` does.
#[test]
fn a_directory_of_the_same_ids_is_ours_only_with_its_names_or_a_proof() {
    let listed = |dest_id, entries: &[&str]| ListedMedia {
        dest_id,
        entries: entries.iter().map(|entry| (*entry).to_owned()).collect(),
    };
    let expected = |cluster: &str, tenant: &str, listed: Vec<ListedMedia>| {
        Expected::OfTenant(Box::new(TenantDirectory {
            cluster_id: Some(7),
            cluster: Some(cluster.to_owned()),
            tenant_id: 1004,
            tenant: tenant.to_owned(),
            kind: DirKind::Data,
            listed,
        }))
    };
    // Written by prod/pay with the ids 7 and 1004 under DEST_ID 1002.
    let contents = |names: &[&str]| Contents {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        has_format: true,
        format: FormatFile::read(&written_format("file:///backup/data", 7, 1004, 0)),
    };
    let here = contents(&[FORMAT_FILE, "backup_set_1_full", "backup_set_2_inc"]);
    let sets = || listed(1002, &["backup_set_2_inc", "backup_set_1_full"]);
    let ours = "ours, format file matches";
    for (wanted, contents, found) in [
        (expected("prod", "pay", vec![sets()]), &here, ours),
        (expected("prod", "pay", Vec::new()), &contents(&[FORMAT_FILE]), ours),
        (
            expected("prod", "payments", vec![sets()]),
            &here,
            "ours: what the server lists under DEST_ID 1002 is there; its format.obbak has the name prod/pay",
        ),
    ] {
        assert_eq!(assess_owner("/backup/data", &wanted, contents), Ok(Ok(found.to_owned())));
        assert_eq!(
            OwnerFinding::of("/backup/data", &wanted, contents),
            OwnerFinding { format: true, doubted: false, fit: Fit::Fit }
        );
    }
    for (wanted, contents) in [
        // Another cluster of that id, which lists nothing there.
        (expected("other-site", "pay", Vec::new()), &here),
        (expected("prod", "crm", Vec::new()), &here),
        // What the server lists there is missing: it was made elsewhere under the same path.
        (expected("other-site", "pay", vec![sets()]), &contents(&[FORMAT_FILE, "backup_set_1_full"])),
        (expected("other-site", "pay", vec![listed(1009, &["backup_set_1_full"])]), &here),
        // The same names, and another DEST_ID than the server has listed its sets under.
        (expected("prod", "pay", vec![listed(1009, &["backup_set_1_full"])]), &here),
    ] {
        let fault = assess_owner("/backup/data", &wanted, contents).unwrap_err();
        assert_eq!((fault.code, fault.what.as_str()), (None, "/backup/data is the directory of prod/pay (data)."));
        assert!(fault.next.contains("--skip owner"), "{fault}");
        assert_eq!(
            OwnerFinding::of("/backup/data", &wanted, contents),
            OwnerFinding { format: true, doubted: true, fit: Fit::Unfit }
        );
    }
    // The server itself refuses other ids, whatever else matches.
    let Expected::OfTenant(mut other) = expected("prod", "pay", vec![sets()]) else { unreachable!() };
    other.tenant_id = 1005;
    let other = Expected::OfTenant(other);
    assert_eq!(assess_owner("/backup/data", &other, &here).unwrap_err().code, Some(9081));
    assert_eq!(
        OwnerFinding::of("/backup/data", &other, &here),
        OwnerFinding { format: true, doubted: false, fit: Fit::Unfit }
    );
    let Expected::OfTenant(mut named) = expected("other-site", "crm", Vec::new()) else { unreachable!() };
    named.tenant_id = 1005;
    let seen = OwnerFinding::of("/backup/data", &Expected::OfTenant(named), &here);
    assert_eq!(
        seen,
        OwnerFinding { format: true, doubted: false, fit: Fit::Unfit },
        "the names are not all that differs"
    );
    assert_eq!(
        OwnerFinding::of("/backup/data", &other, &Contents::default()),
        OwnerFinding { format: false, doubted: false, fit: Fit::Fit }
    );
    assert_eq!(assess_owner("/backup/data", &other, &contents(&[])), Ok(Ok("empty".to_owned())));
}

#[test]
fn what_to_do_by_hand_can_be_typed_and_holds_no_key() {
    assert_eq!(
        by_hand(&destination("file:///backup/a;b")),
        ["findmnt -T '/backup/a;b'", "df -h '/backup/a;b'", "sudo -u admin test -w '/backup/a;b'"]
    );
    let s3 = destination("s3://bucket/data?host=s3.example.com&access_id=AKIA");
    assert_eq!(
        by_hand(&s3),
        ["ob_admin test_io_device -d s3://bucket/data -s 'host=s3.example.com&access_id=AKIA&access_key=***'"]
    );
}
