//! Parses `ALTER SYSTEM RESTORE ... PREVIEW` in the forms of the grammars of V3.1.1, V4.0 and V4.2.1. A restore itself is
//! parsed and refused.

use super::cursor::Cursor;
use crate::demo::release_line::{Feature, ReleaseLine};
use crate::demo::statement::{Alter, LegacyPreview, Preview, ServerError, Statement, Until};

/// `FROM 'uris' [UNTIL ..] PREVIEW`, or `tenant [FROM 'uris'] [UNTIL ..] WITH 'options' [DESCRIPTION 'x']`, behind RESTORE.
/// Before V4.2.1 a preview is the second form with the word behind it, and the server refuses it.
pub fn parse_restore(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    let has_preview = line.has(Feature::RestorePreview);
    if has_preview && cursor.take_keyword("from") {
        let from = cursor.string()?;
        let until = parse_until(cursor)?;
        cursor.expect_keyword("preview")?;
        return Ok(Alter::PreviewRestore(Preview { from, until, legacy: None }));
    }
    cursor.tenant_name()?;
    if cursor.take_keyword("from") {
        cursor.string()?;
    }
    parse_until(cursor)?;
    cursor.expect_keyword("with")?;
    cursor.string()?;
    if cursor.take_keyword("description") {
        cursor.take_symbol('=');
        cursor.string()?;
    }
    let what = if !has_preview && cursor.take_keyword("preview") {
        "restore preview is not support now"
    } else {
        "restore is"
    };
    Ok(Alter::Refused { code: 1235, message: format!("{what} not supported") })
}

/// `[UNTIL {TIME | SCN} [=] value]`.
fn parse_until(cursor: &mut Cursor<'_>) -> Result<Until, ServerError> {
    if !cursor.take_keyword("until") {
        return Ok(Until::Latest);
    }
    if cursor.take_keyword("time") {
        cursor.take_symbol('=');
        return cursor.string().map(Until::Time);
    }
    cursor.expect_keyword("scn")?;
    cursor.take_symbol('=');
    cursor.number().map(Until::Scn)
}

/// `new FROM old [AT 'uri'] UNTIL 'time' WITH 'options' [PREVIEW]`, behind RESTORE; the last word from V3.1.1 on.
pub fn parse_legacy_restore(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    let tenant = cursor.tenant_name()?;
    cursor.expect_keyword("from")?;
    let source = cursor.tenant_name()?;
    cursor.expect_keyword("at")?;
    let from = cursor.string()?;
    cursor.expect_keyword("until")?;
    let until = Until::Time(cursor.string()?);
    cursor.expect_keyword("with")?;
    let options = cursor.string()?;
    if line.has(Feature::RestorePreview) && cursor.take_keyword("preview") {
        return Ok(Alter::PreviewRestore(Preview {
            from,
            until,
            legacy: Some(LegacyPreview { tenant, source, options }),
        }));
    }
    Ok(Alter::Refused { code: 1235, message: "restore is not supported".to_owned() })
}

/// `IDENTIFIED BY 'x' [, 'y' ..]`, behind SET DECRYPTION.
pub fn parse_decryption(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    cursor.expect_keywords(&["identified", "by"])?;
    let mut passwords = vec![cursor.string()?];
    while cursor.take_symbol(',') {
        passwords.push(cursor.string()?);
    }
    Ok(Statement::SetDecryption(passwords))
}
