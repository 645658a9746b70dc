#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::outcome::{OtherBackups, RecordedWindow};

fn proof(sets: &[u64], pieces: &[u64]) -> Proof {
    let (sets, pieces) = (sets.to_vec(), pieces.to_vec());
    Proof { at: Timestamp::UNIX_EPOCH, by: Evidence::Media, until_scn: Scn(7), sets, pieces }
}

fn target() -> TargetName {
    "prod/pay".parse().unwrap()
}

fn views(verdict: VerdictKind) -> Outcome {
    let fault = Fault::new(Cause::Server, "W.", "Y.", "N.");
    let windows = [3, 2].map(|set| RecordedWindow { from: Scn(1), to: Scn(2), set }).to_vec();
    Outcome { verdict, windows, fault: None, notes: vec!["pay: then".to_owned()], ..Outcome::failed(fault, Some(3)) }
}

fn refusal(code: u32) -> ProofAnswer {
    ProofAnswer::refused(&Fault::new(Cause::Server, "W.", "Y.", "N.").with_code(code))
}

#[test]
fn what_was_found_is_one_line() {
    let line = proof(&[38, 41], &[3, 4, 5, 9]).text();
    assert!(line.starts_with("the server found sets 41, 38 and pieces 3 to 9 on the storage"), "{line}");
    assert!(proof(&[4], &[3]).text().contains("found set 4 and piece 3 on"));
    assert!(proof(&[4], &[]).text().contains("found set 4 on"));
}

#[test]
fn the_list_must_hold_the_set_and_its_chain() {
    assert!(matches!(ProofAnswer::listed(proof(&[1, 2, 3], &[9]), &[2, 3]), ProofAnswer::Found(_)));
    let ProofAnswer::Lacks(why) = ProofAnswer::listed(proof(&[1, 2], &[9]), &[1, 3]) else { unreachable!() };
    assert_eq!(why, "the server would restore from sets 1, 2, not from set 3");
}

fn others() -> OtherBackups {
    let windows = vec![RecordedWindow { from: Scn(1), to: Scn(2), set: 2 }];
    OtherBackups { windows, told: Some("older: a to b".to_owned()) }
}

#[test]
fn only_what_the_storage_lacks_makes_a_backup_bad() {
    let by_views = || Assessment::Final(Box::new(views(VerdictKind::Restorable)));
    let Assessment::Pending { at_least, interim: meanwhile, .. } =
        apply_proof(by_views(), &refusal(4018), &target(), Some(12), others)
    else {
        unreachable!()
    };
    assert_eq!((at_least, meanwhile.verdict), (Some(12), VerdictKind::NotRestorable));
    assert!(meanwhile.fault.as_ref().unwrap().why.starts_with("The views list it, the storage lacks it"));
    assert_eq!(meanwhile.windows.iter().map(|window| window.set).collect::<Vec<_>>(), [2]);
    assert_eq!(meanwhile.notes, ["older: a to b"]);
    for code in [9047, 9080, 1235, 4012] {
        let Assessment::Final(outcome) = apply_proof(by_views(), &refusal(code), &target(), Some(12), others) else {
            unreachable!()
        };
        assert_eq!((outcome.verdict, outcome.proof), (VerdictKind::Restorable, None), "{code}");
        assert!(outcome.proof_why.as_ref().unwrap().contains(&code.to_string()), "{code}");
    }
    let Assessment::Final(outcome) =
        apply_proof(by_views(), &ProofAnswer::Found(proof(&[3], &[9])), &target(), Some(12), others)
    else {
        unreachable!()
    };
    assert_eq!((outcome.proof.unwrap().sets, outcome.proof_why), (vec![3], None));
}

#[test]
fn where_the_views_wait_or_say_no_they_are_believed() {
    let waiting = Assessment::Pending {
        what: "waits".to_owned(),
        at_least: Some(3),
        interim: Box::new(views(VerdictKind::NotYetRestorable)),
    };
    let Assessment::Pending { interim: meanwhile, .. } =
        apply_proof(waiting, &refusal(4018), &target(), Some(12), others)
    else {
        unreachable!()
    };
    assert_eq!(meanwhile.verdict, VerdictKind::NotYetRestorable);
    let lost = Assessment::Final(Box::new(views(VerdictKind::NotRestorable)));
    let Assessment::Final(outcome) = apply_proof(lost, &refusal(4018), &target(), Some(12), others) else {
        unreachable!()
    };
    assert_eq!(outcome.verdict, VerdictKind::NotRestorable);
}
