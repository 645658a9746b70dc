#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::fault::Cause;
use crate::domain::sql::{quoted_name, quoted_text};

const CANARY: &str = "CANARY-7f3a";

fn secrets() -> Secrets {
    let secret = || Some(Secret::new(CANARY.to_owned()));
    Secrets { login: secret(), access_key: secret(), encryption: secret(), decryption: Vec::new() }
}

fn destination(uri: &str) -> Destination {
    Destination::parse_user(uri).unwrap()
}

/// A statement with every kind of part.
fn all_parts() -> Statement {
    let mut statement = Statement::default();
    statement.push("");
    statement.push("SET A = ");
    statement.push_uri(destination("oss://b/data?host=h&access_id=i"));
    statement.push(", B = ");
    statement.push_archive_value(ArchiveDest::new(destination("oss://b/clog?host=h&access_id=i")));
    statement.push(" BY ");
    statement.push_encryption_password();
    statement
}

#[test]
fn secrets_are_in_the_wire_text_only() {
    let statement = all_parts();
    let wire = statement.wire_text(&secrets()).unwrap();
    assert_eq!(
        wire.expose(),
        format!(
            "SET A = 'oss://b/data?host=h&access_id=i&access_key={CANARY}', B = \
             'LOCATION=oss://b/clog?host=h&access_id=i&access_key={CANARY}' BY '{CANARY}'"
        )
    );
    let text_with = "SET A = 'oss://b/data?host=h&access_id=i&access_key=***', B = \
                 'LOCATION=oss://b/clog?host=h&access_id=i&access_key=***' BY '***'";
    assert_eq!(statement.to_string(), text_with);
    // What is shown differs from what is sent in the secrets alone.
    assert_eq!(wire.expose().replace(CANARY, "***"), text_with);
    let everything = format!("{statement} {statement:?} {statement:#?} {wire:?} {:?}", secrets());
    assert!(!everything.contains(CANARY), "{everything}");
}

#[test]
fn unusable_secret_is_refused_unrepeated() {
    let without_key = Secrets { access_key: None, ..secrets() };
    let fault = all_parts().wire_text(&without_key).unwrap_err();
    assert_eq!(fault.cause, Cause::Usage);
    assert!(fault.next.contains("--access-key-from"), "{fault}");
    for unfit in ["", "with'quote", "with\"quote", "with`tick", "with\\slash", "with\nline", "with\0nul"] {
        let mut statement = Statement::default();
        statement.push_encryption_password();
        let password = format!("{unfit}{}", if unfit.is_empty() { "" } else { CANARY });
        let fault = statement
            .wire_text(&Secrets { encryption: Some(Secret::new(password)), ..Secrets::default() })
            .unwrap_err();
        assert_eq!(fault.cause, Cause::Usage, "{unfit:?}");
        assert!(!format!("{fault:?}").contains(CANARY), "{fault:?}");
        assert!(statement.wire_text(&Secrets::default()).is_err());
    }
    let key = Secrets { access_key: Some(Secret::new(format!("{CANARY}&x='"))), ..secrets() };
    let fault = all_parts().wire_text(&key).unwrap_err();
    assert!(!format!("{fault:?}").contains(CANARY), "{fault:?}");
}

#[test]
fn directory_uri_has_no_access_key() {
    let mut statement = Statement::default();
    statement.push_uri(destination("file:///b/data"));
    assert_eq!(statement.wire_text(&secrets()).unwrap().expose(), "'file:///b/data'");
    assert_eq!(statement.to_string(), "'file:///b/data'");
}

#[test]
fn names_and_texts_are_quoted() {
    for (name, quoted) in
        [("pay", "`pay`"), ("a`b", "`a``b`"), ("a'b\\", "`a'b\\`"), ("", "``"), ("支付 1", "`支付 1`")]
    {
        assert_eq!(quoted_name(name), quoted);
    }
    for (text, quoted) in
        [("x", "'x'"), ("it's", "'it''s'"), ("\\", "'\\\\'"), ("\\'", "'\\\\'''"), ("a`b\"", "'a`b\"'")]
    {
        assert_eq!(quoted_text(text), quoted);
    }
}
