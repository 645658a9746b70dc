#![allow(
    clippy::unwrap_used,
    clippy::float_cmp,
    reason = "a test stops at what it did not expect; these values are exact"
)]

use proptest::prelude::*;

use super::*;

fn blocks(at_ms: u64, done: u64, total: u64) -> Sample {
    let blocks = Some(Count { done, total });
    Sample { at_ms, phase: "BACKUP_USER_DATA".into(), bytes: Some(done * 100), blocks, ..Sample::default() }
}

fn all(samples: &[Sample]) -> Vec<Progress> {
    let mut meter = ProgressMeter::new();
    samples.iter().map(|sample| meter.observe(sample)).collect()
}

#[test]
fn nothing_is_said_before_there_is_data() {
    let meta = Sample { tablets: Some(Count { done: 3, total: 9 }), percent: Some(0.0), ..blocks(0, 0, 0) };
    let said = all(&[meta])[0].clone();
    assert_eq!((said.percent, said.rate, said.eta), (None, None, None));
    assert_eq!(said.tablets, Some(Count { done: 3, total: 9 }));
    let first = all(&[blocks(0, 0, 10)])[0].clone();
    assert_eq!((first.percent, first.eta), (Some(0.0), None));
}

#[test]
fn a_growing_total_never_moves_the_bar_back() {
    let said = all(&[blocks(0, 50, 100), blocks(1000, 60, 200), blocks(2000, 90, 200), blocks(3000, 130, 200)]);
    let shown: Vec<_> = said.iter().map(|progress| progress.percent.unwrap()).collect();
    assert_eq!(shown, [50.0, 50.0, 50.0, 65.0]);
}

#[test]
fn the_bar_is_full_only_with_the_verdict() {
    let mut meter = ProgressMeter::new();
    assert_eq!(meter.finished(), None);
    assert_eq!(meter.observe(&blocks(0, 100, 100)).percent, Some(CAP_PERCENT));
    assert_eq!(meter.observe(&blocks(1000, 120, 100)).percent, Some(CAP_PERCENT));
    assert_eq!(meter.finished().unwrap().percent, Some(100.0));
}

#[test]
fn the_servers_own_percentage_is_taken_where_it_is_all_there_is() {
    let sample = |at_ms, percent| Sample { at_ms, percent: Some(percent), ..Sample::default() };
    let said = all(&[sample(0, 0.0), sample(1000, 12.5), sample(2000, f64::NAN), sample(3000, 11.0)]);
    let shown: Vec<_> = said.iter().map(|progress| progress.percent).collect();
    assert_eq!(shown, [None, Some(12.5), Some(12.5), Some(12.5)]);
    let dump = Sample { bytes: Some(25), bytes_total: Some(100), ..Sample::default() };
    assert_eq!(all(&[dump])[0].percent, Some(25.0));
}

#[test]
fn a_steady_backup_is_estimated_exactly() {
    let samples: Vec<_> = (0..20).map(|second| blocks(second * 1000, second * 10, 1000)).collect();
    let said = all(&samples);
    assert_eq!(said[4].eta, None, "four seconds are too few");
    assert_eq!(said[19].eta, Some((81, 81)));
    assert_eq!(said[19].rate, Some(1000.0));
}

#[test]
fn an_uneven_backup_is_estimated_as_a_range() {
    let done = |second: u64| if second < 10 { second * 10 } else { 100 + (second - 10) * 30 };
    let samples: Vec<_> = (0..20).map(|second| blocks(second * 1000, done(second), 1000)).collect();
    let (soonest, latest) = all(&samples)[19].eta.unwrap();
    assert!(soonest < latest, "{soonest} {latest}");
    assert!((21..=24).contains(&soonest) && (31..=36).contains(&latest), "{soonest} {latest}");
}

