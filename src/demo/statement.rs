//! The parsed statements that the embedded OceanBase supports. A statement without a form here is a syntax error (1064), as on a
//! server.

/// A literal as a client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A whole number; wide enough for an SCN (unsigned 64 bit) and for negative codes.
    Integer(i128),
    /// A quoted string, unescaped.
    Text(String),
    /// `NULL`.
    Null,
}

/// `SELECT columns FROM oceanbase.VIEW [WHERE c = l AND c IN (l, ..)] [ORDER BY c [DESC], ..] [LIMIT n]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The columns, as written; `*` is refused by the grammar.
    pub columns: Vec<String>,
    /// Indexes of the columns that are selected as `UNIX_TIMESTAMP(column) AS name`, each with that name.
    pub unix_time_columns: Vec<(usize, String)>,
    /// The view's own name in upper case, without the schema: `CDB_OB_BACKUP_JOBS`. A view of another schema than
    /// `oceanbase` keeps it: `INFORMATION_SCHEMA.TABLES`.
    pub view: String,
    /// The conditions, joined by AND; a single literal is an IN of one.
    pub filter: Vec<(String, Vec<Literal>)>,
    /// Column, and whether the order is descending.
    pub order: Vec<(String, bool)>,
    /// `LIMIT n`.
    pub limit: Option<u64>,
}

/// A value that needs no view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// `VERSION()`.
    Version,
    /// `OB_VERSION()`.
    ObVersion,
    /// `EFFECTIVE_TENANT_ID()`.
    TenantId,
    /// `EFFECTIVE_TENANT()`.
    TenantName,
    /// `CONNECTION_ID()`.
    ConnectionId,
    /// `NOW(6)`, in the session's time zone.
    Now,
    /// `UTC_TIMESTAMP(6)`.
    UtcNow,
    /// `@@name`, `@@session.name` or `@@global.name`: the name in lower case.
    Variable(String),
}

/// The tenants an `ALTER SYSTEM` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// No TENANT clause.
    Unnamed,
    /// `TENANT = ALL`, `all_user` or `all_meta`, in lower case, where the grammar has them as keywords.
    Keyword(String),
    /// `TENANT = a, b`.
    Listed(Vec<String>),
}

/// What a BACKUP covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupScope {
    /// `BACKUP DATABASE`.
    Database,
    /// `BACKUP TENANT = a, b`.
    Tenants(Vec<String>),
}

/// The point that a restore goes up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    /// As far as the log reaches.
    Latest,
    /// `UNTIL SCN = n`.
    Scn(i128),
    /// `UNTIL TIME = 'x'`; before V4 `UNTIL 'x'`.
    Time(String),
}

/// A preview of a restore: `RESTORE FROM 'a,b' [UNTIL ..] PREVIEW`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The URIs, with a comma between them.
    pub from: String,
    /// The point it goes up to.
    pub until: Until,
    /// Before V4: `RESTORE new FROM old AT 'uri' UNTIL 'x' WITH 'options' PREVIEW`.
    pub legacy: Option<LegacyPreview>,
}

/// What a restore before V4 names besides its URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyPreview {
    /// The tenant that would be created.
    pub tenant: String,
    /// The tenant that was backed up.
    pub source: String,
    /// `backup_cluster_name=..&backup_cluster_id=..`.
    pub options: String,
}

/// The `ALTER SYSTEM` statements. Those of V2.2 and V3 have no TENANT clause and no DESCRIPTION; the last three before [`Alter::Refused`] are theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alter {
    /// `SET NAME = value [, ..] [TENANT = t]`; names in lower case. The destinations
    /// (`data_backup_dest`, `log_archive_dest`, `log_archive_dest_state`) come this way too.
    Set {
        /// Name and value of each item.
        items: Vec<(String, Literal)>,
        /// Exactly one tenant may be listed for the backup items.
        tenants: Tenants,
    },
    /// `ARCHIVELOG` (true) or `NOARCHIVELOG` (false).
    ArchiveLog {
        /// Switch on or off.
        on: bool,
        /// The tenants it concerns.
        tenants: Tenants,
        /// `DESCRIPTION = 'x'`.
        description: Option<String>,
    },
    /// `BACKUP [INCREMENTAL] {DATABASE | TENANT list} [TO 'path'] [PLUS ARCHIVELOG] [DESCRIPTION 'x']`.
    Backup {
        /// `INCREMENTAL`.
        incremental: bool,
        /// What is backed up.
        scope: BackupScope,
        /// `TO 'path'`: parsed, and refused with 1235 on V4; where a V3 tenant backup goes.
        to: Option<String>,
        /// `PLUS ARCHIVELOG`.
        plus_archivelog: bool,
        /// `DESCRIPTION = 'x'`.
        description: Option<String>,
    },
    /// `CANCEL BACKUP`.
    CancelBackup(Tenants),
    /// `MAJOR FREEZE`.
    MajorFreeze(Tenants),
    /// `MINOR FREEZE`.
    MinorFreeze,
    /// `CANCEL ALL BACKUP FORCE`.
    CancelAll,
    /// `CANCEL DELETE BACKUP`.
    CancelDelete,
    /// `RESTORE .. PREVIEW`.
    PreviewRestore(Preview),
    /// Parsed as on a V4.3.5 server, and refused with 1235 or 1210.
    Refused {
        /// The MySQL error code the server answers with.
        code: u16,
        /// The message.
        message: String,
    },
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// A SELECT from a view.
    Select(Select),
    /// `SELECT f(), @@v, ..` without FROM, with each column's heading as written.
    Scalars(Vec<(String, Scalar)>),
    /// `DESC schema.view` or `SHOW COLUMNS FROM schema.view`, named as in [`Select::view`].
    Describe(String),
    /// `SHOW VARIABLES LIKE 'x'`.
    ShowVariables(String),
    /// `SHOW PARAMETERS LIKE 'x' [TENANT = t]`.
    ShowParameters(String, Option<String>),
    /// `SHOW PARAMETERS WHERE name IN ('x', ..)`: V3.
    ShowParametersNamed(Vec<String>),
    /// `SHOW TABLES FROM oceanbase LIKE 'x'`: V2.2 and V3.
    ShowTables(String),
    /// `SHOW GRANTS`.
    ShowGrants,
    /// `SET [SESSION] name = literal`, or `SET NAMES x`: names in lower case.
    SetSession(Vec<(String, Literal)>),
    /// `SET ENCRYPTION ON IDENTIFIED BY 'x' ONLY`.
    SetEncryption(String),
    /// `SET DECRYPTION IDENTIFIED BY 'x' [, 'y' ..]`.
    SetDecryption(Vec<String>),
    /// `SHOW RESTORE PREVIEW`.
    ShowRestorePreview,
    /// `KILL [QUERY] id`.
    Kill {
        /// Only the running statement, not the connection.
        query_only: bool,
        /// The connection's id.
        connection: u64,
    },
    /// `ALTER SYSTEM ..`.
    Alter(Alter),
}

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The positive code a client sees.
    pub code: u16,
    /// SQLSTATE, five characters.
    pub state: &'static str,
    /// The message.
    pub message: String,
}

/// A value in a row of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// An integer, signed or unsigned 64 bit.
    Integer(i128),
    /// Text, a datetime or a decimal, as the server prints it.
    Text(String),
}

/// A row by column name (upper case). A documented column the row leaves out is NULL; a column the view does not have
/// is a bug of the fleet and is reported as such.
pub type Row = std::collections::BTreeMap<&'static str, Value>;
