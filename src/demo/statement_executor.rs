//! Executes a parsed statement. Everything about backups is up to the [`ServerModel`]; sessions, variables and SELECT over views are
//! handled here.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::clock;
use super::connection_registry::ConnectionRegistry;
use super::grammar::parse;
use super::release_line;
use super::select_executor::{ResultTable, execute_select};
use super::server_errors::{error_with_state, protocol_error};
use super::server_model::{ReplyOutcome, ServerModel, Session};
use super::statement::{Alter, Literal, Scalar, ServerError, Statement, Value};
use super::view_definitions::{ColumnType, View, views_of, visible_view};

/// The reply to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An OK packet.
    Done,
    /// A result set.
    Rows(ResultTable),
    /// An error packet.
    Refused(ServerError),
    /// Nothing: the connection is cut.
    ConnectionLost,
}

impl From<ReplyOutcome> for Reply {
    fn from(outcome: ReplyOutcome) -> Self {
        match outcome {
            ReplyOutcome::Done => Self::Done,
            ReplyOutcome::Refused(error) => Self::Refused(error),
            ReplyOutcome::ConnectionLost => Self::ConnectionLost,
        }
    }
}

/// The variables that `SHOW VARIABLES LIKE` finds by a pattern, where the [`ServerModel`] has them.
const LISTED_VARIABLES: &[&str] = &[
    "autocommit",
    "character_set_client",
    "character_set_connection",
    "character_set_results",
    "ob_compatibility_mode",
    "ob_query_timeout",
    "ob_trx_timeout",
    "sql_mode",
    "system_time_zone",
    "time_zone",
    "version",
    "version_comment",
];

/// The variables that SET NAMES sets.
const CHARSET_VARIABLES: &[&str] = &["character_set_client", "character_set_connection", "character_set_results"];

/// Parses and executes one statement of a session; returns its reply.
pub async fn execute_statement<W: ServerModel>(
    model: &W,
    registry: &ConnectionRegistry,
    session: &mut Session,
    sql: &str,
) -> Reply {
    let line = model.line(session.endpoint);
    let statement = match parse(&line, sql) {
        Ok(statement) => statement,
        Err(error) => return Reply::Refused(error),
    };
    let answered = match statement {
        // The grammar has already chosen the server's error.
        Statement::Alter(Alter::Refused { code, message }) => Err(protocol_error(code, message)),
        Statement::Alter(alter) => {
            let requested_preview = match &alter {
                Alter::PreviewRestore(preview) => Some(preview.clone()),
                _ => None,
            };
            let outcome = model.alter(session, alter).await;
            if outcome == ReplyOutcome::Done && requested_preview.is_some() {
                session.preview = requested_preview;
            }
            return outcome.into();
        }
        Statement::Select(select) => visible_view(&line, &select.view, &session.account).and_then(|view| {
            model.may_read(session, &select.view)?;
            let rows = model.rows(session, &select.view)?;
            let table = execute_select(&select, view, &rows)?;
            Ok(Reply::Rows(to_unix_time(table, &select.unix_time_columns, &time_zone(model, session)?)))
        }),
        Statement::Describe(name) => visible_view(&line, &name, &session.account).and_then(|view| {
            model.may_read(session, &name)?;
            Ok(describe(view))
        }),
        Statement::Scalars(items) => scalars(model, session, items),
        Statement::ShowVariables(pattern) => Ok(show_variables(model, session, &pattern)),
        Statement::ShowParameters(pattern, tenant) => Ok(match model.server_parameters(session) {
            Some(parameters) => server_parameters(&parameters, |name| matches_like(&pattern, name)),
            None => show_parameters(&model.parameters(session, tenant.as_deref()), &pattern),
        }),
        Statement::ShowParametersNamed(names) => {
            let wanted = |name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
            Ok(server_parameters(&model.server_parameters(session).unwrap_or_default(), wanted))
        }
        Statement::ShowTables(pattern) => views_of(&line).map(|views| {
            let found = views.keys().filter(|name| !name.contains('.') && matches_like(&pattern, name));
            text_table(&["Tables_in_oceanbase"], found.map(|name| vec![text_value(name)]).collect())
        }),
        Statement::ShowGrants => {
            let heading = format!("Grants for {}@%", session.account.user);
            let rows = model.grants(session).iter().map(|grant| vec![text_value(grant)]).collect();
            Ok(text_table(&[&heading], rows))
        }
        Statement::SetSession(items) => set_variables(model, session, items),
        Statement::SetEncryption(password) if password.is_empty() => {
            Err(protocol_error(1210, "Incorrect arguments to backup password"))
        }
        Statement::SetEncryption(_) if session.account.tenant_id != 1 && is_legacy(&line) => {
            Err(protocol_error(1235, "Not supported feature or function"))
        }
        Statement::SetEncryption(password) => {
            session.encryption = Some(password);
            Ok(Reply::Done)
        }
        Statement::SetDecryption(_) if session.account.tenant_id != 1 => {
            Err(protocol_error(1235, "non-sys tenant set decryption is not supported"))
        }
        Statement::SetDecryption(passwords) => {
            session.decryption = passwords;
            Ok(Reply::Done)
        }
        Statement::ShowRestorePreview => restore_preview(model, session, !is_legacy(&line)),
        Statement::Kill { query_only, connection } => {
            registry.kill(&session.account, connection, query_only).map(|()| Reply::Done)
        }
    };
    answered.unwrap_or_else(Reply::Refused)
}