#[test]
fn a_standstill_has_a_time_and_no_end() {
    let mut meter = ProgressMeter::new();
    for second in 0..40 {
        meter.observe(&blocks(second * 1000, second.min(10), 100));
    }
    assert_eq!(meter.moved_at_ms(), Some(10_000));
    assert_eq!(meter.last().unwrap().eta, None);
    meter.observe(&Sample { phase: "BACKUP_LOG".into(), ..blocks(40_000, 10, 100) });
    assert_eq!(meter.moved_at_ms(), Some(40_000), "a new phase is a movement");
    // The log of PLUS ARCHIVELOG has a progress of its own, which does not go back.
    let log =
        |at_ms, percent| Sample { phase: "BACKUP_LOG".into(), log_percent: Some(percent), ..blocks(at_ms, 10, 100) };
    assert_eq!(meter.observe(&log(50_000, 43.5)).log_percent, Some(43.5));
    assert_eq!((meter.observe(&log(51_000, 40.0)).log_percent, meter.moved_at_ms()), (Some(43.5), Some(50_000)));
    let words = crate::domain::format::progress(&meter.observe(&log(52_000, 60.9)));
    assert!(words.starts_with("BACKUP_LOG  10 %  log 60 %  10 of 100 blocks"), "{words}");
    assert_eq!(meter.moved_at_ms(), Some(52_000));
}

#[test]
fn the_rate_forgets_what_is_a_minute_old() {
    let mut samples: Vec<_> = (0..=60).map(|second| blocks(second * 1000, 0, 1000)).collect();
    samples.extend((61..=130).map(|second| blocks(second * 1000, (second - 60) * 2, 1000)));
    assert_eq!(all(&samples).last().unwrap().rate, Some(200.0));
    let rare = all(&[blocks(0, 0, 10), blocks(300_000, 3, 10)]);
    assert_eq!(rare[1].rate, Some(1.0), "two samples are kept, however far apart");
}

fn any_sample() -> impl Strategy<Value = Sample> {
    (0_u64..100_000, 0_u64..500, proptest::option::of(0_u64..500), proptest::option::of(-5.0..120.0), 0_u64..1000)
        .prop_map(|(at_ms, done, total, percent, bytes)| Sample {
            at_ms,
            phase: "P".into(),
            bytes: Some(bytes),
            percent,
            blocks: total.map(|total| Count { done, total }),
            log_percent: None,
            ..Sample::default()
        })
}

proptest! {
    #[test]
    fn progress_never_goes_back_and_never_fills(samples in proptest::collection::vec(any_sample(), 1..40)) {
        let said = all(&samples);
        for progress in &said {
            prop_assert!(progress.percent.is_none_or(|percent| (0.0..=CAP_PERCENT).contains(&percent)));
            prop_assert!(progress.eta.is_none_or(|(soonest, latest)| soonest <= latest));
            prop_assert!(progress.rate.is_none_or(|rate| rate.is_finite() && rate >= 0.0));
        }
        for pair in said.windows(2) {
            prop_assert!(pair[0].percent <= pair[1].percent);
            prop_assert!(pair[0].bytes <= pair[1].bytes);
        }
    }

    #[test]
    fn more_to_do_never_ends_sooner(steps in proptest::collection::vec(1_u64..20, 8..30), more in 0_u64..500) {
        let samples = |extra: u64| -> Vec<Sample> {
            let total: u64 = steps.iter().sum::<u64>() + 100;
            let mut done = 0;
            let mut samples: Vec<_> = (0..).zip(&steps).map(|(second, step)| {
                done += step;
                blocks(second * 1000, done, total)
            }).collect();
            samples.last_mut().unwrap().blocks = Some(Count { done, total: total + extra });
            samples
        };
        let (fewer, more) = (all(&samples(0)), all(&samples(more)));
        let (fewer, more) = (fewer.last().unwrap().eta.unwrap(), more.last().unwrap().eta.unwrap());
        prop_assert!(fewer.0 <= more.0 && fewer.1 <= more.1);
    }
}
