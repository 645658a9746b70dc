//! `ALTER SYSTEM` as the grammar of V4.3.5 has it: fixed clause order, lists without parentheses. An older line has
//! fewer forms.

use super::cursor::Cursor;
use super::restore;
use crate::demo::lexer::TokenKind;
use crate::demo::release_line::{Feature, ReleaseLine};
use crate::demo::statement::{Alter, BackupScope, Literal, ServerError, Tenants};

/// Parses what follows `ALTER SYSTEM`.
pub fn parse_alter(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    if cursor.take_keyword("set") {
        return parse_set(cursor, line);
    }
    if cursor.take_keyword("archivelog") {
        return parse_archive_log(cursor, line, true);
    }
    if cursor.take_keyword("noarchivelog") {
        return parse_archive_log(cursor, line, false);
    }
    if cursor.take_keyword("backup") {
        return parse_backup(cursor, line);
    }
    if cursor.take_keyword("cancel") {
        return parse_cancel(cursor);
    }
    if cursor.take_keyword("major") {
        cursor.expect_keyword("freeze")?;
        return parse_tenants(cursor, tenant_keywords(line)).map(Alter::MajorFreeze);
    }
    if cursor.take_keyword("restore") {
        return restore::parse_restore(cursor, line);
    }
    parse_refused(cursor, line)
}

/// The keywords for several tenants, which the server accepts quoted or not.
const TENANT_KEYWORDS: &[&str] = &["all", "all_user", "all_meta"];

fn tenant_keywords(line: &ReleaseLine) -> &'static [&'static str] {
    if line.has(Feature::TenantKeywords) { TENANT_KEYWORDS } else { &["all"] }
}

/// The items of SET that are not ordinary parameters.
const DESTINATIONS: &[&str] = &["data_backup_dest", "log_archive_dest", "log_archive_dest_state"];

/// `[TENANT [=] a [, b ..]]`; one of `words`, alone, means a kind of tenants.
fn parse_tenants(cursor: &mut Cursor<'_>, words: &[&str]) -> Result<Tenants, ServerError> {
    if !cursor.take_keyword("tenant") {
        return Ok(Tenants::Unnamed);
    }
    let names = parse_names(cursor)?;
    Ok(match names.as_slice() {
        [one] if words.contains(&one.to_lowercase().as_str()) => Tenants::Keyword(one.to_lowercase()),
        _ => Tenants::Listed(names),
    })
}

/// `[=] a [, b ..]`, behind the word TENANT.
fn parse_names(cursor: &mut Cursor<'_>) -> Result<Vec<String>, ServerError> {
    cursor.take_symbol('=');
    let mut names = vec![cursor.tenant_name()?];
    while cursor.take_symbol(',') {
        names.push(cursor.tenant_name()?);
    }
    Ok(names)
}

/// `[KEYWORD [=] 'x']`.
fn parse_text_clause(cursor: &mut Cursor<'_>, keyword: &str) -> Result<Option<String>, ServerError> {
    if !cursor.take_keyword(keyword) {
        return Ok(None);
    }
    cursor.take_symbol('=');
    cursor.string().map(Some)
}

/// `NAME = value [, ..] [TENANT [=] t]`: a setting goes to one tenant or to one of the words.
fn parse_set(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    let mut items = Vec::new();
    loop {
        let name = cursor.identifier()?.to_lowercase();
        cursor.expect_symbol('=')?;
        items.push((name, parse_setting(cursor)?));
        if !cursor.take_symbol(',') {
            break;
        }
    }
    // For a destination ALL is a name like any other: the server looks for a tenant that is called so.
    let destinations = items.iter().any(|(name, _)| DESTINATIONS.contains(&name.as_str()));
    let tenants = parse_tenants(cursor, if destinations { &[] } else { tenant_keywords(line) })?;
    if matches!(&tenants, Tenants::Listed(names) if names.len() > 1) {
        return Err(cursor.error());
    }
    Ok(Alter::Set { items, tenants })
}

/// A literal, or TRUE and FALSE, which the server stores as text.
fn parse_setting(cursor: &mut Cursor<'_>) -> Result<Literal, ServerError> {
    for (word, text) in [("true", "True"), ("false", "False")] {
        if cursor.take_keyword(word) {
            return Ok(Literal::Text(text.to_owned()));
        }
    }
    cursor.literal()
}

fn parse_archive_log(cursor: &mut Cursor<'_>, line: &ReleaseLine, on: bool) -> Result<Alter, ServerError> {
    let tenants = parse_tenants(cursor, tenant_keywords(line))?;
    let description = parse_text_clause(cursor, "description")?;
    Ok(Alter::ArchiveLog { on, tenants, description })
}

/// `[INCREMENTAL] [DATABASE | TENANT list] [TO [=] 'path'] [PLUS ARCHIVELOG] [DESCRIPTION [=] 'x']`, and the backups of
/// keys and parameters.
fn parse_backup(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    let has_key_backups = line.has(Feature::KeyAndParameterBackups);
    if has_key_backups && cursor.take_keyword("key") {
        parse_tenants(cursor, &[])?;
        cursor.expect_keyword("to")?;
        cursor.take_symbol('=');
        cursor.string()?;
        if cursor.take_keyword("encrypted") {
            cursor.expect_keyword("by")?;
            cursor.string()?;
        }
        return Ok(unsupported("backup key"));
    }
    if has_key_backups && cursor.take_keyword("cluster") {
        cursor.expect_keywords(&["parameters", "to"])?;
        cursor.take_symbol('=');
        cursor.string()?;
        return Ok(unsupported("backup cluster parameters"));
    }
    let incremental = cursor.take_keyword("incremental");
    let scope = if cursor.take_keyword("database") {
        Some(BackupScope::Database)
    } else if cursor.take_keyword("tenant") {
        // ALL is a name like any other here: the server looks for a tenant that is called so.
        Some(BackupScope::Tenants(parse_names(cursor)?))
    } else {
        None
    };
    let to = parse_text_clause(cursor, "to")?;
    let plus_archivelog = cursor.take_keyword("plus");
    if plus_archivelog {
        cursor.expect_keyword("archivelog")?;
    }
    let description = parse_text_clause(cursor, "description")?;
    Ok(match scope {
        Some(scope) => Alter::Backup { incremental, scope, to, plus_archivelog, description },
        // The grammar has this form, and the server always refuses it.
        None => unsupported("No tenant name specified"),
    })
}