/// Returns the columns of a view, as DESC lists them.
fn describe(view: &View) -> Reply {
    let rows = view.columns.iter().map(|column| {
        let null = if column.nullable { "YES" } else { "NO" };
        let (name, sql_type) = (text_value(&column.name), text_value(&column.sql_type));
        vec![name, sql_type, text_value(null), text_value(""), Value::Null, text_value("")]
    });
    text_table(&["Field", "Type", "Null", "Key", "Default", "Extra"], rows.collect())
}

/// Converts the columns selected as `UNIX_TIMESTAMP(column)` into seconds since 1970 with six decimals, from the text in the
/// session's time zone.
fn to_unix_time(mut table: ResultTable, seconds: &[(usize, String)], zone: &TimeZone) -> ResultTable {
    for (index, heading) in seconds {
        table.columns[*index] = (heading.clone(), ColumnType::Decimal);
        for row in &mut table.rows {
            let Value::Text(printed) = &row[*index] else { continue };
            let moment = printed.parse::<DateTime>().and_then(|civil| civil.to_zoned(zone.clone()));
            // MySQL 5.7 docs, UNIX_TIMESTAMP: 0 for what is no date.
            let micros = moment.map_or(0, |moment| moment.timestamp().as_microsecond());
            row[*index] = Value::Text(format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000)));
        }
    }
    table
}

/// Returns the rows of the last PREVIEW. From V4 on a second SHOW finds nothing.
fn restore_preview<W: ServerModel>(model: &W, session: &mut Session, once: bool) -> Result<Reply, ServerError> {
    if session.account.tenant_id != 1 {
        return Err(protocol_error(4179, "SHOW RESTORE PREVIEW in user tenant not allowed"));
    }
    let unasked = "show restore preview before ALTER SYSTEM RESTORE PREVIEW is not supported";
    let preview = session.preview.clone().ok_or_else(|| protocol_error(1235, unasked))?;
    let found = model.restore_preview(session, &preview)?;
    if once {
        session.preview = None;
        session.decryption.clear();
    }
    let column_type =
        |value: &Value| if matches!(value, Value::Integer(_)) { ColumnType::Signed } else { ColumnType::Text };
    let columns = found.first().into_iter().flatten().map(|(name, value)| ((*name).to_owned(), column_type(value)));
    let columns = columns.collect();
    let rows = found.into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()).collect();
    Ok(Reply::Rows(ResultTable { columns, rows }))
}

