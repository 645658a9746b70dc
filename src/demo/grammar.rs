//! The grammar of the embedded OceanBase: what it does not know is a syntax error (1064), as on a server. `ALTER SYSTEM`
//! follows the grammar of V4.3.5, less what an older line does not have, or that of V3; SELECT is narrower on purpose, so that a client cannot lean on a query engine that a
//! real observer would answer differently.

mod alter;
mod cursor;
mod legacy;
mod restore;
mod select;

use super::lexer::TokenKind;
use super::release_line::{self, Feature, ReleaseLine};
use super::server_errors::internal_error;
use super::statement::{Literal, ServerError, Statement};
use cursor::Cursor;

/// Parses one statement as a server of this line does. One `;` may end it; a second statement is refused.
///
/// # Errors
/// Returns 1064 with the server's wording; 1105 for a line without a grammar.
pub fn parse(line: &str, sql: &str) -> Result<Statement, ServerError> {
    let line = release_line::find(line).ok_or_else(|| internal_error(format!("no grammar for the line '{line}'")))?;
    let mut cursor = Cursor::new(sql)?;
    let statement = parse_statement(&mut cursor, line)?;
    cursor.expect_end()?;
    Ok(statement)
}

fn parse_statement(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Statement, ServerError> {
    if cursor.take_keyword("select") {
        return select::parse_select(cursor);
    }
    if cursor.take_keyword("alter") {
        cursor.expect_keyword("system")?;
        let alter = if line.is_legacy() { legacy::parse_alter(cursor, line) } else { alter::parse_alter(cursor, line) };
        return alter.map(Statement::Alter);
    }
    if cursor.take_keyword("show") {
        return parse_show(cursor, line);
    }
    if cursor.take_keyword("desc") || cursor.take_keyword("describe") {
        return select::parse_view(cursor).map(Statement::Describe);
    }
    if cursor.take_keyword("set") {
        if cursor.take_keyword("encryption") {
            return parse_encryption(cursor);
        }
        return if cursor.take_keyword("decryption") { restore::parse_decryption(cursor) } else { parse_set(cursor) };
    }
    if cursor.take_keyword("kill") {
        return parse_kill(cursor);
    }
    Err(cursor.error())
}

fn parse_show(cursor: &mut Cursor<'_>, line: &ReleaseLine) -> Result<Statement, ServerError> {
    if cursor.take_keyword("grants") {
        return Ok(Statement::ShowGrants);
    }
    if cursor.take_keyword("restore") {
        cursor.expect_keyword("preview")?;
        return Ok(Statement::ShowRestorePreview);
    }
    if cursor.take_keyword("columns") {
        cursor.expect_keyword("from")?;
        return select::parse_view(cursor).map(Statement::Describe);
    }
    if line.is_legacy() && cursor.take_keyword("tables") {
        return legacy::parse_show_tables(cursor);
    }
    if cursor.take_keyword("parameters") {
        if line.has(Feature::ShowParametersWhere) && cursor.take_keyword("where") {
            return legacy::parse_parameters_where(cursor);
        }
        cursor.expect_keyword("like")?;
        let pattern = cursor.string()?;
        let tenant = if !line.is_legacy() && cursor.take_keyword("tenant") {
            cursor.take_symbol('=');
            Some(cursor.tenant_name()?)
        } else {
            None
        };
        return Ok(Statement::ShowParameters(pattern, tenant));
    }
    let _scope = cursor.take_keyword("session") || cursor.take_keyword("global");
    cursor.expect_keywords(&["variables", "like"])?;
    cursor.string().map(Statement::ShowVariables)
}

/// `SET ENCRYPTION ON IDENTIFIED BY 'x' ONLY`. The one place where double quotes make a string, as V4.3.5 takes both.
fn parse_encryption(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    cursor.expect_keywords(&["on", "identified", "by"])?;
    let password = match cursor.peek() {
        Some(TokenKind::SingleQuoted(text) | TokenKind::DoubleQuoted(text)) => text.clone(),
        _ => return Err(cursor.error()),
    };
    cursor.advance();
    cursor.expect_keyword("only")?;
    Ok(Statement::SetEncryption(password))
}

/// `SET NAMES x [COLLATE y]` or `SET [SESSION] name = literal [, ..]`.
fn parse_set(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    if cursor.take_keyword("names") {
        let charset = cursor.tenant_name()?;
        if cursor.take_keyword("collate") {
            cursor.tenant_name()?;
        }
        return Ok(Statement::SetSession(vec![("names".to_owned(), Literal::Text(charset))]));
    }
    let mut items = Vec::new();
    loop {
        let name = if let Some(TokenKind::Variable(name)) = cursor.peek() {
            let name = name.clone();
            cursor.advance();
            name
        } else {
            cursor.take_keyword("session");
            cursor.identifier()?.to_lowercase()
        };
        cursor.expect_symbol('=')?;
        items.push((name, parse_session_value(cursor)?));
        if !cursor.take_symbol(',') {
            return Ok(Statement::SetSession(items));
        }
    }
}

/// Parses a literal, or a bare word such as `ON`.
fn parse_session_value(cursor: &mut Cursor<'_>) -> Result<Literal, ServerError> {
    match cursor.peek() {
        Some(TokenKind::Word(word)) if !word.eq_ignore_ascii_case("null") => {
            let word = word.clone();
            cursor.advance();
            Ok(Literal::Text(word))
        }
        _ => cursor.literal(),
    }
}

fn parse_kill(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    let query_only = cursor.take_keyword("query");
    if !query_only {
        cursor.take_keyword("connection");
    }
    let error = cursor.error();
    let connection = u64::try_from(cursor.number()?).map_err(|_| error)?;
    Ok(Statement::Kill { query_only, connection })
}
