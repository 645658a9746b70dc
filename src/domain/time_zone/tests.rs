#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]
use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns a zone with summer time: five hours behind UTC in winter, four in summer.
fn new_york() -> ServerTimeZone {
    let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
    ServerTimeZone { shown: zone.clone(), printed: Ok(zone) }
}

/// A time that was printed in summer has summer's offset, whatever the offset is when it is read.
#[test]
fn a_printed_time_has_the_offset_of_its_own_time() {
    let zone = new_york();
    assert_eq!(zone.unknown(), None);
    assert_eq!(zone.moment("2026-07-01 12:00:00.250000"), Ok(at("2026-07-01T16:00:00.25Z")));
    assert_eq!(zone.moment("2026-11-20 12:00:00"), Ok(at("2026-11-20T17:00:00Z")));
    assert_eq!(zone.parts(at("2026-07-01T16:00:00Z")).1, "12:00:00");
    assert_eq!(zone.parts(at("2026-07-01T16:00:00Z")).2, "-04:00");
    assert_eq!(zone.parts(at("2026-11-20T17:00:00Z")).2, "-05:00");
}

#[test]
fn a_time_that_comes_twice_is_not_known() {
    let Err(TimeError::NotKnown(why)) = new_york().moment("2026-11-01 01:30:00") else {
        panic!("taken for one of two")
    };
    assert!(why.contains("comes twice"), "{why}");
    assert!(new_york().moment("2026-11-01 02:30:00").is_ok());
    // In spring an hour is skipped; no server prints a time in it.
    assert!(matches!(new_york().moment("2026-03-08 02:30:00"), Err(TimeError::NotKnown(_))));
}

#[test]
fn what_is_not_set_is_no_moment() {
    let zone = ServerTimeZone::fixed(8 * 3_600);
    for text in ["", " ", "0000-00-00 00:00:00", "1970-01-01 08:00:00.000000"] {
        assert_eq!(zone.moment(text), Err(TimeError::NotSet), "{text:?}");
    }
    assert!(matches!(zone.moment("abc"), Err(TimeError::NotKnown(_))));
}

/// The variables count only where they agree with the measured offset.
#[test]
fn a_zone_that_is_not_known_is_said() {
    let now = at("2026-11-20T00:00:00Z");
    let known =
        |time_zone, system, measured| ServerTimeZone::named(time_zone, system, measured, now).unknown().is_none();
    assert!(known("+08:00", "", 28_800));
    // Names are known where this host has the rules of the zone.
    assert_eq!(known("SYSTEM", "Asia/Shanghai", 28_800), TimeZone::get("Asia/Shanghai").is_ok());
    assert!(known("system", "+08:00", 28_800));
    assert!(known("-05:30", "", -19_800));
    assert!(known("UTC", "", 0));
    assert!(!known("SYSTEM", "CST", 28_800), "of China, of Cuba, or of central America");
    assert!(!known("SYSTEM", "EST", -18_000), "an abbreviation does not say whether it changes");
    assert!(!known("+08:00", "", 25_200));
    assert!(!known("", "", 0));
    let zone = ServerTimeZone::named("SYSTEM", "CST", 28_800, now);
    assert_eq!(
        zone.unknown(),
        Some("time_zone is SYSTEM, and system_time_zone \"CST\", which names no zone that this host knows")
    );
    assert!(matches!(zone.moment("2026-11-20 08:00:00"), Err(TimeError::NotKnown(_))));
    // Moments are shown all the same: their offset makes them unambiguous.
    assert_eq!(zone.parts(now), ("2026-11-20".to_owned(), "08:00:00".to_owned(), "+08:00".to_owned()));
    let asked = zone.printing_utc();
    assert_eq!(asked.moment("2026-11-20 00:00:00"), Ok(now));
    assert_eq!(asked.parts(now).2, "+08:00");
}
