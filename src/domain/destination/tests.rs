#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;
use crate::domain::archive_dest::ArchiveDest;
use crate::domain::version::Version;

const S3: &str = "s3://b/backup?host=s3.example.com&access_id=AKIA&s3_region=r1";

fn user(text: &str) -> Destination {
    Destination::parse_user(text).unwrap()
}

fn server(text: &str) -> Destination {
    Destination::parse_server(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn reads_what_a_person_writes() {
    let file = user("file:///data/nfs/backup/");
    assert_eq!(
        (file.kind(), file.path(), file.bare().as_str()),
        (StorageKind::File, "/data/nfs/backup", "file:///data/nfs/backup")
    );
    let s3 = user(S3);
    assert_eq!((s3.attribute("host"), s3.attribute("access_id")), (Some("s3.example.com"), Some("AKIA")));
    assert_eq!(s3.bare(), "s3://b/backup");
    for text in [
        "oss://bucket/backup/data?host=oss-cn-x.aliyuncs.com&access_id=A&delete_mode=delete",
        "cos://bucket-1/backup?host=cos.ap-x.myqcloud.com&access_id=A&appid=1",
        "s3://bucket/backup?host=http://10.0.0.1:9000&access_id=A&addressing_model=path_style",
        "azblob://container/backup?host=https://acct.blob.core.windows.net&access_id=A",
        "file:///backup/{cluster_id}/{tenant_id}/data?zone=z1",
        "oss://b/支付?host=h&role_arn=acs:ram::1:role/x",
    ] {
        assert_eq!(user(text).to_string(), text);
        assert_eq!(user(text).missing_keys(), [""; 0], "{text}");
    }
}

#[test]
fn refuses_what_the_server_would_misread() {
    use DestinationError as E;
    let forbidden = |what: &str, character| E::Forbidden { what: what.into(), character };
    let not_for = |kind, key: &str| E::NotForKind { kind, key: key.into() };
    for (text, wanted) in [
        ("", E::Empty),
        ("/backup", E::UnknownScheme),
        ("S3://b/p", E::UnknownScheme),
        ("hdfs://b/p", E::UnknownScheme),
        ("file://backup", E::NotAbsolute),
        ("file:///", E::NotAbsolute),
        ("s3:///p", E::NoBucket(StorageKind::S3)),
        ("file:///a/../b", E::DotSegment),
        ("file:///a b", forbidden("the path", "a space")),
        ("file:///a'b", forbidden("the path", "a quote")),
        ("file:///a?b?c", forbidden("the path", "a question mark")),
        ("s3://b/p?host=a b", forbidden("host", "a space")),
        ("file:///a?host=x", not_for(StorageKind::File, "host")),
        ("file:///a?delete_mode=delete", not_for(StorageKind::File, "delete_mode")),
        ("oss://b/p?appid=1", not_for(StorageKind::Oss, "appid")),
        ("s3://b/p?host=", E::EmptyValue("host".into())),
        ("s3://b/p?host=a&host=b", E::Repeated("host".into())),
        ("oss://b/p?delete_mode=erase", E::BadValue { key: "delete_mode", allowed: "delete or tagging".into() }),
        ("s3://b/p?access_key=SK", E::SecretInUri("access_key")),
        ("s3://b/p?Access_Key=SK", E::SecretInUri("access_key")),
        ("s3://b/p?acc=1&secret_access_key=SK", E::SecretInUri("access_key")),
        ("s3://b/p?encrypt_key=ABCD", E::MaskedKey),
        ("nonsense access_key=SK", E::SecretInUri("access_key")),
    ] {
        assert_eq!(Destination::parse_user(text), Err(wanted), "{text}");
    }
    assert!(DestinationError::SecretInUri("access_key").to_string().contains("--access-key-from"));
}

#[test]
fn a_key_is_found_by_its_exact_case() {
    let odd = server("s3://b/p?Host=x&hostname=y&host=z&flag");
    assert_eq!(odd.attribute("host"), Some("z"));
    assert_eq!(server("s3://b/p?Host=x").missing_keys(), ["host", "access_id"]);
}

#[test]
fn lengths_end_where_the_server_ends_them() {
    let file = |path: usize| format!("file:///{}", "x".repeat(path - "file:///".len()));
    assert!(Destination::parse_user(&file(1023)).is_ok());
    assert!(matches!(
        Destination::parse_user(&file(1024)),
        Err(DestinationError::TooLong { limit: 1023, actual: 1024, .. })
    ));
    // The fields of the server hold the name of the key too.
    for (key, most) in [("host", 250), ("access_id", 245)] {
        assert!(Destination::parse_user(&format!("s3://b/p?{key}={}", "h".repeat(most))).is_ok(), "{key}");
        assert!(Destination::parse_user(&format!("s3://b/p?{key}={}", "h".repeat(most + 1))).is_err(), "{key}");
    }
    assert!(user(S3).to_statement_uri(Some(&secret(&"k".repeat(244)))).is_ok());
    assert!(user(S3).to_statement_uri(Some(&secret(&"k".repeat(245)))).is_err());
    // appid=, s3_region= and delete_mode= have one field together.
    let cos = |appid: usize| format!("cos://b/p?appid={}&delete_mode=delete", "1".repeat(appid));
    assert!(Destination::parse_user(&cos(486)).is_ok());
    let Err(DestinationError::TooLong { limit: 511, actual: 512, what }) = Destination::parse_user(&cos(487)) else {
        panic!("one byte too many")
    };
    assert_eq!(what, "what appid, s3_region, delete_mode say together");
    let wide = format!("s3://b/p?zone=z&max_iops={0}&max_bandwidth={0}&idc={0}&region={0}", "x".repeat(400));
    assert!(matches!(Destination::parse_user(&wide), Err(DestinationError::TooLong { limit: 1599, .. })));
}

#[test]
fn a_secret_of_the_server_is_dropped_and_noted() {
    for text in [
        "s3://b/backup?host=h&access_id=A&encrypt_key=0A1B2C&checksum_type=md5",
        "s3://b/backup?host=h&access_id=A&access_key=0A1B2C&checksum_type=md5",
    ] {
        let seen = server(text);
        assert_eq!(seen.masked().len(), 1);
        assert_eq!(seen.to_string(), "s3://b/backup?host=h&access_id=A&access_key=***&checksum_type=md5");
        assert!(!format!("{seen:?}").contains("0A1B2C"));
        let json = serde_json::to_string(&seen).unwrap();
        let back: Destination = serde_json::from_str(&json).unwrap();
        assert_eq!(back.to_string(), seen.to_string());
        assert!(matches!(seen.to_statement_uri(None), Err(DestinationError::Missing { key: "access_key", .. })));
    }
    assert!(serde_json::from_str::<Destination>("\"s3://b/p?access_key=SK\"").is_err());
}

#[test]
fn the_statement_carries_the_key_behind_its_id() {
    let uri = user(S3).to_statement_uri(Some(&secret("SK/+="))).unwrap();
    assert_eq!(uri.expose(), "s3://b/backup?host=s3.example.com&access_id=AKIA&access_key=SK/+=&s3_region=r1");
    assert_eq!(
        user(S3).redacted_statement_uri(),
        "s3://b/backup?host=s3.example.com&access_id=AKIA&access_key=***&s3_region=r1"
    );
    assert_eq!(user("file:///a").to_statement_uri(None).unwrap().expose(), "file:///a");
    assert_eq!(user("file:///a").redacted_statement_uri(), "file:///a");
    assert!(user("file:///a").to_statement_uri(Some(&secret("k"))).is_err());
    for key in ["a b", "a&b", "a'b", "a\nb"] {
        assert!(user(S3).to_statement_uri(Some(&secret(key))).is_err(), "{key:?}");
    }
    let no_id = user("s3://b/p?host=h");
    assert!(matches!(
        no_id.to_statement_uri(Some(&secret("k"))),
        Err(DestinationError::Missing { key: "access_id", .. })
    ));
    let with_id = no_id.with_attribute("access_id", "A").unwrap();
    assert_eq!(
        with_id.to_statement_uri(Some(&secret("k"))).unwrap().expose(),
        "s3://b/p?host=h&access_id=A&access_key=k"
    );
    assert!(with_id.with_attribute("access_key", "k").is_err());
}

#[test]
fn one_directory_has_many_spellings() {
    for (a, b, same) in [
        ("file:///a/b", "file:///a/b/", true),
        ("file:///a//b", "file:///a/b", true),
        ("file:///a/b", "file:///a/bc", false),
        ("file:///a/b", "s3://a/b", false),
        (
            "s3://b/p?host=H.example.com&access_id=A",
            "s3://b/p?host=https://h.example.com/&encrypt_key=1&checksum_type=md5",
            true,
        ),
        ("s3://b/p?host=h1", "s3://b/p?host=h2", false),
        ("s3://b/p?host=h1", "s3://b/p", true),
    ] {
        assert_eq!(server(a).may_be_same_directory(&server(b)), same, "{a} {b}");
        assert_eq!(server(b).may_be_same_directory(&server(a)), same, "{b} {a}");
    }
    assert!(server("file:///a/b/c").is_inside(&server("file:///a/b")));
    assert!(!server("file:///a/bc").is_inside(&server("file:///a/b")));
    assert!(!server("file:///a/b").is_inside(&server("file:///a/b")));
}

/// The server compares strings: what leads to the same directory may be another path to it.
#[test]
fn a_path_is_the_text_that_the_server_compares() {
    for (a, b, same) in [
        ("file:///a/b", "file:///a/b/", true),
        ("file:///a//b", "file:///a/b", false),
        ("file:///a/b", "file:///a/B", false),
        ("file:///a/b", "file:///a/./b", false),
        ("s3://b/p?host=h&access_id=A", "s3://b/p?host=h&encrypt_key=1&checksum_type=md5", true),
        ("s3://b/p?host=h", "s3://b/p?host=H", false),
        ("s3://b/p?host=h", "s3://b/p?host=https://h", false),
        ("s3://b/p?host=h", "s3://b/p?host=h/", false),
        ("s3://b/p?host=h", "s3://b/p", true),
        ("s3://b/p?host=h", "oss://b/p?host=h", false),
    ] {
        assert_eq!(server(a).is_same_path(&server(b)), same, "{a} {b}");
        assert_eq!(server(b).is_same_path(&server(a)), same, "{b} {a}");
        assert!(same || !server(a).already_is(&server(b)), "{a} {b}: it has to be set");
    }
}

#[test]
fn what_already_matches_is_not_set_again() {
    let shown = server("s3://b/p?host=h&access_id=A&encrypt_key=1&checksum_type=md5");
    for (wanted, settled) in [
        ("s3://b/p?host=h&access_id=A", true),
        ("s3://b/p?host=h&access_id=A&delete_mode=delete", true),
        ("s3://b/p?host=h&access_id=A&delete_mode=tagging", false),
        ("s3://b/p?host=h&access_id=B", false),
        ("s3://b/q?host=h&access_id=A", false),
    ] {
        assert_eq!(shown.already_is(&user(wanted)), settled, "{wanted}");
    }
}

#[test]
fn older_lines_take_less() {
    assert!(user("file:///a").check_v2_v3(None).is_ok());
    let oss = user("oss://b/p?host=h&access_id=A");
    assert!(oss.check_v2_v3(None).is_ok());
    assert!(user("file:///a?zone=z1").check_v2_v3(None).is_err());
    assert!(user(S3).check_v2_v3(None).is_err());
    assert!(user(&format!("oss://b/p?host={}", "h".repeat(128))).check_v2_v3(None).is_err());
    // Host, id and key have 127 bytes each, and 255 all together.
    let key = |bytes: usize| secret(&"k".repeat(bytes));
    assert!(oss.check_v2_v3(Some(&key(127))).is_ok());
    assert!(oss.check_v2_v3(Some(&key(128))).is_err());
    let long = user(&format!("oss://b/p?host={}&access_id=A", "h".repeat(120)));
    assert!(long.check_v2_v3(Some(&key(106))).is_ok());
    assert!(long.check_v2_v3(Some(&key(107))).is_err());
    assert!(oss.check_v2_v3(Some(&secret("a&b"))).is_err());
}

#[test]
fn each_version_carries_what_it_has_room_for() {
    let version = |text: &str| text.parse::<Version>().unwrap();
    let most = "x".repeat(500);
    let others = format!("zone={most}&idc={most}&max_iops=1&host={}&region=", "h".repeat(100));
    let wide = |bytes: usize| user(&format!("s3://b/p?{others}{}", "x".repeat(bytes - others.len())));
    assert!(wide(1535).carried_by(&version("4.3.1.0"), None).is_ok());
    assert!(wide(1536).carried_by(&version("4.3.1.0"), None).is_err());
    assert!(wide(1599).carried_by(&version("4.3.5.0"), None).is_ok());
    // The key that comes with it counts too: &access_key= and its text.
    assert!(wide(1599 - 13).carried_by(&version("4.3.5.0"), Some(&secret("k"))).is_ok());
    assert!(wide(1599 - 12).carried_by(&version("4.3.5.0"), Some(&secret("k"))).is_err());
    let summed = user("s3://b/p?host=h&access_id=A&checksum_type=md5");
    assert!(summed.carried_by(&version("4.2.3.0"), None).is_ok());
    let told = summed.carried_by(&version("4.2.1.8"), None).unwrap_err().to_string();
    assert_eq!(told, "OceanBase knows checksum_type from V4.2.3 on. Take it out.");
    let oss = user("oss://b/p?host=h&access_id=A");
    for unfit in ["a&b", "a b", "a'b", "a\"b", "a\\b", "a\u{feff}b", "a\tb"] {
        let key = secret(unfit);
        for text in ["2.2.77", "3.2.4.1", "4.0.0.0", "4.3.5.0"] {
            assert!(oss.carried_by(&version(text), Some(&key)).is_err(), "{unfit:?} on {text}");
        }
    }
    assert!(oss.carried_by(&version("3.1.5"), Some(&secret(&"k".repeat(128)))).is_err());
    assert!(oss.carried_by(&version("4.0.0.0"), Some(&secret(&"k".repeat(128)))).is_ok());
}

#[test]
fn each_kind_has_its_first_versions() {
    use StorageKind::{Azblob, Cos, File, Oss};
    for (version, kinds) in [
        ("2.2.77", vec![File, Oss, Cos]),
        ("4.0.0.0", vec![File, Oss]),
        ("4.2.1.0", vec![File, Oss, Cos]),
        ("4.2.1.7", vec![File, Oss, Cos, StorageKind::S3]),
        ("4.2.2.0", vec![File, Oss, Cos]),
        ("4.2.5.5", vec![File, Oss, Cos, StorageKind::S3]),
        ("4.2.5.6", vec![File, Oss, Cos, StorageKind::S3, Azblob]),
        ("4.3.0.1", vec![File, Oss, Cos, StorageKind::S3]),
        ("4.3.5.3", vec![File, Oss, Cos, StorageKind::S3, Azblob]),
        ("4.4.0.0", vec![File, Oss, Cos, StorageKind::S3, Azblob]),
        ("seekdb 1.4.0", vec![]),
    ] {
        let version: Version = version.parse().unwrap();
        let offered: Vec<_> = StorageKind::ALL.into_iter().filter(|kind| kind.supported_by(&version).is_ok()).collect();
        assert_eq!(offered, kinds, "{version}");
    }
}

fn any_uri() -> impl Strategy<Value = String> {
    let token = "(host|access_id|s3_region|zone|delete_mode|x|Host)=[a-z0-9.:/=-]{1,8}";
    ("(file:///|s3://|oss://)[a-z0-9/._{}-]{0,20}", proptest::collection::vec(token, 0..4))
        .prop_map(|(bare, tokens)| if tokens.is_empty() { bare } else { format!("{bare}?{}", tokens.join("&")) })
}

/// The name of a key in any case, each letter percent-encoded none, once or twice.
fn spelled() -> impl Strategy<Value = String> {
    const NAMES: [&str; 16] = [
        "access_key",
        "encrypt_key",
        "secret",
        "secretAccessKey",
        "sig",
        "token",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-credential",
        "signature",
        "password",
        "passwd",
        "pwd",
        "AccountKey",
        "api_key",
        "auth",
    ];
    (proptest::sample::select(&NAMES[..]), proptest::collection::vec((any::<bool>(), 0..6_u8), 24)).prop_map(
        |(name, ways)| {
            let letter = |(c, (is_upper, coded)): (char, (bool, u8))| {
                let c = if is_upper { c.to_ascii_uppercase() } else { c };
                match coded {
                    1 => format!("%{:02x}", u32::from(c)),
                    2 => format!("%25{:02X}", u32::from(c)),
                    _ => c.to_string(),
                }
            };
            name.chars().zip(ways).map(letter).collect()
        },
    )
}

/// Every place of a URI in which a credential may stand.
fn with_a_credential() -> impl Strategy<Value = (String, String)> {
    const PLACES: [&str; 25] = [
        "s3://b/p?host=h&access_id=A&NAME=VALUE",
        "s3://b/p?NAME=VALUE&host=h",
        "azblob://c/p?host=h&sv=1&NAME=VALUE&x=y",
        "s3://b/NAME=VALUE/p?host=h",
        "file:///a?NAME=VALUE",
        "file:///a/NAME=VALUE",
        "NAME=VALUE",
        "nonsense NAME = VALUE",
        "s3://b/p?host=h?NAME=VALUE",
        "s3://b/p?host=h%26NAME%3DVALUE",
        "s3://b/p?host=h%2526NAME%253DVALUE",
        "s3://b/p?access_id=A;NAME=VALUE",
        "s3://b/p?host=h#NAME=VALUE",
        "s3://u:VALUE@b/p?host=h",
        "s3://VALUE@b/p?host=h",
        "s3://u%3AVALUE%40b/p?host=h",
        "s3://u:x/VALUE@b/p?host=h",
        "s3://u:x?VALUE@b/p",
        "s3://b/p?host=u:VALUE@h&access_id=A",
        "s3://b/p?host=VALUE@h&access_id=A",
        "s3://b/p?host=http://u:VALUE@h:1",
        "s3://b/p?host=http://u:x&VALUE@h:1",
        "s3://b/p?host=http%3A%2F%2Fu%3aVALUE%40h",
        "file:///a/u:VALUE@b",
        "https://u:VALUE@h/p",
    ];
    (proptest::sample::select(&PLACES[..]), spelled(), "[A-Za-z0-9]{16,24}")
        .prop_map(|(place, name, value)| (place.replace("NAME", &name).replace("VALUE", &value), value))
}

/// A statement and a URI are held as a secret is, and what a server repeats of them loses no more than the key.
#[test]
fn of_a_repeated_uri_the_key_alone_is_hidden() {
    let key = secret("CANARYSK1");
    let uri = user(S3).to_statement_uri(Some(&key)).unwrap();
    assert_eq!(crate::domain::secret::hide(uri.expose()), user(S3).redacted_statement_uri());
    let plain = user("file:///mnt/backup").to_statement_uri(None).unwrap();
    assert_eq!(crate::domain::secret::hide("no such file:///mnt/backup"), format!("no such {}", plain.expose()));
}

#[test]
fn what_only_looks_like_a_credential_is_none() {
    for text in [
        "file:///mnt/secret/token/a@b",
        "s3://b/a@b?host=h&access_id=AKIA",
        "s3://secrets/password?host=token.example.com:9000&access_id=QUtJQQ==",
        "s3://b/p?host=http://[::1]:9000&access_id=a@b",
        "oss://b/p?host=h&role_arn=acs:ram::1:role/x&external_id=me@example.com",
        "s3://b/p?host=h&design=1&zone=z1",
        "file:///backup/{cluster_id}/{tenant_id}/100%/data",
    ] {
        assert_eq!(credential(text), None, "{text}");
    }
}

#[test]
fn a_server_that_shows_a_credential_is_not_repeated_and_nothing_hidden_is_sent() {
    let seen = server("s3://u:CANARY@b/p?host=h&access_id=A");
    assert_eq!((seen.to_string(), seen.path()), ("s3://***?host=h&access_id=A".to_owned(), "***"));
    assert_eq!(seen.to_statement_uri(Some(&secret("k"))).unwrap_err(), DestinationError::Hidden);
    let host = server("s3://b/p?host=u:CANARY@h&access_id=A");
    assert_eq!((host.attribute("host"), host.missing_keys()), (None, vec!["host"]));
}

proptest! {
    #[test]
    fn no_credential_of_a_uri_is_repeated((text, value) in with_a_credential()) {
        let refused = Destination::parse_user(&text).unwrap_err();
        prop_assert!(refused.is_of_a_credential(), "{} of {}", refused, text);
        let mut told = format!("{refused} {refused:?} {}", shown(&text));
        let json = serde_json::to_string(&text).unwrap();
        for read in [Destination::parse_server(&text).ok(), serde_json::from_str(&json).ok()].into_iter().flatten() {
            told.extend([read.to_string(), format!("{read:?}"), read.bare(), serde_json::to_string(&read).unwrap()]);
        }
        told += &serde_json::from_str::<Destination>(&json).err().map(|error| error.to_string()).unwrap_or_default();
        prop_assert!(!told.contains(&value), "{} of {}", told, text);
        let token = text.split_once('?').map_or("", |(_, info)| info);
        if let Some((key, value)) = token.split_once('=') && credential(token).is_some() {
            prop_assert!(user("s3://b/p").with_attribute(key, value).is_err(), "{}", text);
        }
    }

    #[test]
    fn what_is_printed_reads_back(text in any_uri()) {
        if let Ok(read) = Destination::parse_user(&text) {
            prop_assert_eq!(&Destination::parse_user(&read.to_string()).unwrap(), &read);
            prop_assert_eq!(&serde_json::from_str::<Destination>(&serde_json::to_string(&read).unwrap()).unwrap(), &read);
            prop_assert!(read.is_same_path(&read) && read.may_be_same_directory(&read));
            prop_assert!(read.already_is(&read));
        }
    }

    #[test]
    fn no_secret_leaves_but_in_the_statement(key in "[A-Za-z0-9+/]{16,40}", masked: bool) {
        let name = if masked { "encrypt_key" } else { "access_key" };
        let text = format!("s3://b/p?host=h&access_id=A&{name}={key}");
        let refused = Destination::parse_user(&text).unwrap_err();
        let told = format!("{refused} {refused:?}");
        prop_assert!(!told.contains(&key));
        let seen = server(&text);
        let shown = format!("{seen} {seen:?} {}", serde_json::to_string(&seen).unwrap());
        prop_assert!(!shown.contains(&key));
        let sent = user("s3://b/p?host=h&access_id=A").to_statement_uri(Some(&secret(&key))).unwrap();
        prop_assert!(sent.expose().contains(&key));
        let shown = format!("{sent:?}");
        prop_assert!(!shown.contains(&key));
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        let _ = Destination::parse_user(&text);
        let _ = Destination::parse_server(&text);
    }
}

#[test]
fn an_attribute_that_no_server_knows_is_refused_and_not_repeated() {
    for attribute in [
        "sk=CANARY",
        "ak=CANARY",
        "cred=CANARY",
        "session=CANARY",
        "keys=CANARY",
        "key2=CANARY",
        "secr%C3%A9t=CANARY",
        "pin=CANARY",
        "access_key:CANARY",
        "CANARY",
        "Host=CANARY",
    ] {
        let uri = format!("s3://b/p?host=h&{attribute}");
        let refused = Destination::parse_user(&uri).unwrap_err();
        let told = format!("{refused} {refused:?} {}", shown(&uri));
        assert!(!told.contains("CANARY"), "{told}");
        assert!(ArchiveDest::parse_user(&format!("LOCATION={uri}")).is_err(), "{attribute}");
        assert!(Destination::parse_server(&uri).is_ok(), "{attribute}: a newer server may know more");
    }
    assert_eq!(Destination::parse_user("s3://b/p?host=h&colour=1"), Err(DestinationError::UnknownAttribute(2)));
    assert_eq!(shown("s3://b/p?host=h&delete_mode=CANARY"), "s3://b/p?host=h&delete_mode=***");
}

#[test]
fn a_login_before_the_bucket_is_refused_and_not_repeated() {
    let uri = "s3://id:CANARY-key@bucket/path?host=h";
    let refused = Destination::parse_user(uri).unwrap_err();
    assert!(refused.to_string().contains("a login before @"), "{refused}");
    assert_eq!(shown(uri), "s3://***");
    assert_eq!(shown("s3://bucket/a@b?host=h"), "s3://bucket/a@b?host=h", "a path may have one");
    assert!(Destination::parse_user("file:///mnt/a@b").is_ok());
}

#[test]
fn an_endpoint_is_sent_as_it_is_tested() {
    let slash = user("s3://b/p?host=http://h:9000/&access_id=A");
    assert_eq!(slash.to_string(), "s3://b/p?host=http://h:9000&access_id=A");
    assert_eq!(slash.with_attribute("host", "h//").unwrap().attribute("host"), Some("h"));
    // A path behind it leads elsewhere and stays; what the server has is told as the server has it.
    assert_eq!(user("azblob://c/p?host=http://h:1/acct/&access_id=A").attribute("host"), Some("http://h:1/acct"));
    assert_eq!(server("s3://b/p?host=http://h/").attribute("host"), Some("http://h/"));
}

/// What hides secrets in messages must leave the message itself alone.
#[test]
fn the_sentence_about_a_secret_key_is_a_whole_one() {
    let error = Destination::parse_user("s3://b/p?host=h&access_id=i&access_key=HUNTER").unwrap_err().to_string();
    assert_eq!(crate::domain::diagnosis::identifier(&error), error);
    assert!(
        error.contains("the key access_key, or one named like it, whose value is a secret")
            && !error.contains("HUNTER"),
        "{error}"
    );
}
