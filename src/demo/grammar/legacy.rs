//! Parses `ALTER SYSTEM` as V2.2 and V3 have it: no TENANT clause and no DESCRIPTION.

use super::cursor::Cursor;
use super::restore;
use crate::demo::lexer::TokenKind;
use crate::demo::release_line::{Feature, ReleaseLine};
use crate::demo::statement::{Alter, BackupScope, Literal, ServerError, Statement, Tenants};

/// Parses what follows `ALTER SYSTEM`.
pub fn parse_alter(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    if cursor.take_keyword("set") {
        return parse_set(cursor);
    }
    for (word, on) in [("archivelog", true), ("noarchivelog", false)] {
        if cursor.take_keyword(word) {
            return Ok(Alter::ArchiveLog { on, tenants: Tenants::Unnamed, description: None });
        }
    }
    if cursor.take_keyword("backup") {
        return parse_backup(cursor, line);
    }
    if cursor.take_keyword("cancel") {
        return parse_cancel(cursor, line);
    }
    if cursor.take_keyword("major") {
        cursor.expect_keyword("freeze")?;
        return Ok(Alter::MajorFreeze(Tenants::Unnamed));
    }
    if cursor.take_keyword("minor") {
        cursor.expect_keyword("freeze")?;
        return Ok(Alter::MinorFreeze);
    }
    if cursor.take_keyword("restore") {
        return restore::parse_legacy_restore(cursor, line);
    }
    parse_refused(cursor)
}

/// `name = value [, ..]`, for the whole cluster.
fn parse_set(cursor: &mut Cursor<'_>) -> Result<Alter, ServerError> {
    let mut items = Vec::new();
    loop {
        let name = cursor.identifier()?.to_lowercase();
        cursor.expect_symbol('=')?;
        items.push((name, parse_value(cursor)?));
        if !cursor.take_symbol(',') {
            return Ok(Alter::Set { items, tenants: Tenants::Unnamed });
        }
    }
}

/// A literal, or TRUE and FALSE, which the server stores as text.
fn parse_value(cursor: &mut Cursor<'_>) -> Result<Literal, ServerError> {
    for (word, text) in [("true", "True"), ("false", "False")] {
        if cursor.take_keyword(word) {
            return Ok(Literal::Text(text.to_owned()));
        }
    }
    cursor.literal()
}

/// `[INCREMENTAL] DATABASE`, or `TENANT a [, b ..] TO 'dest'` where the line has it: always a full.
fn parse_backup(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    let plain = |incremental| Alter::Backup {
        incremental,
        scope: BackupScope::Database,
        to: None,
        plus_archivelog: false,
        description: None,
    };
    if cursor.take_keyword("database") {
        return Ok(plain(false));
    }
    if cursor.take_keyword("incremental") {
        cursor.expect_keyword("database")?;
        return Ok(plain(true));
    }
    if cursor.take_keyword("backupset") {
        cursor.number()?;
        return Ok(unsupported("backup backupset"));
    }
    if !line.has(Feature::TenantBackup) {
        return Err(cursor.error());
    }
    cursor.expect_keyword("tenant")?;
    let mut names = vec![cursor.tenant_name()?];
    while cursor.take_symbol(',') {
        names.push(cursor.tenant_name()?);
    }
    cursor.expect_keyword("to")?;
    // The manual writes this string in double quotes.
    let Some(TokenKind::SingleQuoted(to) | TokenKind::DoubleQuoted(to)) = cursor.peek() else {
        return Err(cursor.error());
    };
    let to = Some(to.clone());
    cursor.advance();
    let scope = BackupScope::Tenants(names);
    Ok(Alter::Backup { incremental: false, scope, to, plus_archivelog: false, description: None })
}

fn parse_cancel(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    if cursor.take_keyword("backup") {
        return Ok(Alter::CancelBackup(Tenants::Unnamed));
    }
    if cursor.take_keyword("delete") {
        cursor.expect_keyword("backup")?;
        return Ok(Alter::CancelDelete);
    }
    if !line.has(Feature::CancelAll) {
        return Err(cursor.error());
    }
    cursor.expect_keywords(&["all", "backup", "force"])?;
    Ok(Alter::CancelAll)
}

/// Parses the forms that the server does not support, or that have no use in the embedded server.
fn parse_refused(cursor: &mut Cursor<'_>) -> Result<Alter, ServerError> {
    for (word, what) in [("suspend", "suspend backup"), ("resume", "resume backup")] {
        if cursor.take_keyword(word) {
            cursor.expect_keyword("backup")?;
            return Ok(unsupported(what));
        }
    }
    if cursor.take_keyword("validate") {
        if !cursor.take_keyword("database") {
            cursor.expect_keyword("backupset")?;
            cursor.number()?;
        }
        return Ok(unsupported("validate"));
    }
    cursor.expect_keyword("delete")?;
    if cursor.take_keyword("obsolete") {
        cursor.expect_keyword("backup")?;
    } else {
        if !cursor.take_keyword("backupset") && !cursor.take_keyword("backuppiece") {
            cursor.expect_keyword("backupround")?;
        }
        cursor.number()?;
    }
    Ok(unsupported("delete backup"))
}

fn unsupported(what: &str) -> Alter {
    Alter::Refused { code: 1235, message: format!("{what} not supported") }
}

/// `FROM oceanbase LIKE 'x'`, behind SHOW TABLES.
pub fn parse_show_tables(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    cursor.expect_keywords(&["from", "oceanbase", "like"])?;
    cursor.string().map(Statement::ShowTables)
}

/// `name = 'x'` or `name IN ('x', ..)`, behind SHOW PARAMETERS WHERE.
pub fn parse_parameters_where(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    cursor.expect_keyword("name")?;
    if cursor.take_symbol('=') {
        return Ok(Statement::ShowParametersNamed(vec![cursor.string()?]));
    }
    cursor.expect_keyword("in")?;
    cursor.expect_symbol('(')?;
    let mut names = vec![cursor.string()?];
    while cursor.take_symbol(',') {
        names.push(cursor.string()?);
    }
    cursor.expect_symbol(')')?;
    Ok(Statement::ShowParametersNamed(names))
}
