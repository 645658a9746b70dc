#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use proptest::prelude::*;

use super::*;

#[test]
fn endpoints_in_every_form_read_and_print_back() {
    for (text, host, port) in [
        ("10.0.0.1:2883", "10.0.0.1", 2883),
        ("db1.example.com", "db1.example.com", 2881),
        ("[::1]:2881", "::1", 2881),
        ("[fe80::1]", "fe80::1", 2881),
    ] {
        let endpoint: Endpoint = text.parse().unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port), "{text}");
        assert_eq!(endpoint.to_string().parse::<Endpoint>().unwrap(), endpoint);
    }
}

#[test]
fn a_text_that_is_no_endpoint_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "the host is missing"),
        (":2881", "the host is missing"),
        ("a:", "the port must be"),
        ("a:0", "the port must be"),
        ("a:+1", "the port must be"),
        ("a:65536", "the port must be"),
        ("::1", "in brackets"),
        ("fe80::1:2881", "in brackets"),
        ("[::1", "not closed"),
        ("[db1]:2881", "IPv6 address"),
        ("[::1]2881", "only :port"),
        ("root@db1:2881", "no host name has"),
        ("http//db1", "no host name has"),
        ("db 1", "no host name has"),
    ] {
        let error = text.parse::<Endpoint>().unwrap_err();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn durations_have_one_number_and_one_unit() {
    for (text, millis) in [("100ms", 100), ("5s", 5_000), ("10m", 600_000), ("2h", 7_200_000), ("7d", 604_800_000)] {
        assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(millis));
        assert_eq!(duration_text(Duration::from_millis(millis)), text);
    }
    for text in ["", "5", "s", "-5s", "5 s", "1h30m", "5w", "1.5s", "999999999999999999999s", "300000000000000000d"] {
        assert!(parse_duration(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_duration_prints_as_it_reads(millis in 0_u64..10_000_000_000) {
        let duration = Duration::from_millis(millis);
        prop_assert_eq!(parse_duration(&duration_text(duration)).unwrap(), duration);
    }

    #[test]
    fn no_text_makes_the_readers_fall(text in ".{0,40}") {
        let _ = text.parse::<Endpoint>();
        let _ = parse_duration(&text);
    }
}
