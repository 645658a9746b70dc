#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;

const AT: Scn = Scn(1_795_116_700_000_000_000);

#[test]
fn shows_a_point_in_utc_and_at_a_distance() {
    assert_eq!(AT.to_rfc3339(), "2026-11-19T19:31:40Z");
    assert_eq!(AT.to_local(&ServerTimeZone::fixed(8 * 3600)), "2026-11-20 03:31:40 +08:00");
    assert_eq!(AT.to_local(&ServerTimeZone::fixed(-(5 * 3600 + 1800))), "2026-11-19 14:01:40 -05:30");
    assert_eq!(Scn(AT.0 + 120_000_000).to_rfc3339(), "2026-11-19T19:31:40.12Z");
}

#[test]
fn a_span_repeats_the_date_only_where_it_differs() {
    let later = Scn(AT.0 + 15_000_000_000);
    assert_eq!(span_text(AT, later, &ServerTimeZone::fixed(8 * 3600)), "2026-11-20 03:31:40 to 03:31:55 +08:00");
    let next_day = Scn(AT.0 + 86_400_000_000_000);
    assert_eq!(span_text(AT, next_day, &ServerTimeZone::fixed(0)), "2026-11-19 19:31:40 to 2026-11-20 19:31:40 +00:00");
}

#[test]
fn is_a_number_in_json() {
    assert_eq!(serde_json::to_string(&AT).unwrap(), "1795116700000000000");
    assert_eq!(serde_json::from_str::<Scn>("18446744073709551615").unwrap(), Scn::MAX);
}

#[test]
fn reads_microseconds() {
    assert_eq!(Scn::from_micros(1_795_116_700_000_000), AT);
    assert_eq!(Scn::from_micros(u64::MAX), Scn::MAX);
}

proptest! {
    #[test]
    fn rfc3339_reads_back_to_the_same_point(nanos: u64) {
        let back: Timestamp = Scn(nanos).to_rfc3339().parse().unwrap();
        prop_assert_eq!(back.as_nanosecond(), i128::from(nanos));
    }
}