fn text_value(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Returns a result set whose columns are all text.
fn text_table(headings: &[&str], rows: Vec<Vec<Value>>) -> Reply {
    Reply::Rows(ResultTable {
        columns: headings.iter().map(|name| ((*name).to_owned(), ColumnType::Text)).collect(),
        rows,
    })
}

fn scalars<W: ServerModel>(model: &W, session: &Session, items: Vec<(String, Scalar)>) -> Result<Reply, ServerError> {
    let mut table = ResultTable { columns: Vec::new(), rows: Vec::new() };
    let mut row = Vec::new();
    for (heading, scalar) in items {
        let (column_type, value) = scalar_value(model, session, &scalar)?;
        table.columns.push((heading, column_type));
        row.push(value);
    }
    table.rows.push(row);
    Ok(Reply::Rows(table))
}

fn scalar_value<W: ServerModel>(
    model: &W,
    session: &Session,
    scalar: &Scalar,
) -> Result<(ColumnType, Value), ServerError> {
    let number = |number: u64| (ColumnType::Unsigned, Value::Integer(number.into()));
    Ok(match scalar {
        Scalar::TenantId => number(session.account.tenant_id),
        Scalar::ConnectionId => number(session.connection),
        Scalar::TenantName => (ColumnType::Text, text_value(&session.account.tenant)),
        Scalar::Now => (ColumnType::DateTime, current_time(&time_zone(model, session)?)),
        Scalar::UtcNow => (ColumnType::DateTime, current_time(&TimeZone::UTC)),
        Scalar::Version => typed_value(function_value(model, session, "version")?),
        Scalar::ObVersion => typed_value(function_value(model, session, "ob_version")?),
        Scalar::Variable(name) => {
            typed_value(variable_value(model, session, name).ok_or_else(|| unknown_variable(name))?)
        }
    })
}

fn typed_value(value: Value) -> (ColumnType, Value) {
    let column_type = if matches!(value, Value::Integer(_)) { ColumnType::Signed } else { ColumnType::Text };
    (column_type, value)
}

/// Returns the value of `version()` or `ob_version()`; an old line does not have the latter.
fn function_value<W: ServerModel>(model: &W, session: &Session, name: &str) -> Result<Value, ServerError> {
    let unknown = || error_with_state(1305, "42000", format!("FUNCTION {name} does not exist"));
    model.variable(session, &format!("{name}()")).ok_or_else(unknown)
}

/// Returns the value that the session has set, else the server's.
fn variable_value<W: ServerModel>(model: &W, session: &Session, name: &str) -> Option<Value> {
    session.variables.get(name).map(|value| text_value(value)).or_else(|| model.variable(session, &format!("@@{name}")))
}

fn unknown_variable(name: &str) -> ServerError {
    error_with_state(1193, "HY000", format!("Unknown system variable '{name}'"))
}

fn time_zone<W: ServerModel>(model: &W, session: &Session) -> Result<TimeZone, ServerError> {
    let name = variable_value(model, session, "time_zone");
    if matches!(&name, Some(Value::Text(name)) if name.eq_ignore_ascii_case("system")) {
        return Ok(match variable_value(model, session, "system_time_zone") {
            // An abbreviation, such as CST, is whatever the system takes it for: here China's.
            Some(Value::Text(name)) => parse_zone(&name).unwrap_or(TimeZone::fixed(Offset::constant(8))),
            _ => TimeZone::UTC,
        });
    }
    match name {
        Some(Value::Text(name)) => parse_zone(&name),
        _ => Ok(TimeZone::UTC),
    }
}

/// Parses `+08:00` or the name of a time zone.
fn parse_zone(name: &str) -> Result<TimeZone, ServerError> {
    let unknown = || error_with_state(1298, "HY000", format!("Unknown or incorrect time zone: '{name}'"));
    let (sign, digits) = match name.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return TimeZone::get(name).map_err(|_| unknown()),
    };
    let (hours, minutes) = digits.split_once(':').ok_or_else(unknown)?;
    let hours: i32 = hours.parse().map_err(|_| unknown())?;
    let minutes: i32 = minutes.parse().map_err(|_| unknown())?;
    let within = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok().filter(|_| within);
    offset.map(TimeZone::fixed).ok_or_else(unknown)
}