fn parse_cancel(cursor: &mut Cursor<'_>) -> Result<Alter, ServerError> {
    if cursor.take_keyword("backup") {
        return parse_tenants(cursor, &[]).map(Alter::CancelBackup);
    }
    if cursor.take_keyword("delete") {
        cursor.expect_keyword("backup")?;
        parse_tenants(cursor, &[])?;
        return Ok(unsupported("cancel delete backup"));
    }
    if cursor.take_keyword("validate") {
        cursor.number()?;
        return Ok(unsupported("cancel validate"));
    }
    cursor.expect_keywords(&["all", "backup", "force"])?;
    Ok(invalid("cancel all backup force"))
}

/// What parses on V4.3.5 and is answered with an error there, or has no use in the embedded server.
fn parse_refused(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Alter, ServerError> {
    if cursor.take_keyword("minor") {
        cursor.expect_keyword("freeze")?;
        parse_tenants(cursor, tenant_keywords(line))?;
        return Ok(unsupported("minor freeze"));
    }
    if cursor.take_keyword("clear") {
        cursor.expect_keywords(&["merge", "error"])?;
        parse_tenants(cursor, tenant_keywords(line))?;
        return Ok(unsupported("clear merge error"));
    }
    for (word, on_backup) in [("suspend", "suspend backup"), ("resume", "resume backup")] {
        if cursor.take_keyword(word) {
            if cursor.take_keyword("backup") {
                return Ok(invalid(on_backup));
            }
            cursor.expect_keyword("merge")?;
            parse_tenants(cursor, tenant_keywords(line))?;
            return Ok(unsupported("suspend or resume merge"));
        }
    }
    if cursor.take_keyword("validate") {
        if !cursor.take_keyword("database") {
            cursor.expect_keyword("backupset")?;
            cursor.number()?;
        }
        return Ok(unsupported("validate"));
    }
    if cursor.take_keyword("delete") {
        return parse_delete(cursor);
    }
    if cursor.take_keyword("add") {
        return parse_delete_policy(cursor, true);
    }
    if cursor.take_keyword("drop") {
        return parse_delete_policy(cursor, false);
    }
    let changes = |cursor: &mut Cursor<'_>| {
        cursor.take_keyword("alter") || cursor.take_keyword("change") || cursor.take_keyword("modify")
    };
    if line.has(Feature::KeyAndParameterBackups) && changes(cursor) {
        return parse_external_storage(cursor);
    }
    Err(cursor.error())
}

fn parse_delete(cursor: &mut Cursor<'_>) -> Result<Alter, ServerError> {
    if cursor.take_keyword("obsolete") {
        cursor.expect_keyword("backup")?;
    } else {
        if !cursor.take_keyword("backupset") {
            cursor.expect_keyword("backuppiece")?;
        }
        cursor.number()?;
        if cursor.take_keyword("copy") {
            cursor.number()?;
        }
    }
    parse_tenants(cursor, &[])?;
    Ok(unsupported("function is"))
}

/// `DELETE BACKUP POLICY [=] 'default' ..`, behind ADD or DROP.
fn parse_delete_policy(cursor: &mut Cursor<'_>, add: bool) -> Result<Alter, ServerError> {
    cursor.expect_keywords(&["delete", "backup", "policy"])?;
    cursor.take_symbol('=');
    cursor.string()?;
    if add {
        parse_text_clause(cursor, "recovery_window")?;
        for keyword in ["redundancy", "backup_copies"] {
            if cursor.take_keyword(keyword) {
                cursor.take_symbol('=');
                cursor.number()?;
            }
        }
    }
    parse_tenants(cursor, &[])?;
    Ok(unsupported("delete backup policy is"))
}

/// `EXTERNAL_STORAGE_DEST PATH [=] 'p' [SET] [ACCESS_INFO [=] 'a'] [ATTRIBUTE [=] 'b']`.
fn parse_external_storage(cursor: &mut Cursor<'_>) -> Result<Alter, ServerError> {
    cursor.expect_keyword("external_storage_dest")?;
    if parse_text_clause(cursor, "path")?.is_none() {
        return Err(cursor.error());
    }
    cursor.take_keyword("set");
    parse_text_clause(cursor, "access_info")?;
    parse_text_clause(cursor, "attribute")?;
    if matches!(cursor.peek(), None | Some(TokenKind::Symbol(';'))) {
        return Ok(unsupported("using the syntax under sys tenant or meta tenant is"));
    }
    Err(cursor.error())
}

fn unsupported(what: &str) -> Alter {
    Alter::Refused { code: 1235, message: format!("{what} not supported") }
}

fn invalid(what: &str) -> Alter {
    Alter::Refused { code: 1210, message: format!("Incorrect arguments to {what}") }
}
