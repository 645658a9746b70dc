//! Tests statements of OceanBase V4 with a real parser of V4.3.5, also where the documentation is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod engine;

use engine::parser::{WRONG, parser_codes};

const NO_SUCH_TENANT: u32 = 5160;
const NOT_SUPPORTED: u32 = 1235;
const INVALID: u32 = 1210;
/// Parsed, and then it reads a parameter this engine does not have.
const NO_SUCH_COLUMN: u32 = 1054;
const NO_SUCH_TABLE: u32 = 1146;
const RAN: u32 = 0;

const TABLE: &[(&str, u32)] = &[
    // Back up: the order is {DATABASE | TENANT list} [TO] [PLUS ARCHIVELOG] [DESCRIPTION].
    ("ALTER SYSTEM BACKUP DATABASE", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'abc'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP DATABASE DESCRIPTION 'abc'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP DATABASE PLUS ARCHIVELOG DESCRIPTION = 'abc'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP INCREMENTAL DATABASE PLUS ARCHIVELOG DESCRIPTION = 'abc'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP TENANT = t1", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP TENANT t1", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP TENANT = 't1','t2'", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP TENANT = `t1`,`t2`", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP TENANT = `t1` PLUS ARCHIVELOG DESCRIPTION = 'x'", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP INCREMENTAL TENANT = t1,t2 PLUS ARCHIVELOG", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP TENANT = ALL", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP TENANT = all_user", NO_SUCH_TENANT),
    ("ALTER SYSTEM BACKUP DATABASE TO 'file:///x'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP DATABASE TO = 'file:///x'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP DATABASE TENANT = t1", WRONG),
    ("ALTER SYSTEM BACKUP PLUS ARCHIVELOG TENANT = t1", WRONG),
    ("ALTER SYSTEM BACKUP TENANT = t1 DESCRIPTION = 'x' PLUS ARCHIVELOG", WRONG),
    ("ALTER SYSTEM BACKUP TENANT = (t1,t2)", WRONG),
    ("ALTER SYSTEM BACKUP DATABASE PLUS ARCHIVELOG TO = 'file:///x'", WRONG),
    // Destinations: one tenant each.
    ("ALTER SYSTEM SET DATA_BACKUP_DEST = 'file:///x'", NOT_SUPPORTED),
    ("ALTER SYSTEM SET DATA_BACKUP_DEST = 'file:///x' TENANT = t1,t2", WRONG),
    // Encryption is of the session.
    ("SET ENCRYPTION ON IDENTIFIED BY 'pw' ONLY", RAN),
    ("SET ENCRYPTION ON IDENTIFIED BY \"pw\" ONLY", RAN),
    ("SET ENCRYPTION OFF", WRONG),
    // Cancel.
    ("ALTER SYSTEM CANCEL BACKUP", NOT_SUPPORTED),
    ("ALTER SYSTEM CANCEL BACKUP TENANT = t1", NO_SUCH_TENANT),
    ("ALTER SYSTEM CANCEL BACKUP TENANT t1,t2", NO_SUCH_TENANT),
    ("ALTER SYSTEM SUSPEND BACKUP", INVALID),
    ("ALTER SYSTEM RESUME BACKUP", INVALID),
    ("ALTER SYSTEM CANCEL ALL BACKUP FORCE", INVALID),
    // The passwords of a look at the storage, and its answer. This engine's grammar has no RESTORE.
    ("SET DECRYPTION IDENTIFIED BY 'a'", RAN),
    ("SET DECRYPTION IDENTIFIED BY 'a', 'b'", RAN),
    ("SET DECRYPTION IDENTIFIED BY 'a' ONLY", WRONG),
    ("SHOW RESTORE PREVIEW", NOT_SUPPORTED),
    // Keys, parameters, validation, deletion: parsed, and refused by this engine.
    ("ALTER SYSTEM BACKUP KEY TO 'file:///x' ENCRYPTED BY 'pw'", NOT_SUPPORTED),
    ("ALTER SYSTEM BACKUP CLUSTER PARAMETERS TO 'file:///x'", NO_SUCH_COLUMN),
    ("ALTER SYSTEM VALIDATE DATABASE", NOT_SUPPORTED),
    ("ALTER SYSTEM VALIDATE BACKUPSET 1", NOT_SUPPORTED),
    ("ALTER SYSTEM CANCEL VALIDATE 1", NOT_SUPPORTED),
    ("ALTER SYSTEM DELETE BACKUPSET 1", NOT_SUPPORTED),
    ("ALTER SYSTEM DELETE BACKUPPIECE 1", NOT_SUPPORTED),
    ("ALTER SYSTEM DELETE OBSOLETE BACKUP", NOT_SUPPORTED),
    // Compaction.
    ("ALTER SYSTEM MAJOR FREEZE", RAN),
    ("ALTER SYSTEM MAJOR FREEZE TENANT = ALL", RAN),
    ("ALTER SYSTEM MAJOR FREEZE TENANT = t1", NO_SUCH_TENANT),
    // What a session asks about itself.
    ("SELECT NOW(6), UTC_TIMESTAMP(6), CONNECTION_ID(), EFFECTIVE_TENANT_ID(), OB_VERSION()", RAN),
    ("SET SESSION ob_query_timeout = 5000000", RAN),
    ("SHOW GRANTS", RAN),
    // What a login that lacks something is told to be given.
    ("CREATE USER 'op'", RAN),
    ("GRANT ALTER SYSTEM ON *.* TO 'op'", RAN),
    ("GRANT SELECT ON oceanbase.* TO 'op'", RAN),
    ("DESC oceanbase.GV$OB_PARAMETERS", RAN),
    ("SHOW COLUMNS FROM oceanbase.GV$OB_PARAMETERS", RAN),
    ("SHOW COLUMNS FROM oceanbase.CDB_OB_BACKUP_JOBS", NO_SUCH_TABLE),
];

#[test]
fn documented_statements_get_their_documented_codes() {
    let statements: Vec<&str> = TABLE.iter().map(|(statement, _)| *statement).collect();
    let Some(codes) = parser_codes(&statements) else { return };
    let wrong: Vec<String> = TABLE
        .iter()
        .zip(codes)
        .filter(|((_, expected), code)| expected != code)
        .map(|((statement, expected), code)| format!("{statement}: {code}, not {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
