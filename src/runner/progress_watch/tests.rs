use super::*;
use crate::domain::outcome::VerdictKind;
use crate::domain::samples::target;
use crate::domain::step::StepState;

const LIMITS: Limits = Limits {
    connect: 5_000,
    statement: 30_000,
    poll: 1_000,
    stall: 300_000,
    archive_wait: 600_000,
    heartbeat: 10_000,
    proof: 300_000,
};

fn patience() -> (StepWatch, Instant) {
    (StepWatch::new(LIMITS), Instant::now())
}

fn after(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

fn unreachable() -> Fault {
    Fault::new(Cause::Unreachable, "What.", "Why.", "Next.")
}

#[test]
fn polls_slow_down_without_progress() {
    let (mut patience, _) = patience();
    let mut last = patience.next_poll_interval(false);
    assert_eq!(last, Duration::from_millis(1_250));
    for _ in 0..40 {
        let next = patience.next_poll_interval(false);
        assert!(next >= last && next <= MAX_POLL_INTERVAL);
        last = next;
    }
    assert_eq!(last, MAX_POLL_INTERVAL);
    assert_eq!(patience.next_poll_interval(true), Duration::from_secs(1), "movement makes it quick again");
    // A slower poll that was configured is kept.
    let mut slow = StepWatch::new(Limits { poll: 60_000, ..LIMITS });
    assert_eq!(slow.next_poll_interval(false), Duration::from_mins(1));
}

#[test]
fn stall_limit_ends_idle_waits_only() {
    let pay = target("prod/pay");
    for (alive, kind) in
        [(true, StepKind::WaitForBackup), (false, StepKind::WaitForBackup), (false, StepKind::StartArchiving)]
    {
        let (mut patience, start) = patience();
        let waiting = Waiting::new("BACKUP_DATA_MINOR", alive);
        assert!(patience.moved(&pay, &waiting, start));
        assert!(!patience.moved(&pay, &waiting, after(start, 10)));
        assert!(matches!(patience.judge(kind, &pay, &waiting, after(start, 299_999)), WaitDecision::Continue));
        match patience.judge(kind, &pay, &waiting, after(start, 300_000)) {
            WaitDecision::Stalled => assert!(alive),
            WaitDecision::GiveUp(fault) => {
                assert!(!alive, "a limit never ends what lives: {fault}");
                assert_eq!(fault.cause, Cause::Unknown);
                let sends_nothing = fault.next == "Retry, or watch it: that only looks again, and sends nothing.";
                assert_eq!(sends_nothing, kind == StepKind::WaitForBackup, "{fault}");
                if sends_nothing {
                    assert_eq!(fault.what, "What became of the backup of prod/pay is unknown.");
                    assert_eq!(fault.why, "For 300 s nothing has moved: BACKUP_DATA_MINOR.");
                }
            }
            WaitDecision::Continue => unreachable!("the limit has passed"),
        }
        // A new wait restarts the time, for this target only.
        let moved = Waiting::new("BACKUP_DATA_MAJOR", alive);
        assert!(patience.moved(&pay, &moved, after(start, 300_000)));
        assert!(matches!(patience.judge(kind, &pay, &moved, after(start, 599_999)), WaitDecision::Continue));
    }
}

#[test]
fn unresponsive_limit_is_longer_after_start() {
    for (begun, limit, state) in [(false, LIMITS.connect, StepState::Failed), (true, LIMITS.stall, StepState::Unknown)]
    {
        let (mut patience, start) = patience();
        let fault = unreachable();
        assert!(patience.record_no_answer(begun, &fault, start).is_none());
        assert!(patience.record_no_answer(begun, &fault, after(start, limit - 1)).is_none());
        // An answer in between restarts the time.
        patience.answered();
        assert!(patience.record_no_answer(begun, &fault, after(start, limit)).is_none());
        let end = patience.record_no_answer(begun, &fault, after(start, 2 * limit));
        let settled = end.map(|end| end(&fault));
        assert_eq!(settled.as_ref().map(|settled| settled.state), Some(state));
        let word = settled.and_then(|settled| settled.outcome).map(|outcome| outcome.verdict);
        let expected = if state == StepState::Failed { VerdictKind::Failed } else { VerdictKind::Unknown };
        assert_eq!(word, Some(expected));
    }
    // A lasting error is not waited for.
    let (mut patience, start) = patience();
    let refused = Fault { cause: Cause::Rights, ..unreachable() };
    assert!(patience.record_no_answer(false, &refused, start).is_some());
    assert!(patience.record_no_answer(true, &refused, start).is_none(), "a job may go on behind a refusal");
}

#[test]
fn only_new_messages_are_written() {
    let (mut patience, start) = patience();
    let (pay, log) = (target("prod/pay"), target("prod/log"));
    assert!(patience.is_new_message(&pay, "a", None));
    assert!(!patience.is_new_message(&pay, "a", None));
    assert!(patience.is_new_message(&log, "a", None), "each target has its own");
    assert!(patience.is_new_message(&pay, "a", Some("why")), "attention is news");
    assert!(!patience.is_new_message(&pay, "a", Some("why")), "once");
    assert!(patience.is_new_message(&pay, "a", Some("another")), "another reason is news");
    assert!(patience.is_new_message(&pay, "a", None), "and so is its end");
    assert!(patience.progress_due(&pay, start));
    assert!(!patience.progress_due(&pay, after(start, 999)));
    assert!(patience.progress_due(&log, after(start, 999)));
    assert!(patience.progress_due(&pay, after(start, 1_000)));
}

#[test]
fn archive_wait_respects_the_minimum() {
    for (at_least, limit) in [(None, 600_000), (Some(360_000), 600_000), (Some(900_000), 900_000)] {
        let (mut patience, start) = patience();
        let pay = target("prod/pay");
        assert!(!patience.is_archive_wait_over(&pay, at_least, start));
        assert!(!patience.is_archive_wait_over(&pay, at_least, after(start, limit - 1)));
        assert!(patience.is_archive_wait_over(&pay, at_least, after(start, limit)));
    }
}

fn attention(why: &str, reason: &str) -> Attention {
    Attention { fault: Fault::new(Cause::Server, "What.", why, "Next."), reason: reason.to_owned() }
}

#[test]
fn stall_is_diagnosed_once_per_limit() {
    let (mut patience, start) = patience();
    let pay = target("prod/pay");
    let waiting = Waiting::new("BACKUP_DATA_MAJOR", true);
    patience.moved(&pay, &waiting, start);
    assert!(patience.stall_probe_due(&pay, after(start, 300_000)).is_some());
    assert!(patience.stall_probe_due(&pay, after(start, 599_999)).is_none(), "not more often than once a limit");
    assert!(patience.stall_probe_due(&pay, after(start, 600_000)).is_some());

    let first = patience.attention(&pay, Some(attention("3 s behind.", "a")));
    let same = patience.attention(&pay, Some(attention("300 s behind.", "a")));
    assert_eq!(first.map(|first| first.fault.why), same.map(|same| same.fault.why), "only the figures are others");
    let other = patience.attention(&pay, Some(attention("No space.", "b")));
    assert_eq!(other.map(|other| other.fault.why).as_deref(), Some("No space."));

    // The error of a job is a reason and no progress; the end of the stall is reported once.
    let trouble = Waiting { last_error: Some(unreachable()), ..waiting };
    assert!(!patience.moved(&pay, &trouble, after(start, 700_000)));
    assert!(patience.moved(&pay, &Waiting::new("BACKUP_LOG", true), after(start, 720_000)));
    assert_eq!(patience.take_attention(&pay), Some(Duration::from_mins(12)));
    assert_eq!(patience.take_attention(&pay), None);
    assert!(patience.stall_probe_due(&pay, after(start, 720_001)).is_some(), "a new standstill is asked about anew");
}

#[test]
fn finished_step_reports_the_stall() {
    let (mut patience, start) = patience();
    let pay = target("prod/pay");
    assert!(patience.moved(&pay, &Waiting::new("BACKUP_DATA_MINOR", true), start));
    let raised = Attention { fault: unreachable(), reason: "why".to_owned() };
    assert!(patience.attention(&pay, Some(raised)).is_some());
    patience.record_movement(&pay, after(start, 301_000));
    assert_eq!(patience.take_attention(&pay), Some(Duration::from_secs(301)));
    assert_eq!(patience.take_attention(&pay), None, "said once");
}
