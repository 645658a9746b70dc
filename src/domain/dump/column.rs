//! A column of the catalogue, and what a dump and its load do to its values.

/// A column as the catalogue lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    /// The database of the table.
    pub database: String,
    /// The table or view.
    pub table: String,
    /// The column's name.
    pub name: String,
    /// `DATA_TYPE`: `int`, `VECTOR(3)`.
    pub data_type: String,
    /// `COLUMN_TYPE`: `int(10) unsigned`, `enum('a','b')`.
    pub column_type: String,
    /// `EXTRA`: `VIRTUAL GENERATED`, `INVISIBLE`.
    pub extra: String,
}

/// What a dump and its load do to the values of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoundTrip {
    /// They are unchanged.
    Exact,
    /// They lose digits; the reason.
    Rounded(&'static str),
    /// Some are lost; the reason.
    Lost(&'static str),
    /// The type was not tried.
    Untried,
}

/// The types whose values are unchanged, whatever their parentheses contain; each was dumped, loaded into a second server and
/// compared. Values of `DATA_TYPE`.
pub const PLAIN_TYPES: &[&str] = &[
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "double",
    "bit",
    "date",
    "datetime",
    "timestamp",
    "time",
    "year",
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "binary",
    "varbinary",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "json",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geomcollection",
];

/// The types whose values are unchanged inside an ARRAY or a MAP.
const PLAIN_ELEMENTS: &[&str] = &["tinyint", "smallint", "int", "bigint"];

/// The server prints a FLOAT, and each element of a VECTOR, with six digits.
const SIX_DIGITS: &str = "printed with 6 digits";

/// The server prints each DOUBLE inside an ARRAY or a MAP with 16 digits, and 17 may be needed.
const SIXTEEN_DIGITS: &str = "printed with 16 digits";

/// A backslash inside an ARRAY or a MAP is printed without escape, and read back as the beginning of one or not at all.
const BARE_BACKSLASH: &str = "a backslash in its texts is printed so that it does not load";

impl Column {
    /// Returns whether the dump leaves its values out and the loading server computes them.
    pub(super) fn is_generated(&self) -> bool {
        self.extra.to_ascii_uppercase().contains("GENERATED")
    }

    pub(super) fn is_invisible(&self) -> bool {
        self.extra.to_ascii_uppercase().contains("INVISIBLE")
    }

    /// Returns what a dump and its load do to its values.
    pub(super) fn round_trip(&self) -> RoundTrip {
        let base = base(&self.data_type);
        match base.as_str() {
            // With a scale the value is printed with all that is kept of it.
            "float" if self.column_type.contains(',') => RoundTrip::Exact,
            "float" => RoundTrip::Rounded(SIX_DIGITS),
            // seekdb lists a STRING as one or as the mediumtext that it is.
            "enum" | "set" | "string" => RoundTrip::Exact,
            plain if PLAIN_TYPES.contains(&plain) => RoundTrip::Exact,
            "vector" | "sparsevector" => RoundTrip::Rounded(SIX_DIGITS),
            "array" | "map" => elements(&self.data_type),
            _ => RoundTrip::Untried,
        }
    }

    /// Returns why its enum texts cannot be dumped; `None`: they can, or it has none. The server writes them into a definition
    /// unescaped, so that a quote or a backslash in them ends or changes the text.
    pub(super) fn broken_words(&self) -> Option<&'static str> {
        let inside = match base(&self.data_type).as_str() {
            "enum" | "set" => self.column_type.split_once('(')?.1.strip_suffix(')')?,
            _ => return None,
        };
        if inside.contains('\\') {
            return Some("a word of it has a backslash, which is lost");
        }
        let words = inside.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let whole = words.is_some_and(|words| words.split("','").all(|word| !word.contains('\'')));
        (!whole).then_some("a word of it has a quote, and its definition cannot be loaded")
    }
}

/// Returns the type's name before the parentheses, in lower case.
fn base(data_type: &str) -> String {
    data_type.split(['(', ' ']).next().unwrap_or_default().to_ascii_lowercase()
}

/// Returns what happens to an ARRAY or a MAP: the worst of its elements.
fn elements(data_type: &str) -> RoundTrip {
    let lower = data_type.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let mut fate = RoundTrip::Exact;
    for word in words {
        let own = match word {
            "array" | "map" | "unsigned" => continue,
            "float" | "vector" => RoundTrip::Rounded(SIX_DIGITS),
            "double" => RoundTrip::Rounded(SIXTEEN_DIGITS),
            "varchar" => return RoundTrip::Lost(BARE_BACKSLASH),
            plain if PLAIN_ELEMENTS.contains(&plain) => continue,
            _ => return RoundTrip::Untried,
        };
        if fate != RoundTrip::Rounded(SIX_DIGITS) {
            fate = own;
        }
    }
    fate
}
