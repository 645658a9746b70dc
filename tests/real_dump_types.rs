//! Every column type of a real server, and all that surrounds a column: checked before the start, dumped, loaded by the printed
//! command into a second server, and compared value by value.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::disallowed_methods)]

mod engine;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use engine::seekdb::{PASSWORD, Seekdb};
use engine::{SERVER, program, sql};
use obnow::domain::dump::PLAIN_TYPES;
use serde_json::Value;
use sqlx::mysql::MySqlConnection;

/// A type, values of it, and whether they come back as they are or are named as changed.
const TYPES: &[(&str, &[&str], bool)] = &[
    ("TINYINT UNSIGNED", &["0", "255"], true),
    ("BOOL", &["TRUE", "FALSE"], true),
    ("SMALLINT", &["-32768", "32767"], true),
    ("MEDIUMINT", &["-8388608", "8388607"], true),
    ("INT(8) ZEROFILL", &["42", "4294967295"], true),
    ("BIGINT", &["-9223372036854775808", "9223372036854775807"], true),
    ("BIGINT UNSIGNED", &["18446744073709551615"], true),
    ("DECIMAL(65,30)", &["-12345678901234567890123456789012345.123456789012345678901234567891"], true),
    ("DECIMAL(10,2) UNSIGNED", &["99999999.99"], true),
    ("FLOAT(10,3)", &["123456.789", "1234567.125", "0.001", "9999999.999", "-16777215"], true),
    ("DOUBLE", &["0.1", "123456789.123456789", "1.7976931348623157e308", "5e-324", "-0.30000000000000004"], true),
    ("DOUBLE(20,5)", &["123456789012.12345", "-0.00001"], true),
    ("BIT(64)", &["0x225c270a00ff0d1a", "b'1'"], true),
    ("DATE", &["'0000-00-00'", "'9999-12-31'"], true),
    ("DATETIME(6)", &["'0000-00-00'", "'9999-12-31 23:59:59.999999'"], true),
    ("TIMESTAMP(6) NULL", &["'2026-03-29 02:30:00.123456'", "'1970-01-02 00:00:00'"], true),
    ("TIME(6)", &["'-838:59:59'", "'12:34:56.123456'"], true),
    ("YEAR", &["2026", "0", "1901"], true),
    ("CHAR(10) COLLATE utf8mb4_bin", &["'ab '", "'汉😀'"], true),
    ("VARCHAR(100)", &["'a\\\\b\"c''d\\n%_'", "'汉😀'"], true),
    ("TINYTEXT", &["'x'", "''"], true),
    ("TEXT", &["'\\0 \\Z \\r\\n'"], true),
    ("MEDIUMTEXT", &["'汉'"], true),
    ("LONGTEXT", &["'汉😀\\0\\\\'"], true),
    ("STRING", &["'汉'"], true),
    ("BINARY(10)", &["x'00225c27ff'"], true),
    ("VARBINARY(300)", &["x'00225c27ff0d0a1a'"], true),
    ("TINYBLOB", &["x'ff'"], true),
    ("BLOB", &["x'80'"], true),
    ("MEDIUMBLOB", &["x'c3'"], true),
    ("LONGBLOB", &["x'e6b1'"], true),
    ("ENUM('a','汉','x,y','q\"')", &["'汉'", "'x,y'", "'q\"'"], true),
    ("SET('a','汉')", &["'a,汉'", "''"], true),
    ("JSON", &["'{\"a\": \"汉\\\\\\\\\\\\\"q\", \"f\": 0.1, \"n\": [null, 1e300]}'"], true),
    ("GEOMETRY", &["ST_GeomFromText('LINESTRING(0 0,1.1 2.2)')"], true),
    ("POINT", &["ST_GeomFromText('POINT(1.1 -2.2)')"], true),
    ("LINESTRING", &["ST_GeomFromText('LINESTRING(0 0,1 1)')"], true),
    ("POLYGON", &["ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')"], true),
    ("MULTIPOINT", &["ST_GeomFromText('MULTIPOINT(0 0,1 1)')"], true),
    ("MULTILINESTRING", &["ST_GeomFromText('MULTILINESTRING((0 0,1 1))')"], true),
    ("MULTIPOLYGON", &["ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))')"], true),
    ("GEOMETRYCOLLECTION", &["ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')"], true),
    ("ARRAY(TINYINT)", &["'[-128,127]'"], true),
    ("ARRAY(SMALLINT)", &["'[-32768,32767]'"], true),
    ("ARRAY(INT)", &["'[1,2,-3]'", "'[]'", "'[1,null,2]'"], true),
    ("ARRAY(BIGINT)", &["'[9223372036854775807,-9223372036854775808]'"], true),
    ("ARRAY(BIGINT UNSIGNED)", &["'[18446744073709551615]'"], true),
    ("ARRAY(ARRAY(INT))", &["'[[1,2],[3]]'"], true),
    ("MAP(INT,INT)", &["'{1:2,3:4}'"], true),
    ("MAP(INT,ARRAY(INT))", &["'{1:[1,2]}'"], true),
    ("FLOAT", &["123456.789", "16777215", "0.1"], false),
    ("VECTOR(3)", &["'[1,2,3]'", "'[0.123456789,-1e-7,16777215]'"], false),
    ("SPARSEVECTOR", &["'{1:0.5,7:2}'", "'{1:0.123456789}'"], false),
    ("ARRAY(FLOAT)", &["'[0.1,16777215]'"], false),
    ("ARRAY(DOUBLE)", &["'[0.1,123456789.123456789]'"], false),
    ("ARRAY(VECTOR(3))", &["'[[1,2,3]]'"], false),
    ("MAP(INT,FLOAT)", &["'{1:16777215}'"], false),
    ("MAP(INT,DOUBLE)", &["'{1:123456789.123456789}'"], false),
];

