//! Text statements to a real engine, every value as the bytes the server sent.

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};

/// One row: the text of each column, `Lost` for NULL.
pub type Line = Vec<Option<Vec<u8>>>;

/// A connection of `root@sys` that changes nothing of the session.
pub async fn connect(port: u16, password: Option<&str>) -> Result<MySqlConnection, sqlx::Error> {
    let mut options = MySqlConnectOptions::new()
        .host("127.0.0.1")
        .port(port)
        .username("root@sys")
        .ssl_mode(MySqlSslMode::Disabled)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .statement_cache_capacity(0)
        .disable_statement_logging();
    if let Some(password) = password {
        options = options.password(password);
    }
    MySqlConnection::connect_with(&options).await
}

/// Runs a statement for its effect; again where the server asks for that, as it does right after a new definition.
pub async fn run(connection: &mut MySqlConnection, statement: impl Into<String>) {
    let statement = statement.into();
    let head: String = statement.chars().take(200).collect();
    for _ in 0..500 {
        match connection.execute(sqlx::raw_sql(AssertSqlSafe(statement.clone()))).await {
            Ok(_) => return,
            Err(error) if error.to_string().contains("Schema try again") => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Err(error) => panic!("{head}: {error}"),
        }
    }
    panic!("{head}: the server asks again and again")
}

/// Runs a query.
pub async fn rows(connection: &mut MySqlConnection, query: impl Into<String>) -> Vec<Line> {
    let query = query.into();
    let found = connection
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(query.clone())))
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"));
    found
        .iter()
        .map(|row| (0..row.len()).map(|i| row.try_get_unchecked::<Option<Vec<u8>>, _>(i).unwrap()).collect())
        .collect()
}

/// The one value of a query, as text.
pub async fn value(connection: &mut MySqlConnection, query: impl Into<String>) -> String {
    let found = rows(connection, query).await;
    let first = found.into_iter().next().and_then(|row| row.into_iter().next()).flatten();
    String::from_utf8(first.expect("one value")).expect("text")
}
