#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::super::{Assessment, Outcome, assess};
use super::*;
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::restorable::Round;
use crate::domain::samples::{ago, full, place, round, target, tenant};

const EAST: i32 = 28_800;

/// Returns `pay` with a good full backup 1, made an hour ago, and an archive with this checkpoint.
fn pay(checkpoint: Scn) -> TenantFacts {
    let mut pay = tenant(1002, "pay");
    pay.sets = vec![BackupSet { start_replay: ago(3_700), min_restore: ago(3_600), ..full(1) }];
    pay.archive.rounds = vec![Round { checkpoint, ..round("DOING") }];
    pay.archive.current = pay.archive.rounds.first().cloned();
    pay
}

fn outcome(pay: &TenantFacts, set: u64) -> Outcome {
    match assess(pay, &target("prod/pay"), set, false, &ServerTimeZone::fixed(EAST)) {
        Assessment::Final(outcome) => *outcome,
        Assessment::Pending { .. } => unreachable!("it will not change by waiting"),
    }
}

fn recipe_of(pay: &TenantFacts, set: u64) -> Vec<String> {
    outcome(pay, set).restore_instructions
}

/// Returns the one line that contains a text.
#[track_caller]
fn line(recipe: &[String], part: &str) -> String {
    let found: Vec<&String> = recipe.iter().filter(|line| line.contains(part)).collect();
    assert_eq!(found.len(), 1, "{part}: {recipe:#?}");
    found[0].clone()
}

#[test]
fn the_recipe_says_how_to_restore_and_holds_no_key() {
    let mut facts = pay(Scn(ago(5).0 + 123_456_789));
    facts.sets[0].path = "oss://b/it's?host=h&access_id=CANARYID&access_key=CANARYKEY".into();
    facts.archive.destination =
        Some(ArchiveDest::new(place("oss://b/clog?host=h&access_id=CANARYID&access_key=CANARYKEY")));
    // The tenant's setting has moved on; the set lies where it was written.
    facts.data_destination = Some(place("file:///elsewhere"));
    let inc = BackupSet {
        id: 2,
        kind: SetKind::Incremental,
        prev_full: 1,
        start_replay: ago(3_000),
        min_restore: ago(2_900),
        ..facts.sets[0].clone()
    };
    facts.sets.push(inc);
    let outcome = outcome(&facts, 2);
    let scn = ago(5).0 + 123_456_789;
    assert_eq!(
        outcome.restore_instructions,
        [
            "data oss://b/it's   log oss://b/clog   sets 1, 2 (full and increments)   password: none".to_owned(),
            format!(
                "ALTER SYSTEM RESTORE <new_tenant> FROM 'oss://b/it''s,oss://b/clog' UNTIL SCN = {scn} WITH 'pool_list=<pool>'"
            ),
            format!(
                "SCN {scn} is 2026-11-20 10:59:55 +08:00 (server time); a TIME instead would be read in the system_time_zone \
                 that the backup holds, whatever its session says"
            ),
            "add the host, access_id and access_key of an object storage to each URI".to_owned(),
            "restores into a cluster of V4.2.5.1 or later whose data version is 4.2.5.0 or later (else 4179)".to_owned(),
            "not in the backup: cluster parameters, resource pools, the sys tenant, TDE keys; whether tenant parameters are is \
             not known for this version"
                .to_owned(),
        ]
    );
    let everything = format!("{outcome:?}{}", serde_json::to_string(&outcome).unwrap());
    assert!(!everything.contains("CANARY"), "{everything}");
    // A path nobody can read is not repeated: it could hold anything.
    facts.sets[1].path = "?access_key=CANARYKEY".into();
    facts.data_destination = None;
    assert!(recipe_of(&facts, 2)[0].starts_with("data <data URI>   log oss://b/clog"));
}

/// A miss of one password ends the whole restore, whatever the chain.
#[test]
fn the_passwords_are_of_every_set_of_the_directory_up_to_the_point() {
    let mut facts = pay(ago(5));
    let other = |id, min_restore, mode: &str| BackupSet { min_restore, encryption_mode: mode.into(), ..full(id) };
    facts.sets[0].id = 9;
    let elsewhere = BackupSet { path: "file:///else".into(), dest_id: 9, ..other(5, ago(9_000), "PASSWORD") };
    let gone = BackupSet { file_status: FileStatus::Deleted, ..other(6, ago(9_000), "PASSWORD") };
    let renamed = BackupSet { path: "file:///old/name".into(), ..other(7, ago(9_000), "PASSWORD") };
    let failed = BackupSet { status: restorable::SetStatus::Failed, ..other(8, ago(9_000), "") };
    let later = other(10, ago(1), "PASSWORD");
    let old = (1..=3).map(|id| other(id, ago(9_000), "PASSWORD"));
    let plain = other(4, ago(9_000), "NONE");
    let more: Vec<BackupSet> = old.chain([plain, elsewhere, gone, renamed, failed, later]).collect();
    facts.sets.extend(more);
    assert_eq!(
        line(&recipe_of(&facts, 9), "SET DECRYPTION"),
        "SET DECRYPTION IDENTIFIED BY '<password>', '<password>' first: of every set in that directory up to the point \
         (PASSWORD: sets 1 to 3, 7; not read: set 8)"
    );
    facts.sets.retain(|set| set.encryption() == EncryptionMode::NoPassword);
    assert!(recipe_of(&facts, 9)[0].ends_with("password: none"));
}