/// What surrounds a column, and comes back.
const AROUND: &[&str] = &[
    "CREATE DATABASE ar",
    "CREATE DATABASE `o'd`",
    "CREATE TABLE ar.gen (id INT PRIMARY KEY, v INT GENERATED ALWAYS AS (id + 1) VIRTUAL, \
     s VARCHAR(9) GENERATED ALWAYS AS (CONCAT('汉', id)) STORED)",
    "CREATE TABLE ar.invgen (id INT PRIMARY KEY, a INT INVISIBLE, g INT GENERATED ALWAYS AS (id + 1) VIRTUAL)",
    "CREATE TABLE ar.names (id INT PRIMARY KEY, `列` INT, `a b` INT, `c,d)` INT, KEY `索引` (`列`), \
     CONSTRAINT `约束` CHECK (`列` < 100))",
    "CREATE TABLE ar.parts (id INT PRIMARY KEY) PARTITION BY RANGE(id) (PARTITION `区` VALUES LESS THAN (10), \
     PARTITION p2 VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE ar.lists (id VARCHAR(10) PRIMARY KEY) PARTITION BY LIST COLUMNS(id) (PARTITION p1 VALUES IN ('汉','b'), \
     PARTITION p2 VALUES IN (DEFAULT))",
    "CREATE TABLE ar.words (id INT PRIMARY KEY, t TEXT, FULLTEXT KEY ft(t))",
    "CREATE TABLE ar.near (id INT PRIMARY KEY, e VECTOR(3), VECTOR INDEX vi(e) WITH (distance=l2, type=hnsw, lib=vsag))",
    "CREATE TABLE ar.map (id INT PRIMARY KEY, g GEOMETRY NOT NULL SRID 0, SPATIAL KEY sp(g))",
    "CREATE TABLE ar.func (id INT PRIMARY KEY, a VARCHAR(10), KEY f((UPPER(a))))",
    "CREATE TABLE ar.multi (id INT PRIMARY KEY, j JSON, KEY m((CAST(j->'$[*]' AS UNSIGNED ARRAY))))",
    "CREATE TABLE ar.parent (id INT PRIMARY KEY)",
    "CREATE TABLE ar.child (id INT PRIMARY KEY, p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES ar.parent(id))",
    "CREATE TABLE ar.defaults (id INT PRIMARY KEY, a VARBINARY(10) DEFAULT x'ff00', b VARCHAR(20) DEFAULT 'a''b\\\\c汉', \
     bt BIT(8) DEFAULT b'101', u VARCHAR(40) DEFAULT (UUID()), c INT COMMENT 'a''b\\\\c汉') COMMENT 'x''y汉'",
    "CREATE TABLE ar.`x.y` (`a'b` INT)",
    "CREATE TABLE `o'd`.t (a INT)",
    "CREATE VIEW ar.a_view AS SELECT '汉' AS a, id AS `列` FROM ar.z_view",
    "INSERT INTO ar.gen (id) VALUES (1), (2)",
    "INSERT INTO ar.invgen (id, a) VALUES (1, 7)",
    "INSERT INTO ar.names VALUES (1, 2, 3, 4)",
    "INSERT INTO ar.parts VALUES (1), (20)",
    "INSERT INTO ar.lists VALUES ('汉'), ('x')",
    "INSERT INTO ar.words VALUES (1, 'hello world')",
    "INSERT INTO ar.near VALUES (1, '[1,2,3]')",
    "INSERT INTO ar.map VALUES (1, ST_GeomFromText('POINT(1 2)'))",
    "INSERT INTO ar.func VALUES (1, 'a')",
    "INSERT INTO ar.multi VALUES (1, '[1,2]')",
    "INSERT INTO ar.parent VALUES (1)",
    "INSERT INTO ar.child VALUES (1, 1)",
    "INSERT INTO ar.defaults (id) VALUES (1)",
    "INSERT INTO ar.`x.y` VALUES (1)",
    "INSERT INTO `o'd`.t VALUES (1)",
    // Twice as long in a dump, which is more than a server takes by default.
    "CREATE TABLE ar.large (id INT PRIMARY KEY, x LONGTEXT)",
    "INSERT INTO ar.large VALUES (1, REPEAT('\"', 9437184)), (2, 'small')",
];

