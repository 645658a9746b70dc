#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;

fn user(text: &str) -> ArchiveDest {
    ArchiveDest::parse_user(text).unwrap()
}

#[test]
fn reads_the_whole_value_and_a_uri_alone() {
    let whole = user("location=file:///a/clog  Binding=MANDATORY piece_switch_interval=2d COMPRESSION=enable");
    assert_eq!(
        whole.to_string(),
        "LOCATION=file:///a/clog BINDING=Mandatory PIECE_SWITCH_INTERVAL=2d COMPRESSION=enable"
    );
    assert_eq!(user("file:///a/clog"), ArchiveDest::new(Destination::parse_user("file:///a/clog").unwrap()));
}

#[test]
fn refuses_what_the_server_refuses() {
    use ArchiveDestError as E;
    for (text, wanted) in [
        ("", E::NoLocation),
        ("BINDING=Optional", E::NoLocation),
        ("LOCATION=file:///a BINDING=Always", E::BadBinding),
        ("LOCATION=file:///a PIECE_SWITCH_INTERVAL=8d", E::BadInterval),
        ("LOCATION=file:///a PIECE_SWITCH_INTERVAL=23h", E::BadInterval),
        ("LOCATION=file:///a PIECE_SWITCH_INTERVAL=one", E::BadInterval),
        ("LOCATION=file:///a SPEED=1", E::UnknownPart("SPEED".into())),
        ("LOCATION=file:///a LOCATION=file:///b", E::Repeated("LOCATION".into())),
        ("LOCATION=s3://b/p?access_key=SK", E::Location(DestinationError::SecretInUri("access_key"))),
    ] {
        assert_eq!(ArchiveDest::parse_user(text), Err(wanted), "{text}");
    }
    assert!(ArchiveDest::parse_user("file:///a b").is_err());
    assert!(ArchiveDest::parse_user("LOCATION=file:///a PIECE_SWITCH_INTERVAL=24h").is_ok());
}

#[test]
fn the_rows_of_the_view_become_a_value() {
    let rows = [
        ("path", "s3://b/clog?host=h&access_id=A&encrypt_key=12AB"),
        ("binding", "OPTIONAL"),
        ("dest_id", "1002"),
        ("piece_switch_interval", "1d"),
        ("state", "ENABLE"),
    ];
    let seen = ArchiveDest::from_rows(rows).unwrap().unwrap();
    assert_eq!(
        seen.to_string(),
        "LOCATION=s3://b/clog?host=h&access_id=A&access_key=*** BINDING=Optional PIECE_SWITCH_INTERVAL=1d"
    );
    assert_eq!(ArchiveDest::from_rows([("state", "ENABLE"), ("path", "")]).unwrap(), None);
    let strange = ArchiveDest::from_rows([("path", "file:///a"), ("binding", "LAZY")]).unwrap().unwrap();
    assert_eq!(strange.binding, Some(Binding::Other("LAZY".into())));
}

#[test]
fn present_values_are_repeated_unless_named() {
    let present = user("LOCATION=file:///old BINDING=Mandatory PIECE_SWITCH_INTERVAL=3d COMPRESSION=enable");
    let moved = user("file:///new").repeating(Some(&present));
    assert_eq!(
        moved.to_statement_value(None).unwrap().expose(),
        "LOCATION=file:///new BINDING=Mandatory PIECE_SWITCH_INTERVAL=3d COMPRESSION=enable"
    );
    let named = user("LOCATION=file:///new BINDING=Optional").repeating(Some(&present));
    assert_eq!(named.binding, Some(Binding::Optional));
    assert_eq!(user("file:///new").repeating(None).to_string(), "LOCATION=file:///new");
}

#[test]
fn what_already_matches_is_not_set_again() {
    let present = user("LOCATION=file:///a BINDING=Optional PIECE_SWITCH_INTERVAL=1d");
    for (wanted, settled) in [
        ("file:///a/", true),
        ("LOCATION=file:///a PIECE_SWITCH_INTERVAL=24h", true),
        ("LOCATION=file:///a BINDING=Mandatory", false),
        ("LOCATION=file:///a PIECE_SWITCH_INTERVAL=2d", false),
        ("file:///b", false),
    ] {
        assert_eq!(present.already_is(&user(wanted)), settled, "{wanted}");
    }
    assert!(user("file:///a").already_is(&present), "what is not shown is the default");
}

#[test]
fn the_key_is_in_the_statement_and_nowhere_else() {
    let dest = user("LOCATION=s3://b/clog?host=h&access_id=A BINDING=Optional");
    let key = Secret::new("SK".into());
    let value = dest.to_statement_value(Some(&key)).unwrap();
    assert_eq!(value.expose(), "LOCATION=s3://b/clog?host=h&access_id=A&access_key=SK BINDING=Optional");
    assert_eq!(
        dest.redacted_statement_value(),
        "LOCATION=s3://b/clog?host=h&access_id=A&access_key=*** BINDING=Optional"
    );
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(path in "[a-z0-9/]{1,12}", binding in 0_usize..3, days in proptest::option::of(1..=7)) {
        let mut text = format!("LOCATION=file:///{}", path.trim_matches('/'));
        text.push_str(["", " BINDING=Optional", " BINDING=Mandatory"][binding]);
        text.push_str(&days.map_or_else(String::new, |days| format!(" PIECE_SWITCH_INTERVAL={days}d")));
        if let Ok(read) = ArchiveDest::parse_user(&text) {
            prop_assert_eq!(read.to_string(), text);
            prop_assert_eq!(&serde_json::from_str::<ArchiveDest>(&serde_json::to_string(&read).unwrap()).unwrap(), &read);
        }
    }
}

#[test]
fn the_whole_value_has_the_room_of_one_destination() {
    use crate::domain::version::Version;
    let version = Version::oceanbase([4, 3, 1, 0], None);
    let of = |bytes: usize| ArchiveDest {
        binding: Some(Binding::Mandatory),
        ..ArchiveDest::new(
            Destination::parse_user(&format!(
                "s3://b/{}?host=h&access_id=A&idc={}&zone={}",
                "p".repeat(1000),
                "i".repeat(500),
                "x".repeat(bytes)
            ))
            .unwrap(),
        )
    };
    let room = 2047 - of(1).redacted_statement_value().len() + "&access_key=***".len() + 1;
    assert!(of(room).carried_by(&version, None).is_ok());
    assert!(of(room + 1).location.carried_by(&version, None).is_ok(), "the URI alone is not too long");
    let told = of(room + 1).carried_by(&version, None).unwrap_err().to_string();
    assert!(
        told.contains("the whole value of LOG_ARCHIVE_DEST is 2048 bytes long, and the server takes 2047"),
        "{told}"
    );
    let key = Secret::new("k".into());
    assert!(of(room).carried_by(&version, Some(&key)).is_err(), "the key needs room too");
    assert!(of(room).to_statement_value(Some(&key)).is_err());
}