/// With an archive among the URIs the server does not look at the log inside the set.
#[test]
fn a_set_that_has_its_log_inside_names_the_data_alone() {
    let mut facts = pay(ago(5));
    facts.sets[0].plus_archivelog = true;
    assert!(line(&recipe_of(&facts, 1), "RESTORE <new").contains("FROM 'file:///own/data,file:///own/clog' UNTIL"));
    facts.archive.rounds.clear();
    let outcome = outcome(&facts, 1);
    assert_eq!((outcome.from, outcome.to), (Some(ago(3_600)), Some(ago(3_600))));
    let scn = ago(3_600).nanos();
    assert_eq!(
        line(&outcome.restore_instructions, "RESTORE <new"),
        format!("ALTER SYSTEM RESTORE <new_tenant> FROM 'file:///own/data' UNTIL SCN = {scn} WITH 'pool_list=<pool>'")
    );
    assert!(outcome.restore_instructions[0].contains("   log inside the set   "), "{:?}", outcome.restore_instructions);
    assert!(
        line(&outcome.restore_instructions, "(server time)")
            .ends_with("; name the data URI alone, or the log inside the set is not used")
    );
}

#[test]
fn a_time_is_read_in_a_zone_that_depends_on_versions() {
    let zone = |numbers, made_at: &str| {
        let mut facts = pay(ago(5));
        facts.version = Version::oceanbase(numbers, None);
        facts.sets[0].data_version = Some(made_at.into());
        let recipe = recipe_of(&facts, 1);
        assert!(!recipe.iter().any(|line| line.contains("UNTIL TIME")), "{recipe:?}");
        line(&recipe, "a TIME instead")
    };
    assert!(zone([4, 1, 0, 2], "4.1.0.0").ends_with("read in the time_zone of its session"));
    assert!(zone([4, 2, 0, 0], "4.1.0.0").ends_with("read in +08:00, for a set of a data version below 4.2"));
    assert!(zone([4, 2, 0, 0], "4.2.0.0").contains("read in the system_time_zone that the backup holds"));
    assert!(zone([4, 3, 5, 0], "4.2.0.0").contains("read in the system_time_zone that the backup holds"));
}

#[test]
fn into_which_versions_it_restores_and_what_is_not_in_it() {
    let of = |numbers, cluster: Option<&str>, data: &str| {
        let mut facts = pay(ago(5));
        facts.version = Version::oceanbase(numbers, None);
        facts.sets[0].cluster_version = cluster.map(str::to_owned);
        facts.sets[0].data_version = Some(data.into());
        let recipe = recipe_of(&facts, 1);
        (line(&recipe, "restores into"), line(&recipe, "not in the backup"))
    };
    let parameters =
        "not in the backup: cluster parameters, resource pools, the sys tenant, TDE keys, tenant parameters";
    let (into, left_out) = of([4, 0, 0, 0], None, "4.0.0.0");
    assert_eq!(into, "restores into a cluster of V4.0: V4.1 and later take no data version below 4.1 (4179)");
    assert_eq!(left_out, parameters);
    let (into, left_out) = of([4, 1, 0, 2], None, "4.1.0.0");
    assert_eq!(
        into,
        "restores into a cluster not older than the one that made it whose data version is 4.1.0.0 or later (else 4179)"
    );
    assert_eq!(left_out, parameters);
    for (cluster, left_out) in [
        ("4.2.1.6", parameters),
        ("4.3.3.0", parameters),
        ("4.2.1.10", parameters.trim_end_matches(", tenant parameters")),
    ] {
        assert_eq!(of([4, 3, 5, 0], Some(cluster), "4.2.1.0").1, left_out, "by the version that made it: {cluster}");
    }
}

/// A name is no identifier without its backquotes where a dash or a word of the language is in it.
#[test]
fn below_v4_names_are_quoted_too() {
    let mut facts = pay(ago(5));
    facts.base = BaseRule::Round { most: 64 };
    facts.version = Version::oceanbase([3, 2, 4, 0], None);
    for (name, quoted) in [("fund-2", "`fund-2`"), ("select", "`select`"), ("a`b", "`a``b`"), ("pay", "`pay`")] {
        facts.name = name.into();
        let statement = line(&recipe_of(&facts, 1), "RESTORE <new_tenant>");
        let wanted =
            format!("ALTER SYSTEM RESTORE <new_tenant> FROM {quoted} AT 'file:///own/data' UNTIL '2026-11-20 10:59:55");
        assert!(statement.starts_with(&wanted), "{statement}");
    }
    facts.sets[0].encryption_mode = "PASSWORD".into();
    assert!(
        line(&recipe_of(&facts, 1), "SET DECRYPTION").ends_with("first: of every set of the chain (PASSWORD: set 1)")
    );
}
