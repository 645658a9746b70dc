//! R2: every state of the archive, with every kind of change of the destinations.

use super::*;
use crate::domain::archive_dest::Binding;
use crate::domain::choices::StorageSource::{Given, LastTask, Strategy};
use crate::domain::facts::{ArchiveFacts, Known};
use crate::domain::samples::{archive, place, wanted};

/// Returns a cluster whose only tenant has the archive in this state; without a state there is no round, and `on` is whether the
/// mode is ARCHIVELOG.
fn in_state(status: Option<&str>, on: bool) -> Facts {
    let mut facts = prod();
    facts.tenants[2].archive = ArchiveFacts { log_mode_on: Some(on), ..archive(status) };
    facts
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Nothing,
    Archive,
    Data,
}

fn choices_of(change: Change) -> Choices {
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.storage = match change {
        Change::Nothing => None,
        Change::Archive => Some(wanted(None, Some("file:///new/clog"), Given)),
        Change::Data => Some(wanted(Some("file:///new/data"), Some("file:///own/clog"), Given)),
    };
    choices
}

/// State and mode; then, for each change, the actions of the destination step and of the archive step.
type Row = (Option<&'static str>, bool, [(&'static str, &'static str); 3]);

#[test]
fn every_state_with_every_change() {
    // State, mode; then for each change the actions of `Set backup destination` and of `Start log archiving`.
    let table: [Row; 12] = [
        (None, false, [("", "s"), ("a", "s"), ("d", "s")]),
        (None, true, [("", ""), ("a", ""), ("d", "")]),
        (Some("STOP"), false, [("", "s"), ("a", "s"), ("d", "s")]),
        (Some("STOP"), true, [("", ""), ("xa", "s"), ("d", "")]),
        (Some("PREPARE"), true, [("", ""), ("xa", "s"), ("d", "")]),
        (Some("BEGINNING"), true, [("", ""), ("xa", "s"), ("d", "")]),
        (Some("DOING"), true, [("", ""), ("xa", "s"), ("d", "")]),
        (Some("STOPPING"), false, [("", "s"), ("xa", "s"), ("d", "s")]),
        (Some("SUSPENDING"), true, [("", "r"), ("xa", "s"), ("d", "r")]),
        (Some("SUSPEND"), true, [("", "r"), ("xa", "s"), ("d", "r")]),
        (Some("INTERRUPTED"), true, [("", "xs"), ("xa", "s"), ("d", "xs")]),
        (Some("REWINDING"), true, [("", ""), ("", ""), ("d", "")]),
    ];
    for (status, on, rows) in table {
        for (change, (set, start)) in [Change::Nothing, Change::Archive, Change::Data].into_iter().zip(rows) {
            let plan = planned(&in_state(status, on), &choices_of(change));
            let what = format!("{status:?} {on} {change:?}");
            assert_eq!(letters(&plan, StepKind::SetDestination), set, "{what}");
            assert_eq!(letters(&plan, StepKind::StartArchiving), start, "{what}");
            // The interruption is named by the step that stops archiving, and by no other.
            for step in &plan.steps {
                let stops = step.actions.contains(&Action::StopArchiving);
                assert_eq!(!step.interrupts.is_empty(), stops, "{what}: {}", step.interrupts);
            }
            let set_step = plan.step(StepKind::SetDestination).unwrap();
            assert_eq!(set_step.need == Need::Needed, !set.is_empty(), "{what}");
            // Only an archive that is DOING and stays needs nothing; a step that only waits is needed.
            let needed = plan.step(StepKind::StartArchiving).unwrap().need == Need::Needed;
            let runs_on = status == Some("DOING") && !matches!(change, Change::Archive);
            assert_eq!(needed, !runs_on, "{what}");
        }
    }
}

#[test]
fn each_state_is_told_in_its_words() {
    let stays = "Archiving stays on and fills the directory; delete policy: recovery window 7d.";
    for (status, effect, interrupts) in [
        (None, format!("starts a new round. {stays}"), ""),
        (Some("STOP"), format!("starts a new round. {stays}"), ""),
        (Some("PREPARE"), "waits: PREPARE".into(), ""),
        (Some("DOING"), "not needed: DOING".into(), ""),
        (Some("STOPPING"), format!("waits until STOPPING has become STOP, then starts a new round. {stays}"), ""),
        (
            Some("SUSPEND"),
            format!("archiving was suspended on purpose; this resumes it (SUSPEND): the same round goes on. {stays}"),
            "",
        ),
        (
            Some("SUSPENDING"),
            format!(
                "archiving was suspended on purpose; this resumes it (waits until SUSPENDING has become SUSPEND): the same \
                 round goes on. {stays}"
            ),
            "",
        ),
        (
            Some("INTERRUPTED"),
            format!("INTERRUPTED: stops the broken round and starts a new one. {stays}"),
            "the broken archive round of pay: log between the break and the new round is lost for restore",
        ),
        (Some("REWINDING"), "will fail: the archive is REWINDING, which has no known way on".into(), ""),
    ] {
        let on = !matches!(status, None | Some("STOP"));
        let plan = planned(&in_state(status, on), &choices_of(Change::Nothing));
        let step = plan.step(StepKind::StartArchiving).unwrap();
        assert_eq!((step.effect.as_str(), step.interrupts.as_str()), (effect.as_str(), interrupts), "{status:?}");
    }
    let mut facts = in_state(None, false);
    facts.tenants[2].recovery_window = Known::Known(None);
    let effect = |facts: &Facts| {
        planned(facts, &choices_of(Change::Nothing)).step(StepKind::StartArchiving).unwrap().effect.clone()
    };
    assert!(effect(&facts).ends_with("delete policy: none."), "nothing is ever removed, and that is said");
    facts.tenants[2].recovery_window = Known::NotChecked("no view".into());
    assert!(effect(&facts).ends_with("delete policy: not checked."));
}

#[test]
fn archivelog_without_a_destination_only_waits_for_one() {
    for source in [Given, Strategy, LastTask] {
        for (on, start) in [(true, ""), (false, "s")] {
            let mut facts = in_state(None, on);
            facts.tenants[2].archive.destination = None;
            let mut choices = choose(&["prod/pay"], Mode::Full);
            if source == Given {
                choices.storage = Some(wanted(None, Some("file:///new/clog"), source));
            } else {
                choices.fallbacks = vec![wanted(None, Some("file:///new/clog"), source)];
            }
            let plan = planned(&facts, &choices);
            assert_eq!(letters(&plan, StepKind::SetDestination), "a");
            assert_eq!(letters(&plan, StepKind::StartArchiving), start, "{source:?} {on}");
            let effect = &plan.step(StepKind::SetDestination).unwrap().effect;
            assert!(effect.starts_with(&format!("LOG_ARCHIVE_DEST becomes file:///new/clog ({})", source.words())));
        }
    }
}

#[test]
fn without_any_destination_both_are_derived() {
    for source in [Given, Strategy, LastTask] {
        let mut facts = in_state(None, false);
        facts.tenants[2].archive.destination = None;
        facts.tenants[2].data_destination = None;
        let mut choices = choose(&["prod/pay"], Mode::Full);
        let base = wanted(Some("file:///backup"), None, source);
        if source == Given {
            choices.storage = Some(base);
        } else {
            choices.fallbacks = vec![base];
        }
        let plan = planned(&facts, &choices);
        assert_eq!(letters(&plan, StepKind::SetDestination), "ad", "{source:?}");
        let words = source.words();
        let step = plan.step(StepKind::SetDestination).unwrap();
        assert_eq!(
            step.effect,
            format!(
                "LOG_ARCHIVE_DEST becomes file:///backup/77/1002/clog ({words}). DATA_BACKUP_DEST becomes \
                 file:///backup/77/1002/data ({words}); the chain restarts with a full. This setting stays: later \
                 scheduled backups go there too."
            )
        );
        assert_eq!(letters(&plan, StepKind::StartArchiving), "s");
    }
}

#[test]
fn an_archive_that_moves_keeps_its_other_parts() {
    let mut facts = prod();
    let own = facts.tenants[2].archive.destination.as_mut().unwrap();
    own.piece_switch_interval = Some("3d".into());
    own.others = vec!["COMPRESSION=enable".into()];
    let plan = planned(&facts, &choices_of(Change::Archive));
    let step = plan.step(StepKind::SetDestination).unwrap();
    let Action::SetArchiveDestination { destination, access_key } = &step.actions[1] else { unreachable!() };
    assert_eq!(
        destination.redacted_statement_value(),
        "LOCATION=file:///new/clog BINDING=Optional PIECE_SWITCH_INTERVAL=3d COMPRESSION=enable"
    );
    assert_eq!(*access_key, None);
    assert_eq!(
        step.interrupts,
        "log archiving of pay: it stops, a new round starts, and older sets cannot be restored past the stop"
    );
}

#[test]
fn s3_gets_a_lag_target_it_takes() {
    let at = |lag: Option<u64>, uri: &str| {
        let mut facts = prod();
        facts.tenants[2].archive.lag_target = lag;
        let mut choices = choose(&["prod/pay"], Mode::Full);
        let mut given = wanted(None, Some(uri), Given);
        given.access_id = Some("id".into());
        given.access_key = Some(SecretSource::Stdin);
        choices.storage = Some(given);
        planned(&facts, &choices)
    };
    let s3 = "s3://b/clog?host=h&s3_region=r";
    let plan = at(Some(59), s3);
    assert_eq!(letters(&plan, StepKind::SetDestination), "xla");
    let step = plan.step(StepKind::SetDestination).unwrap();
    assert_eq!(step.actions[1], Action::SetArchiveLagTarget { seconds: 60 });
    assert!(step.effect.starts_with("archive_lag_target becomes 60 s, which S3 needs. "), "{}", step.effect);
    assert_eq!(letters(&at(Some(60), s3), StepKind::SetDestination), "xa");
    assert_eq!(letters(&at(None, s3), StepKind::SetDestination), "xa", "unknown: the server says");
    assert_eq!(letters(&at(Some(1), "oss://b/clog?host=h"), StepKind::SetDestination), "xa");
    // An archive that is on S3 already keeps its lag target.
    let mut facts = prod();
    facts.tenants[2].archive.lag_target = Some(1);
    facts.tenants[2].archive.destination.as_mut().unwrap().location = place("s3://b/clog?host=h&access_id=id");
    assert_eq!(letters(&planned(&facts, &choices_of(Change::Nothing)), StepKind::SetDestination), "");
}

#[test]
fn a_mandatory_binding_moves_only_to_a_place_that_every_server_has_tested() {
    let mut facts = prod();
    facts.tenants[2].archive.destination.as_mut().unwrap().binding = Some(Binding::Mandatory);
    let mut choices = choose(&["prod/pay"], Mode::Full);
    choices.storage = Some(wanted(None, Some("file:///new/clog"), Given));
    let moved = |facts: &Facts, choices: &Choices| {
        let plan = planned(facts, choices);
        let step = plan.step(StepKind::SetDestination).unwrap().clone();
        let binding = step.actions.iter().find_map(|action| match action {
            Action::SetArchiveDestination { destination, .. } => destination.binding.clone(),
            _ => None,
        });
        (binding, step.effect)
    };
    let (binding, effect) = moved(&facts, &choices);
    assert_eq!(binding, Some(Binding::Optional));
    assert!(
        effect.contains("BINDING=Mandatory becomes Optional: no Test has passed there on every server"),
        "{effect}"
    );
    let awaits = |choices: &Choices| moves_unproven_binding(&facts, &plan(&facts, choices).unwrap());
    assert!(awaits(&choices), "a Test may keep it");
    choices.proven_archives.insert("file:///old/clog".into());
    assert_eq!(moved(&facts, &choices).0, Some(Binding::Optional), "another place proves nothing");
    choices.proven_archives.insert("file:///new/clog".into());
    let (binding, effect) = moved(&facts, &choices);
    assert_eq!(binding, Some(Binding::Mandatory));
    assert!(!awaits(&choices));
    assert!(!effect.contains("BINDING"), "{effect}");
    // A destination that stays is not set again.
    choices.storage = None;
    assert!(planned(&facts, &choices).step(StepKind::SetDestination).unwrap().actions.is_empty());
}

#[test]
fn archiving_that_somebody_suspended_is_resumed_knowingly() {
    let mut facts = prod();
    let choices = choose(&["prod/pay"], Mode::Full);
    assert_eq!(plan(&facts, &choices).unwrap().resumed().count(), 0);
    for state in ["SUSPEND", "SUSPENDING"] {
        facts.tenants[2].archive = archive(Some(state));
        let made = plan(&facts, &choices).unwrap();
        assert_eq!(made.resumed().map(ToString::to_string).collect::<Vec<_>>(), ["prod/pay"], "{state}");
        let effect = &made.targets[0].step(StepKind::StartArchiving).unwrap().effect;
        assert!(effect.starts_with("archiving was suspended on purpose; this resumes it"), "{effect}");
    }
    // Setting the destination enables a deferred one, and the effect names that.
    facts.tenants[2].archive = archive(Some("STOP"));
    facts.tenants[2].archive.deferred = true;
    let mut moving = choose(&["prod/pay"], Mode::Full);
    moving.storage = Some(wanted(None, Some("file:///new/clog"), Given));
    let made = plan(&facts, &moving).unwrap();
    assert_eq!(made.resumed().count(), 1);
    let effect = &made.targets[0].step(StepKind::SetDestination).unwrap().effect;
    assert!(effect.contains("LOG_ARCHIVE_DEST_STATE was DEFER, and becomes ENABLE by this"), "{effect}");
    facts.tenants[2].archive.deferred = false;
    let effect = plan(&facts, &moving).unwrap().targets[0].step(StepKind::SetDestination).unwrap().effect.clone();
    assert!(!effect.contains("ENABLE"), "{effect}");
}
