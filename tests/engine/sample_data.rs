//! Sample data that a careless dump breaks: awkward types, names and values, and four tables that one transaction writes at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::mysql::MySqlConnection;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::seekdb::Seekdb;
use super::sql;

/// Tables and views without writes.
pub const QUIET: [&str; 8] =
    ["pay.`order`", "pay.`select`", "pay.m_big", "pay.`t.dot`", "pay.parts", "pay.v", "pay.keyless", "`two`.m_big"];

/// Tables written by one transaction: each has rows numbered 1, 2, 3, ... and all have the same.
pub const BUSY: [&str; 4] = ["pay.busy_a", "pay.n_busy", "pay.z_busy", "`two`.z_busy"];

const SCHEMA: &[&str] = &[
    "CREATE DATABASE pay",
    "CREATE DATABASE `two`",
    "CREATE TABLE pay.`order` (id BIGINT UNSIGNED PRIMARY KEY, `select` BIT(16), b LONGBLOB, j JSON, d DECIMAL(30,6), dt DATETIME(6), \
     e ENUM('a','b,c)'), t TEXT, ts TIMESTAMP(6) NULL, vb VARBINARY(300), f FLOAT, db DOUBLE, y YEAR, ti TIME(3), st SET('x','y'), \
     g VARCHAR(60) GENERATED ALWAYS AS (CONCAT('g', id)) VIRTUAL, c VARCHAR(20) DEFAULT '默认;' COMMENT '注释, (it''s)')",
    "CREATE TABLE pay.`select` (`from` INT PRIMARY KEY, `where` INT GENERATED ALWAYS AS (`from` + 1) STORED)",
    "CREATE TABLE pay.m_big (id BIGINT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(100), d DECIMAL(20,4), dt DATETIME(6))",
    "CREATE TABLE pay.`t.dot` (id INT)",
    "CREATE TABLE pay.parts (id INT PRIMARY KEY, v VARCHAR(20)) PARTITION BY HASH(id) PARTITIONS 3",
    "CREATE TABLE pay.keyless (a INT, b VARCHAR(100))",
    "CREATE TABLE pay.nothing (a INT)",
    "CREATE VIEW pay.v AS SELECT id, t FROM pay.`order` WHERE id > 1",
    "CREATE TABLE `two`.m_big LIKE pay.m_big",
];

/// The quiet tables: 200,000 rows, and every awkward value.
pub async fn quiet(connection: &mut MySqlConnection) {
    sql::run(connection, "SET SESSION ob_query_timeout = 100000000").await;
    for statement in SCHEMA {
        sql::run(connection, *statement).await;
    }
    let all_bytes = (0..=255_u8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let text = r#"a\'b"c\\d\ne\rf\tg`h;),(汉字\Z%_--#/* "#;
    for statement in [
        format!(
            "INSERT INTO pay.`order` (id, `select`, b, j, d, dt, e, t, ts, vb, f, db, y, ti, st) VALUES (18446744073709551615, \
             b'1010101010101010', x'{all_bytes}', '{{\"a\": \"q\\\\\"uo汉\", \"n\": [1, null]}}', 123456789012345678901234.123456, \
             '2026-11-20 01:02:03.123456', 'b,c)', '{text}', '2026-11-20 01:02:03.654321', x'{all_bytes}', 1.5, 1e300, 2026, \
             '-12:34:56.789', 'x,y')"
        ),
        "INSERT INTO pay.`order` (id, c) VALUES (1, NULL)".to_owned(),
        "INSERT INTO pay.`order` (id, t, b, vb) VALUES (2, '', '', '')".to_owned(),
        // Longer than one INSERT of a dump.
        "INSERT INTO pay.`order` (id, b) VALUES (3, REPEAT(x'00225c27', 500000))".to_owned(),
        "INSERT INTO pay.`select` (`from`) VALUES (1), (2), (3)".to_owned(),
        "INSERT INTO pay.`t.dot` VALUES (5), (NULL)".to_owned(),
        "INSERT INTO pay.parts VALUES (1, 'one'), (2, 'two'), (3, NULL), (4, 'four')".to_owned(),
        "INSERT INTO pay.keyless VALUES (NULL, 'x'), (1, ''), (NULL, 'x'), (1, '\\\\')".to_owned(),
    ] {
        sql::run(connection, statement).await;
    }
    big(connection).await;
}

async fn big(connection: &mut MySqlConnection) {
    let values = |n: u32| format!("('row {n} \\'quoted\\' \\\\ 汉', {n}.25, '2026-11-20 01:02:03.000001')");
    let first = (0..1000).map(values).collect::<Vec<_>>().join(",");
    sql::run(connection, format!("INSERT INTO pay.m_big (a, d, dt) VALUES {first}")).await;
    let doubled = "INSERT INTO pay.m_big (a, d, dt) SELECT CONCAT(a, id), d + id, dt FROM pay.m_big WHERE id <= 100000 LIMIT 63000";
    for _ in 0..7 {
        sql::run(connection, doubled).await;
    }
    sql::run(connection, "INSERT INTO `two`.m_big (a, d, dt) SELECT a, d, dt FROM pay.m_big LIMIT 80000").await;
}

/// The busy tables, empty.
pub async fn busy(connection: &mut MySqlConnection) {
    for table in BUSY {
        sql::run(connection, format!("CREATE TABLE {table} (n BIGINT PRIMARY KEY, at DATETIME(6))")).await;
    }
}

/// Writers that insert the same row into all busy tables, one transaction after another, until stopped.
pub struct Writers {
    stop: Arc<AtomicBool>,
    committed: watch::Receiver<u64>,
    task: JoinHandle<u64>,
}

impl Writers {
    /// Starts writing; returns once the first transactions are committed.
    pub async fn start(engine: &Seekdb) -> Self {
        let mut connection = engine.connect().await;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let (tell, committed) = watch::channel(0);
        let task = tokio::spawn(async move {
            let mut n = 0;
            while !asked.load(Ordering::Relaxed) {
                n += 1;
                sql::run(&mut connection, "START TRANSACTION").await;
                for table in BUSY {
                    sql::run(&mut connection, format!("INSERT INTO {table} VALUES ({n}, NOW(6))")).await;
                }
                sql::run(&mut connection, "COMMIT").await;
                // Nobody listening is no reason to stop.
                tell.send_replace(n);
            }
            n
        });
        committed.clone().wait_for(|n| *n >= 20).await.expect("the writer writes");
        Self { stop, committed, task }
    }

    /// Waits until another transaction is committed that began after this call.
    pub async fn one_more(&self) {
        let mut committed = self.committed.clone();
        let now = *committed.borrow_and_update();
        committed.wait_for(|n| *n >= now + 2).await.expect("the writer writes");
    }

    /// Stops the writers; returns how many transactions were committed.
    pub async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("the writer ended well")
    }
}