/// What no dump brings back, and how each is called.
const UNFIT: &[&str] = &[
    "CREATE DATABASE od",
    "USE od",
    "CREATE TABLE od.inv (id INT PRIMARY KEY, a INT INVISIBLE, b INT)",
    "CREATE VIEW od.over_inv AS SELECT id FROM od.inv",
    "CREATE TABLE od.geninv (id INT PRIMARY KEY, g INT GENERATED ALWAYS AS (id + 2) VIRTUAL INVISIBLE)",
    "CREATE TABLE od.quoted (id INT PRIMARY KEY, e ENUM('a','b''c'))",
    "CREATE TABLE od.slashed (id INT PRIMARY KEY, e SET('d\\\\e'))",
    "CREATE TABLE od.rounded (id INT PRIMARY KEY, f FLOAT, UNIQUE KEY (f))",
    "CREATE TABLE od.texts (id INT PRIMARY KEY, a ARRAY(VARCHAR(20)), m MAP(VARCHAR(20),INT))",
    "CREATE TABLE od.ticked (`a``b` INT)",
    "CREATE TABLE od.`汉字` (a INT)",
    "CREATE TABLE od.`t` (a INT)",
    "CREATE TABLE od.`t-schema` (a INT)",
    "CREATE TABLE od.gone (a INT)",
    "CREATE VIEW od.broken AS SELECT a FROM od.gone",
    "DROP TABLE od.gone",
    "CREATE FUNCTION f() RETURNS INT RETURN 1",
    "CREATE VIEW od.calls AS SELECT f() AS a",
    "CREATE TRIGGER tr BEFORE INSERT ON od.t FOR EACH ROW SET NEW.a = 1",
    "CREATE DATABASE `do.t`",
    "CREATE TABLE `do.t`.t (a INT)",
    "INSERT INTO od.inv (id, a, b) VALUES (1, 2, 3)",
];
const LEFT_OUT: [&str; 13] = [
    "do.t.*",
    "od.broken",
    "od.calls",
    "od.geninv",
    "od.inv",
    "od.over_inv",
    "od.quoted",
    "od.rounded",
    "od.slashed",
    "od.t-schema",
    "od.texts",
    "od.ticked",
    "od.汉字",
];

