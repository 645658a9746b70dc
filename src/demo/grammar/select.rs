//! Parses SELECT: columns of one view, or scalars without FROM. Narrower than a server on purpose.

use super::cursor::Cursor;
use crate::demo::lexer::TokenKind;
use crate::demo::statement::{Literal, Scalar, Select, ServerError, Statement};

const SELECT_FORMS: &str = "the embedded OceanBase takes columns of one view of oceanbase, UNIX_TIMESTAMP(column) AS name, WHERE \
                      column = literal or IN (..), AND, ORDER BY columns and LIMIT";
const SCALAR_FORMS: &str = "the embedded OceanBase takes VERSION(), OB_VERSION(), EFFECTIVE_TENANT_ID(), EFFECTIVE_TENANT(), \
                       CONNECTION_ID(), NOW(6), UTC_TIMESTAMP(6) and @@variables without FROM";

/// Parses what follows `SELECT`.
pub fn parse_select(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    let a_call =
        matches!(cursor.peek(), Some(TokenKind::Word(_))) && cursor.peek_second() == Some(&TokenKind::Symbol('('));
    if (a_call && !cursor.is_keyword(UNIX_TIMESTAMP)) || matches!(cursor.peek(), Some(TokenKind::Variable(_))) {
        return parse_scalars(cursor);
    }
    let selected = parse_list(cursor, parse_selected_column)?;
    let seconds = selected.iter().enumerate();
    let seconds = seconds.filter_map(|(index, (_, heading))| Some((index, heading.clone()?))).collect();
    let columns = selected.into_iter().map(|(column, _)| column).collect();
    if !cursor.take_keyword("from") {
        return Err(cursor.strictness_error(SELECT_FORMS));
    }
    let view = parse_view(cursor)?;
    let filter = if cursor.take_keyword("where") { parse_conditions(cursor)? } else { Vec::new() };
    let order = if cursor.take_keyword("order") {
        cursor.expect_keyword("by")?;
        parse_list(cursor, |cursor| {
            let name = parse_column(cursor)?;
            let descending = cursor.take_keyword("desc");
            if !descending {
                cursor.take_keyword("asc");
            }
            Ok((name, descending))
        })?
    } else {
        Vec::new()
    };
    let limit = if cursor.take_keyword("limit") {
        let error = cursor.error();
        Some(u64::try_from(cursor.number()?).map_err(|_| error)?)
    } else {
        None
    };
    if !matches!(cursor.peek(), None | Some(TokenKind::Symbol(';'))) {
        return Err(cursor.strictness_error(SELECT_FORMS));
    }
    Ok(Statement::Select(Select { columns, unix_time_columns: seconds, view, filter, order, limit }))
}

/// `schema.view`, in upper case; the schema is dropped where it is `oceanbase`.
pub fn parse_view(cursor: &mut Cursor<'_>) -> Result<String, ServerError> {
    let at_name = cursor.strictness_error(SELECT_FORMS);
    let schema = cursor.identifier().map_err(|_| at_name.clone())?.to_uppercase();
    if !cursor.take_symbol('.') {
        return Err(at_name);
    }
    let name = cursor.identifier()?.to_uppercase();
    Ok(if schema == "OCEANBASE" { name } else { format!("{schema}.{name}") })
}

fn parse_conditions(cursor: &mut Cursor<'_>) -> Result<Vec<(String, Vec<Literal>)>, ServerError> {
    let mut filter = Vec::new();
    loop {
        let name = parse_column(cursor)?;
        let literals = if cursor.take_symbol('=') {
            vec![parse_literal(cursor)?]
        } else if cursor.take_keyword("in") {
            cursor.expect_symbol('(')?;
            let literals = parse_list(cursor, parse_literal)?;
            cursor.expect_symbol(')')?;
            literals
        } else {
            return Err(cursor.strictness_error(SELECT_FORMS));
        };
        filter.push((name, literals));
        if !cursor.take_keyword("and") {
            return Ok(filter);
        }
    }
}

/// The only function over a column.
const UNIX_TIMESTAMP: &str = "unix_timestamp";

/// Parses a column, or `UNIX_TIMESTAMP(column) AS name` with that name.
fn parse_selected_column(cursor: &mut Cursor<'_>) -> Result<(String, Option<String>), ServerError> {
    if !cursor.take_keyword(UNIX_TIMESTAMP) {
        return Ok((parse_column(cursor)?, None));
    }
    cursor.expect_symbol('(')?;
    let name = parse_column(cursor)?;
    cursor.expect_symbol(')')?;
    cursor.expect_keyword("as")?;
    Ok((name, Some(parse_column(cursor)?)))
}

fn parse_column(cursor: &mut Cursor<'_>) -> Result<String, ServerError> {
    cursor.identifier().map_err(|_| cursor.strictness_error(SELECT_FORMS))
}

fn parse_literal(cursor: &mut Cursor<'_>) -> Result<Literal, ServerError> {
    cursor.literal().map_err(|_| cursor.strictness_error(SELECT_FORMS))
}

/// Parses one or more items, separated by commas.
fn parse_list<'a, T>(
    cursor: &mut Cursor<'a>,
    mut item: impl FnMut(&mut Cursor<'a>) -> Result<T, ServerError>,
) -> Result<Vec<T>, ServerError> {
    let mut items = vec![item(cursor)?];
    while cursor.take_symbol(',') {
        items.push(item(cursor)?);
    }
    Ok(items)
}

fn parse_scalars(cursor: &mut Cursor<'_>) -> Result<Statement, ServerError> {
    let items = parse_list(cursor, |cursor| {
        let start = cursor.offset();
        let scalar = parse_scalar(cursor)?;
        let written = cursor.text_since(start).to_owned();
        let heading = if cursor.take_keyword("as") { cursor.identifier()? } else { written };
        Ok((heading, scalar))
    })?;
    if !matches!(cursor.peek(), None | Some(TokenKind::Symbol(';'))) {
        return Err(cursor.strictness_error(SCALAR_FORMS));
    }
    Ok(Statement::Scalars(items))
}

fn parse_scalar(cursor: &mut Cursor<'_>) -> Result<Scalar, ServerError> {
    let unknown = cursor.strictness_error(SCALAR_FORMS);
    let name = match cursor.peek() {
        Some(TokenKind::Variable(name)) => {
            let variable = Scalar::Variable(name.clone());
            cursor.advance();
            return Ok(variable);
        }
        Some(TokenKind::Word(name)) => name.to_lowercase(),
        _ => return Err(unknown),
    };
    let (scalar, digits) = match name.as_str() {
        "version" => (Scalar::Version, None),
        "ob_version" => (Scalar::ObVersion, None),
        "effective_tenant_id" => (Scalar::TenantId, None),
        "effective_tenant" => (Scalar::TenantName, None),
        "connection_id" => (Scalar::ConnectionId, None),
        "now" => (Scalar::Now, Some(6)),
        "utc_timestamp" => (Scalar::UtcNow, Some(6)),
        _ => return Err(unknown),
    };
    cursor.advance();
    cursor.expect_symbol('(')?;
    if let Some(digits) = digits
        && cursor.number()? != digits
    {
        return Err(unknown);
    }
    cursor.expect_symbol(')')?;
    Ok(scalar)
}
