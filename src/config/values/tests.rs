#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use proptest::prelude::*;

use super::*;
use crate::domain::endpoint::{Endpoint, parse_endpoints};
use crate::domain::secret::SecretSource;

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
        ("root@db1:2881", "leave the login"),
        ("http//db1", "no host name has"),
        ("db 1", "no host name has"),
    ] {
        let error = text.parse::<Endpoint>().unwrap_err();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn several_endpoints_stand_behind_one_another_and_a_url_is_none() {
    let read = |text: &str| parse_endpoints(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(read("a:1,b"), Ok(vec!["a:1".to_owned(), "b:2881".to_owned()]));
    assert_eq!(read("a:1, [::1]:2"), Ok(vec!["a:1".to_owned(), "[::1]:2".to_owned()]));
    for text in ["", ",", "a,", "a,,b"] {
        assert!(read(text).unwrap_err().ends_with("the host is missing"), "{text}");
    }
    let url = "mysql://h:2881/db".parse::<Endpoint>().unwrap_err();
    assert_eq!(url, "it is not host:port: leave what stands before :// out");
    let second = parse_endpoints("a:1,b:x").unwrap_err();
    assert_eq!(second, "endpoint 2 of 2: it is not host:port: the port must be a number from 1 to 65535");
    let several = "a:1,b:2".parse::<Endpoint>().unwrap_err();
    assert!(several.ends_with("it is one endpoint; several are written as a list of them"), "{several}");
    assert!("::1".parse::<Endpoint>().unwrap_err().contains("an IPv6 address is written in brackets"));
}

#[test]
fn only_a_login_may_have_no_password() {
    use crate::config::inventory_file::{parse, show};
    let inventory = |more: &str| {
        let text = format!("clusters:\n  - {{name: a, endpoints: [h], user: root@sys, {more}}}\n");
        parse(&text, std::path::Path::new("x.yaml"))
    };
    let without = inventory("password: none").unwrap();
    assert_eq!(without.clusters[0].password, Some(SecretSource::NoPassword));
    let again = show(&without).unwrap();
    assert!(again.contains("password: none"), "{again}");
    assert_eq!(parse(&again, std::path::Path::new("x.yaml")).unwrap(), without);
    let written = inventory("password: CANARY").unwrap_err();
    assert!(written.why.contains("or none where the login has no password"), "{written}");
    assert!(!format!("{written:?}").contains("CANARY"));
    let key = "strategies: [{storage: {kind: s3, bucket: b, endpoint: e, access_id: i, access_key: none}}]";
    assert!(inventory(key).unwrap_err().why.contains("a secret is never written here"));
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

#[test]
fn what_is_too_long_or_too_many_is_refused_with_the_bound() {
    assert_eq!(parse_duration("3650d").unwrap(), LONGEST);
    for long in ["3651d", "99999999999999d", "18446744073709551615ms"] {
        assert!(parse_duration(long).unwrap_err().ends_with("the longest duration is 3650d"), "{long}");
    }
    let hosts = |count: usize| vec!["h"; count].join(",");
    assert_eq!(parse_endpoints(&hosts(32)).unwrap().len(), 32);
    assert!(parse_endpoints(&hosts(33)).unwrap_err().contains("more than 32 endpoints"));
    assert!("-x".parse::<Endpoint>().unwrap_err().contains("begin with a dash"));
    assert!("h\u{200b}".parse::<Endpoint>().is_err());
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