fn obnow(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_obnow"));
    command.arg("--config").arg(folder.join("config.yaml")).arg("--state").arg(folder.join("state")).args(arguments);
    command.arg("--json").stdin(Stdio::null()).output().unwrap()
}

fn events(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'a>(events: &'a [Value], key: &str, value: &str) -> &'a Value {
    events.iter().find(|event| event[key] == value).unwrap_or_else(|| panic!("no {value}: {events:#?}"))
}

/// `t7`, the table of the seventh type.
fn table(place: usize) -> String {
    format!("ty.t{place}")
}

async fn fill(source: &mut MySqlConnection) {
    sql::run(source, "SET NAMES utf8mb4").await;
    sql::run(source, "SET SESSION sql_mode = '', ob_query_timeout = 100000000").await;
    sql::run(source, "CREATE DATABASE ty").await;
    for (place, (kind, values, _)) in TYPES.iter().enumerate() {
        let table = table(place);
        sql::run(source, format!("CREATE TABLE {table} (id INT PRIMARY KEY, v {kind})")).await;
        let rows = values.iter().chain(&["NULL"]).enumerate().map(|(id, value)| format!("({id}, {value})"));
        sql::run(source, format!("INSERT INTO {table} VALUES {}", rows.collect::<Vec<_>>().join(", "))).await;
    }
    sql::run(source, "CREATE VIEW ty.v AS SELECT * FROM ty.t0").await;
    for statement in AROUND {
        if statement.contains("z_view") {
            sql::run(source, "CREATE VIEW ar.z_view AS SELECT id FROM ar.parent").await;
        }
        sql::run(source, *statement).await;
    }
    beside(source).await;
}

/// Every pair of bytes, and every byte that begins a character before those that a quoting knows, in one row with a vector: its
/// file speaks a character set, and the bytes must come back all the same.
async fn beside(source: &mut MySqlConnection) {
    let mut bytes: Vec<u8> = (0..=255_u8).flat_map(|a| (0..=255_u8).flat_map(move |b| [a, b])).collect();
    let known = b"\"'\\\0\n\r\x1a%_;),(\x80\xbf\xc0";
    for lead in 0xc0..=255_u8 {
        for second in known {
            for third in known {
                bytes.extend([lead, *second, *third, lead, 0x80, *second, *third]);
            }
        }
    }
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let all: String = hex.chars().take(512).collect();
    sql::run(
        source,
        "CREATE TABLE ar.beside (id INT PRIMARY KEY, b LONGBLOB, vb VARBINARY(300), bi BIT(64), bn BINARY(12), g GEOMETRY, \
         v VECTOR(3), a ARRAY(INT), `列` VARCHAR(9), e ENUM('a','汉'), s SET('汉','b'), j JSON)",
    )
    .await;
    sql::run(
        source,
        format!(
            "INSERT INTO ar.beside VALUES (1, x'{hex}', x'{all}', 0x225c270a00ff0d1a, x'00ff8090c3', \
             ST_GeomFromText('POINT(1.1 2.2)'), '[1,2,3]', '[1,2]', '汉😀\"', '汉', '汉,b', '{{\"a\": \"汉\"}}')"
        ),
    )
    .await;
}

async fn names(connection: &mut MySqlConnection, question: &str) -> BTreeSet<String> {
    let rows = sql::rows(connection, question).await;
    rows.into_iter().map(|row| String::from_utf8(row.into_iter().next().unwrap().unwrap()).unwrap()).collect()
}