fn current_time(zone: &TimeZone) -> Value {
    let at = Timestamp::from_microsecond(clock::now()).unwrap_or_default();
    Value::Text(at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

fn show_variables<W: ServerModel>(model: &W, session: &Session, pattern: &str) -> Reply {
    // A name without wildcards is looked up even if it is not in the list.
    let mut names: Vec<String> = LISTED_VARIABLES.iter().map(|name| (*name).to_owned()).collect();
    names.extend(session.variables.keys().cloned());
    names.push(pattern.to_lowercase().replace('\\', ""));
    names.sort_unstable();
    names.dedup();
    let rows = names.iter().filter(|name| matches_like(pattern, name)).filter_map(|name| {
        let value = match variable_value(model, session, name)? {
            Value::Integer(number) => Value::Text(number.to_string()),
            other => other,
        };
        Some(vec![text_value(name), value])
    });
    text_table(&["Variable_name", "Value"], rows.collect())
}

fn is_legacy(line: &str) -> bool {
    release_line::find(line).is_some_and(release_line::ReleaseLine::is_legacy)
}

/// Returns the rows of SHOW PARAMETERS before V4: one for each server.
fn server_parameters(parameters: &[(String, u16, String, String)], wanted: impl Fn(&str) -> bool) -> Reply {
    const HEADINGS: &[&str] = &[
        "zone",
        "svr_type",
        "svr_ip",
        "svr_port",
        "name",
        "data_type",
        "value",
        "info",
        "section",
        "scope",
        "source",
        "edit_level",
    ];
    let found = parameters.iter().filter(|(_, _, name, _)| wanted(name));
    let rows = found.map(|(zone, port, name, value)| {
        vec![
            text_value(zone),
            text_value("observer"),
            text_value("127.0.0.1"),
            text_value(&port.to_string()),
            text_value(name),
            Value::Null,
            text_value(value),
            text_value(""),
            text_value("OBSERVER"),
            text_value("CLUSTER"),
            text_value("DEFAULT"),
            text_value("DYNAMIC_EFFECTIVE"),
        ]
    });
    text_table(HEADINGS, rows.collect())
}

/// Returns the rows of SHOW PARAMETERS; columns that the model does not have are NULL.
fn show_parameters(parameters: &[(String, String)], pattern: &str) -> Reply {
    const HEADINGS: &[&str] = &[
        "zone",
        "svr_type",
        "svr_ip",
        "svr_port",
        "name",
        "data_type",
        "value",
        "info",
        "section",
        "scope",
        "source",
        "edit_level",
        "default_value",
        "isdefault",
    ];
    let found = parameters.iter().filter(|(name, _)| matches_like(pattern, name));
    let rows = found.map(|(name, value)| {
        let column = |heading: &&str| match *heading {
            "svr_type" => text_value("observer"),
            "name" => text_value(name),
            "value" => text_value(value),
            _ => Value::Null,
        };
        HEADINGS.iter().map(column).collect()
    });
    text_table(HEADINGS, rows.collect())
}

fn set_variables<W: ServerModel>(
    model: &W,
    session: &mut Session,
    items: Vec<(String, Literal)>,
) -> Result<Reply, ServerError> {
    let mut settings = Vec::new();
    for (name, literal) in items {
        let value = match literal {
            Literal::Integer(number) => number.to_string(),
            Literal::Text(text) => text,
            Literal::Null => {
                return Err(error_with_state(1231, "42000", format!("Variable '{name}' can't be set to 'NULL'")));
            }
        };
        if name == "names" {
            settings.extend(CHARSET_VARIABLES.iter().map(|name| ((*name).to_owned(), value.clone())));
            continue;
        }
        if variable_value(model, session, &name).is_none() {
            return Err(unknown_variable(&name));
        }
        if name == "time_zone" && !value.eq_ignore_ascii_case("system") {
            parse_zone(&value)?;
        }
        settings.push((name, value));
    }
    // All or nothing, as on a server.
    session.variables.extend(settings);
    Ok(Reply::Done)
}

/// Returns whether a text matches a LIKE pattern: `%` is any text, `_` any character, a backslash escapes; case is ignored.
fn matches_like(pattern: &str, text: &str) -> bool {
    fn matches(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|from| matches(rest, &text[from..])),
            ['_', rest @ ..] => text.split_first().is_some_and(|(_, behind)| matches(rest, behind)),
            ['\\', wanted, rest @ ..] | [wanted, rest @ ..] => {
                text.split_first().is_some_and(|(first, behind)| first == wanted && matches(rest, behind))
            }
        }
    }
    let characters = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    matches(&characters(pattern), &characters(text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

    #[test]
    fn like_knows_its_wildcards() {
        for (pattern, text, fits) in [
            ("cluster%", "cluster_id", true),
            ("cluster", "cluster_id", false),
            ("%ID", "cluster_id", true),
            ("cluster_id", "clusterXid", true),
            (r"cluster\_id", "clusterXid", false),
            (r"cluster\_id", "cluster_id", true),
            ("%", "", true),
            ("_", "", false),
        ] {
            assert_eq!(matches_like(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_zone_is_an_offset_or_a_name() {
        for (name, seconds) in [("+08:00", 28_800), ("-03:30", -12_600), ("+00:00", 0)] {
            let offset = parse_zone(name).unwrap().to_offset(Timestamp::UNIX_EPOCH);
            assert_eq!(offset.seconds(), seconds, "{name}");
        }
        for name in ["+8", "+aa:00", "+25:00", "+08:99", "", "No/Where"] {
            assert_eq!(parse_zone(name).unwrap_err().code, 1298, "{name}");
        }
    }
}