/// The definition and the rows of a table, an INVISIBLE column among them.
async fn all_of(connection: &mut MySqlConnection, table: &str) -> (Vec<sql::Line>, Vec<sql::Line>) {
    let columns = if table == "`ar`.`invgen`" { "id, a, g" } else { "*" };
    let definition = sql::rows(connection, format!("SHOW CREATE TABLE {table}")).await;
    let mut rows = sql::rows(connection, format!("SELECT {columns} FROM {table}")).await;
    rows.sort();
    (definition, rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_is_restored_or_refused_before() {
    if program("mydumper").is_none() || program("myloader").is_none() {
        return;
    }
    let (Some(from), Some(to)) = tokio::join!(Seekdb::start(SERVER), Seekdb::start(SERVER)) else { return };
    let mut source = from.connect().await;
    fill(&mut source).await;
    let tried =
        names(&mut source, "SELECT DISTINCT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'ty'").await;
    for kind in PLAIN_TYPES {
        assert!(tried.contains(*kind), "{kind} is called exact, and no value of it is tried here");
    }
    for statement in UNFIT {
        sql::run(&mut source, *statement).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let private = |name: &str, text: &str| {
        std::fs::write(here.join(name), text).unwrap();
        std::fs::set_permissions(here.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    };
    private("password", PASSWORD);
    let (port, password) = (from.port, here.join("password"));
    let inventory = format!(
        "clusters:\n  - name: lab\n    endpoints: [\"127.0.0.1:{port}\"]\n    user: root@sys\n    password: {{file: {}}}\n",
        password.display()
    );
    private("config.yaml", &inventory);

    refused(here);
    let storage = format!("file://{}", here.join("backup").display());
    let mut backup = vec!["backup", "lab", "--mode", "full", "--storage", &storage];
    for name in LEFT_OUT {
        backup.extend(["--exclude-table", name]);
    }
    let made = made(here, &backup);
    load_by(&made, here, &to);
    compare(&mut source, &mut to.connect().await).await;
}

/// The check names every one of them and nothing else, and no start is possible.
fn refused(here: &Path) {
    let output = obnow(here, &["check", "lab"]);
    let checks = events(&output);
    assert_eq!(output.status.code(), Some(10), "{checks:#?}");
    let dumpable = of_kind(&checks, "check", "dumpable");
    assert_eq!((&dumpable["result"], &dumpable["stage"]), (&"fail".into(), &"gate".into()));
    let fix = dumpable["fix"].as_str().unwrap();
    assert_eq!(fix.matches("--exclude-table").count(), LEFT_OUT.len(), "{fix}");
    for name in LEFT_OUT {
        assert!(fix.contains(name), "{name}: {fix}");
    }
    assert!(dumpable["found"].as_str().unwrap().contains("14 things"), "{dumpable}");
    let left_out = of_kind(&checks, "check", "left_out")["found"].as_str().unwrap();
    assert!(left_out.contains("routines od.f") && left_out.contains("triggers od.tr"), "{left_out}");
    let changed = of_kind(&checks, "check", "exact_values")["found"].as_str().unwrap();
    let rounding = TYPES.iter().filter(|(.., exact)| !exact).count();
    // And the two vectors that have other columns beside them.
    assert!(changed.contains(&format!("in {} columns", rounding + 2)), "{changed}");
}

/// The verdict of a backup without them; the plan, too, says what it leaves out and that it makes the directory.
fn made(here: &Path, backup: &[&str]) -> Value {
    let dry = obnow(here, &[backup, &["--dry-run"]].concat());
    let plan = events(&dry);
    assert!(dry.status.success(), "{plan:#?}");
    let directory = of_kind(&plan, "check", "dump_directory");
    assert!(directory["found"].as_str().unwrap().contains("is missing"), "{directory}");
    let start = &of_kind(&plan, "event", "plan")["steps"][3];
    let effect = start["effect"].as_str().unwrap();
    assert!(effect.starts_with("makes the directory ") && effect.contains(" without do.t.*, od.broken"), "{effect}");
    assert!(start["statements"][0].as_str().unwrap().contains(r"od\.\xE6\xB1\x89\xE5\xAD\x97$"), "{start}");

    let parent = events(&obnow(here, &[backup, &["--exclude-table", "ar.parent", "--dry-run"]].concat()));
    let excluded = of_kind(&parent, "check", "excluded_tables")["found"].as_str().unwrap();
    assert!(excluded.contains("; foreign keys point to them: ar.child to ar.parent"), "{excluded}");

    let output = obnow(here, &[backup, &["--yes"]].concat());
    let told = events(&output);
    assert!(output.status.success(), "{told:#?}\n{}", String::from_utf8_lossy(&output.stderr));
    let verdict = told.iter().find(|event| event["event"] == "verdict" && event["target"] == "lab").unwrap().clone();
    assert_eq!(verdict["verdict"], "restorable", "{verdict:#}");
    let words = verdict.to_string();
    assert!(words.contains("values that lost digits: ") && words.contains("left out as asked: do.t.*"), "{words}");
    assert!(words.contains("routines od.f") && words.contains("triggers od.tr"), "{words}");
    verdict
}

/// Loads by the command of the verdict, after the setting that the verdict asks for.
fn load_by(verdict: &Value, here: &Path, to: &Seekdb) {
    let recipe: Vec<&str> = verdict["recipe"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let command = recipe.iter().find(|line| line.starts_with("myloader ")).unwrap();
    let setting = recipe.iter().find_map(|line| line.split_once("first SET GLOBAL ")).unwrap().1;
    let options = here.join("loader.cnf");
    let password = PASSWORD.replace('\\', "\\\\").replace('"', "\\\"").replace('\'', "\\'");
    std::fs::write(&options, format!("[myloader]\nuser=\"root@sys\"\npassword=\"{password}\"\n")).unwrap();
    let command = command
        .replace("<file with user and password under [myloader]>", &options.display().to_string())
        .replace("<host>", "127.0.0.1")
        .replace("<port>", &to.port.to_string());
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(async {
            sql::run(&mut to.connect().await, format!("SET GLOBAL {setting}")).await;
        });
    });
    let done = Command::new("/bin/sh").args(["-c", &command]).output().unwrap();
    assert!(done.status.success(), "{command}\n{}", String::from_utf8_lossy(&done.stderr));
}

async fn compare(source: &mut MySqlConnection, target: &mut MySqlConnection) {
    for connection in [&mut *source, &mut *target] {
        sql::run(connection, "SET NAMES utf8mb4").await;
        sql::run(connection, "SET SESSION time_zone = '+00:00', ob_query_timeout = 100000000").await;
    }
    let listed = "SELECT CONCAT('`', TABLE_SCHEMA, '`.`', TABLE_NAME, '`') FROM information_schema.TABLES \
                  WHERE TABLE_SCHEMA IN ('ty', 'ar', 'od', 'o''d')";
    let (there, here) = (names(source, listed).await, names(target, listed).await);
    assert_eq!(there.len(), here.len() + LEFT_OUT.len() - 1, "{here:?}");
    for table in &here {
        let (there, here) = (all_of(source, table).await, all_of(target, table).await);
        assert_eq!(there.0, here.0, "the definition of {table}");
        assert_eq!(there.1.len(), here.1.len(), "{table}");
        if let Some(row) = (0..there.1.len()).find(|row| there.1[*row] != here.1[*row]) {
            let show = |line: &sql::Line| format!("{line:?}").chars().take(300).collect::<String>();
            panic!("{table}: {} came back as {}", show(&there.1[row]), show(&here.1[row]));
        }
    }
    // What is printed is the same; behind it a FLOAT is another, and one with a scale is not.
    for exact in ["FLOAT(10,3)", "FLOAT"] {
        let place = TYPES.iter().position(|(kind, ..)| *kind == exact).unwrap();
        let question = format!("SELECT CAST(v AS DOUBLE) FROM {} WHERE v IS NOT NULL", table(place));
        let (there, here) = (names(source, &question).await, names(target, &question).await);
        assert_eq!(there == here, exact != "FLOAT", "{exact}: {there:?} came back as {here:?}");
    }
}
